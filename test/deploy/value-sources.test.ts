/** Who may read which Secret, by the word of `kubectl auth can-i` on a real API server. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'
import type { ApiServerAccess } from '../support/envtest/access.ts'
import { ofKind, type Manifest } from './manifest.ts'
import { helmMissing, kubectlMissing, kustomize, minimalValues, renderChart } from './render.ts'

const run = promisify(execFile)
const named = { secrets: ['hugging-face'], configMaps: ['chat-settings'] }

/** Whether the operator may, by kubectl's `yes` and `no`. */
async function canI(server: ApiServerAccess, account: string, args: readonly string[]): Promise<string> {
  const as = `--as=system:serviceaccount:${account}`
  const asked = run('kubectl', ['auth', 'can-i', ...args, as, '--kubeconfig', server.adminKubeconfig])
  // It ends with 1 where the answer is no.
  const { stdout } = await asked.catch((error: unknown) => error as { stdout: string })
  return stdout.trim()
}

async function apply(server: ApiServerAccess, manifests: readonly Manifest[], namespace: string) {
  for (const { apiVersion, kind, metadata, ...rest } of manifests) {
    const path = `/apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s`
    const body = { apiVersion, kind, metadata: { ...metadata, namespace }, ...rest }
    expect(await server.request('POST', path, body)).toMatchObject({ status: 201 })
  }
}

const rights = (manifests: readonly Manifest[]) =>
  [...ofKind([...manifests], 'Role'), ...ofKind([...manifests], 'RoleBinding')].filter(({ metadata }) =>
    metadata.name.endsWith('value-sources'),
  )

const questions = [
  ['get', 'secrets/hugging-face'],
  ['watch', 'secrets/hugging-face'],
  ['get', 'configmaps/chat-settings'],
  ['get', 'secrets/another'],
  ['list', 'secrets'],
  ['watch', 'secrets'],
  ['list', 'configmaps'],
  ['update', 'secrets/hugging-face'],
  ['delete', 'secrets/hugging-face'],
] as const

async function answers(server: ApiServerAccess, namespace: string, account: string): Promise<Record<string, string>> {
  const asked = questions.map(async (question) => [
    question.join(' '),
    await canI(server, account, [...question, '-n', namespace]),
  ])
  return Object.fromEntries(await Promise.all(asked)) as Record<string, string>
}

const byName = {
  'get secrets/hugging-face': 'yes',
  'watch secrets/hugging-face': 'yes',
  'get configmaps/chat-settings': 'yes',
  'get secrets/another': 'no',
  'list secrets': 'no',
  'watch secrets': 'no',
  'list configmaps': 'no',
  'update secrets/hugging-face': 'no',
  'delete secrets/hugging-face': 'no',
}

describe.skipIf(apiServerMissing() ?? helmMissing ?? kubectlMissing)(
  'of the Secrets of a namespace the operator',
  () => {
    it('may read those by name that the values of the chart name, and no other', async () => {
      const server = await sharedApiServer()
      const namespace = await testNamespace(server)
      const values = { ...minimalValues, rbac: { valueSources: [{ namespace, ...named }] } }
      await apply(server, rights(await renderChart(values)), namespace)
      expect(await answers(server, namespace, 'modelservice-system:modelservice-operator')).toEqual(byName)
    })

    it('may get any, and list none, where the values say all', async () => {
      const server = await sharedApiServer()
      const namespace = await testNamespace(server)
      const values = { ...minimalValues, rbac: { valueSources: [{ namespace, all: true }] } }
      await apply(server, rights(await renderChart(values)), namespace)
      expect(await answers(server, namespace, 'modelservice-system:modelservice-operator')).toEqual({
        ...byName,
        'get secrets/another': 'yes',
        'watch secrets/hugging-face': 'no',
      })
    })

    it('may read those that the component of kustomize names', async () => {
      const server = await sharedApiServer()
      const namespace = await testNamespace(server)
      await apply(server, await kustomize('components/value-sources'), namespace)
      expect(await answers(server, namespace, 'modelservice-system:modelservice-operator')).toEqual(byName)
    })

    it('may read none by default', async () => {
      const server = await sharedApiServer()
      const namespace = await testNamespace(server)
      expect(rights(await renderChart(minimalValues))).toEqual([])
      const all = await answers(server, namespace, 'modelservice-system:modelservice-operator')
      expect(new Set(Object.values(all))).toEqual(new Set(['no']))
    })
  },
)
