import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { type TestApiServer, startTestApiServer } from '../support/envtest/api-server.ts'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { chart, helmMissing, minimalValues, runHelm } from './render.ts'

const crdFile = 'files/crds/ai.zstack.io_modelservices.yaml'
const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/modelservices.ai.zstack.io'
const objects = '/apis/ai.zstack.io/v1alpha1/namespaces/default/modelservices'
const namespace = 'modelservice-system'

type Crd = { spec: { versions: { additionalPrinterColumns: { name: string }[] }[] } }

describe.skipIf(apiServerMissing() ?? helmMissing)('a release of the chart', () => {
  // One of its own: what happens to the CRD here would be felt by every other test.
  let server: TestApiServer
  let older: string

  const helm = (...args: string[]) => runHelm([...args, '--namespace', namespace], undefined, at())
  const install = (verb: 'install' | 'upgrade', name: string, from: string, ...args: string[]) =>
    runHelm([verb, name, from, '--namespace', namespace, ...args], minimalValues, at())
  const at = () => ({ KUBECONFIG: server.adminKubeconfig })
  const columns = async () => {
    const { body } = await server.request('GET', crdPath)
    return (body as Crd).spec.versions.flatMap((version) => version.additionalPrinterColumns.map(({ name }) => name))
  }

  beforeAll(async () => {
    server = await startTestApiServer()
    // The chart as it was when its CRD had one column.
    older = await mkdtemp(join(tmpdir(), 'older-chart-'))
    await cp(chart, older, { recursive: true })
    const crd = parse(await readFile(join(older, crdFile), 'utf8')) as Crd
    for (const version of crd.spec.versions) version.additionalPrinterColumns.length = 1
    await writeFile(join(older, crdFile), stringify(crd))
  })
  afterAll(async () => {
    await Promise.all([server.close(), rm(older, { recursive: true })])
  })

  it('installs the CRD, upgrades it, and leaves it and the objects when it goes', async () => {
    expect(await install('install', 'operator', older, '--create-namespace')).toMatchObject({ ok: true })
    await expect.poll(columns).toHaveLength(1)
    const chat = {
      apiVersion: 'ai.zstack.io/v1alpha1',
      kind: 'ModelService',
      metadata: { name: 'chat' },
      spec: { uuid: '0b54cbe6a5f0484fa3ad9f6e0f7f1c02' },
    }
    await expect.poll(() => server.request('POST', objects, chat), { timeout: 20_000 }).toMatchObject({ status: 201 })

    expect(await install('upgrade', 'operator', chart)).toMatchObject({ ok: true })
    expect((await columns()).length).toBeGreaterThan(5)

    expect(await helm('uninstall', 'operator')).toMatchObject({ ok: true })
    const deployments = await server.request('GET', `/apis/apps/v1/namespaces/${namespace}/deployments`)
    expect(deployments).toMatchObject({ body: { items: [] } })
    expect(await server.request('GET', `${objects}/chat`)).toMatchObject({ status: 200 })
    const kept = (await server.request('GET', crdPath)).body
    // A deleted one would be there for a moment more, until its objects are gone.
    expect(kept).not.toHaveProperty('metadata.deletionTimestamp')
    expect(kept).toHaveProperty('metadata.name')

    // What was kept does not stand in the way of the next install.
    expect(await install('install', 'operator', chart)).toMatchObject({ ok: true })
    const { ok, stdout } = await helm('get', 'notes', 'operator')
    expect({ ok, stdout }).toEqual({ ok: true, stdout: expect.stringContaining('kubectl get modelservices') as string })
  })

  it('is refused in the namespace of another, whose lease it would share', async () => {
    const { ok, stderr } = await install('install', 'second', chart, '--set', 'crds.install=false')
    expect(ok).toBe(false)
    expect(stderr).toMatch(/Deployment operator-?\S* of namespace modelservice-system is an operator too/)
    const elsewhere = ['--set', 'crds.install=false,leaderElection.namespace=default']
    expect(await install('install', 'second', chart, ...elsewhere)).toMatchObject({ ok: true })
    expect(await install('upgrade', 'operator', chart)).toMatchObject({ ok: true })
  })
})
