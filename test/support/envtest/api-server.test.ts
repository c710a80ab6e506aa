import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type TestApiServer, startTestApiServer } from './api-server.ts'
import { findBinaries } from './binaries.ts'
import { requestAs } from './kubeconfig.ts'
import { testNamespace } from './shared.ts'

const binaries = await findBinaries(process.env)

const widgets = '/apis/envtest.example/v1/namespaces/default/widgets'
const widget = (name: string, size: number) => ({
  apiVersion: 'envtest.example/v1',
  kind: 'Widget',
  metadata: { name },
  spec: { size },
})

function crd(plural: string, kind: string) {
  const size = { type: 'object', properties: { size: { type: 'integer', minimum: 1 } } }
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: size } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.envtest.example` },
    spec: {
      group: 'envtest.example',
      scope: 'Namespaced',
      names: { plural, kind, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  }
}

describe.skipIf(binaries === undefined)('the API server of tests', () => {
  let server: TestApiServer

  beforeAll(async () => {
    server = await startTestApiServer()
  })
  afterAll(() => server.close())

  it('serves a custom resource as soon as its CRD is applied, and holds it to the schema', async () => {
    await server.applyCrd(crd('widgets', 'Widget'))
    expect(await server.request('POST', widgets, widget('fits', 3))).toMatchObject({ status: 201 })
    expect(await server.request('POST', widgets, widget('too-small', 0))).toMatchObject({ status: 422 })
  })

  it('applies every CRD of a YAML file', async () => {
    const file = join(server.directory, 'crds.yaml')
    await writeFile(file, [crd('gears', 'Gear'), crd('levers', 'Lever')].map((each) => stringify(each)).join('---\n'))
    await server.applyCrd(file)
    for (const plural of ['gears', 'levers']) {
      expect(await server.request('GET', `/apis/envtest.example/v1/${plural}`)).toMatchObject({ status: 200 })
    }
  })

  it('quotes the server when it refuses a CRD', async () => {
    const wrong = { ...crd('bolts', 'Bolt'), metadata: { name: 'nuts.envtest.example' } }
    await expect(server.applyCrd(wrong)).rejects.toThrow(
      /nuts\.envtest\.example: kube-apiserver answered 422: .*must be/,
    )
  })

  it('knows the user and the groups of a kubeconfig made for them', async () => {
    const kubeconfig = await server.kubeconfigFor({ name: 'jane', groups: ['devs', 'ops'] })
    expect(await whoIs(kubeconfig)).toEqual({ name: 'jane', groups: ['devs', 'ops', 'system:authenticated'] })
    expect(await whoIs(server.adminKubeconfig)).toMatchObject({ name: 'admin' })
  })

  it('refuses a service account what RBAC does not grant it, and allows it once granted', async () => {
    const namespace = await testNamespace(server)
    const secrets = `/api/v1/namespaces/${namespace}/secrets`
    const { request, close } = await requestAs(await server.serviceAccountKubeconfig(namespace, 'reader'))
    expect(await request('GET', secrets)).toMatchObject({ status: 403 })

    await server.request('POST', `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace }],
    })
    await expect.poll(() => request('GET', secrets)).toMatchObject({ status: 200 })
    expect(await request('GET', '/api/v1/namespaces/default/secrets')).toMatchObject({ status: 403 })
    close()
  })

  it('comes back after an outage at the same URL with the same data', async () => {
    await server.applyCrd(crd('widgets', 'Widget'))
    await server.request('POST', widgets, widget('survivor', 7))
    const kubeconfig = await server.serviceAccountKubeconfig('default', 'survivor')
    const before = server.pids

    await server.stop()
    await expect(server.request('GET', '/readyz')).rejects.toThrow()
    await server.start()

    expect(server.pids.etcd).toBe(before.etcd)
    expect(server.pids.apiserver).not.toBe(before.apiserver)
    expect(await server.request('GET', `${widgets}/survivor`)).toMatchObject({
      status: 200,
      body: { spec: { size: 7 } },
    })
    expect(await whoIs(kubeconfig)).toMatchObject({ name: 'system:serviceaccount:default:survivor' })
  })

  it('says its version', async () => {
    expect(await server.request('GET', '/version')).toMatchObject({ body: { major: '1' } })
  })
})

describe.skipIf(binaries === undefined)('a start of the API server', () => {
  it('that fails quotes the log and leaves nothing behind', async () => {
    await expect(startTestApiServer({ extraArgs: ['--no-such-flag'] })).rejects.toThrow(
      /^kube-apiserver ended; the end of its log:\n[^]*unknown flag: --no-such-flag/,
    )
  })

  it('at a port that is taken says so when the port was asked for', async () => {
    const holder = createServer()
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => {
        const address = holder.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
    await expect(startTestApiServer({ port })).rejects.toThrow('address already in use')
    holder.close()
  })

  it('is undone by close: both programs and the directory go', async () => {
    const server = await startTestApiServer()
    const { etcd, apiserver } = server.pids
    await server.close()
    expect([isAlive(etcd), isAlive(apiserver), existsSync(server.directory)]).toEqual([false, false, false])
    await expect(readFile(server.caFile)).rejects.toThrow('ENOENT')
  })
})

async function whoIs(kubeconfig: string): Promise<{ name: unknown; groups: unknown }> {
  const { request, close } = await requestAs(kubeconfig)
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  const { body } = await request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review)
  close()
  const { userInfo } = (body as { status: { userInfo: { username: unknown; groups: unknown } } }).status
  return { name: userInfo.username, groups: userInfo.groups }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
