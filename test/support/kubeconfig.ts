import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'

/** A directory for the files of one test. */
export async function testDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
}

export type KubeconfigParts = {
  readonly name?: string
  readonly server?: string
  readonly namespace?: string
  /** Further keys of the cluster and of the user, as kubectl spells them. */
  readonly cluster?: Readonly<Record<string, unknown>>
  readonly user?: Readonly<Record<string, unknown>>
  readonly currentContext?: string | undefined
}

/** The text of a kubeconfig with one context; all in it bears one name. */
export function kubeconfigText(parts: KubeconfigParts = {}): string {
  const { name = 'test', server = 'https://test.invalid', namespace, cluster = {}, user = {} } = parts
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...(namespace !== undefined && { namespace }) } }],
    'current-context': 'currentContext' in parts ? parts.currentContext : name,
  })
}

export async function writeKubeconfig(parts: KubeconfigParts = {}): Promise<string> {
  const file = join(await testDirectory(), 'config')
  await writeFile(file, kubeconfigText(parts))
  return file
}
