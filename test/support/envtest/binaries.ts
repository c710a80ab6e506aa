import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { etcdVersion, kubernetesVersion } from './versions.ts'

export interface Binaries {
  readonly etcd: string
  readonly apiserver: string
  readonly source: 'KUBEBUILDER_ASSETS' | 'cache'
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Why tests of the real API server are skipped, and the cure. */
export const skipReason = 'no kube-apiserver and etcd found: run "npm run envtest" once'

/**
 * Finds both binaries, or neither. `KUBEBUILDER_ASSETS` is a person's choice: where it is set the cache is not looked
 * at, so that nobody tests against another version than the one asked for.
 */
export async function findBinaries(env: Environment): Promise<Binaries | undefined> {
  const assets = env.KUBEBUILDER_ASSETS
  const directory = assets === undefined || assets === '' ? cacheDirectory(env) : assets
  if ((await missingIn(directory)).length > 0) return undefined
  return { ...binariesIn(directory), source: directory === assets ? 'KUBEBUILDER_ASSETS' : 'cache' }
}

/** Where built binaries are kept: one folder per pair of versions, outside the repository. */
export function cacheDirectory(env: Environment): string {
  const base = env.XDG_CACHE_HOME ?? ''
  const caches = base === '' ? join(env.HOME ?? homedir(), '.cache') : base
  return join(caches, 'modelservice-operator', 'envtest', `kubernetes-${kubernetesVersion}-etcd-${etcdVersion}`)
}

export function binariesIn(directory: string): { etcd: string; apiserver: string } {
  return { etcd: join(directory, 'etcd'), apiserver: join(directory, 'kube-apiserver') }
}

/** The names of the binaries that are not in the directory, or not executable. */
export async function missingIn(directory: string): Promise<string[]> {
  const found = await Promise.all(
    ['kube-apiserver', 'etcd'].map(async (name) => ({ name, there: await isExecutable(join(directory, name)) })),
  )
  return found.filter(({ there }) => !there).map(({ name }) => name)
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
