import { describe, expect, it } from 'vitest'
import { fieldNames, type FieldName } from '../../src/api/modelservice.ts'
import { reconcileRequestedAt } from '../../src/api/names.ts'
import { mergePatch } from '../support/mergepatch.ts'
import { engineMissing, runScript } from '../deploy/argocd/engine.ts'
import { kstatus } from '../deploy/argocd/judges.ts'
import { expectStatus } from '../support/envtest/request.ts'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn, startScenario, type ModelServiceObject, type Scenario } from '../support/scenario.ts'
import { newUuid } from '../support/zstack/model.ts'
import { modelService } from '../support/zstack/simulator.ts'

/** Values as they stand in Git, several spellings of one where a field has them. */
const inGit: Record<FieldName, readonly unknown[]> = {
  name: ['renamed'],
  description: ['described', ''],
  yaml: ['# why\nservices:\n- {name: other}\n', 'not: [yaml'],
  requestCpu: [8, 0],
  requestMemory: ['16Gi', '16384Mi', '17179869184', 17179869184, '1.5Gi', '2e9', '24G'],
  gpuComputeCapability: ['8.0'],
  startCommand: ['python serve.py'],
  pythonVersion: ['3.12'],
  type: ['App'],
  framework: ['vLLM'],
  source: ['Hub'],
  containerCommand: ['/bin/bash'],
  containerArgs: ['-c true'],
  supportDistributed: [true],
  architectureImages: [
    [
      { cpuArchitecture: 'X86_64', dockerImage: 'registry.example.com/other:1' },
      { cpuArchitecture: 'aarch64', vmImageUuid: '9458C977C7F838AFBC6144AED913C947' },
    ],
  ],
  vendorToSpecUuidsMap: [{ NVIDIA: [], AMD: ['0123456789abcdef0123456789abcdef'] }],
  environmentParameters: [{ HF_TOKEN: 'hush', EMPTY: '' }, {}],
  startupParameters: [{ '--tp': '2' }],
  inferenceParams: [{ temperature: '0.2' }],
  serviceName: ['main'],
  serviceLivez: ['/livez'],
  serviceReadyz: ['/readyz'],
  serviceInstallPath: ['/opt/service'],
  serviceStartCommand: ['./run'],
  servicePorts: [[3001, 3000], []],
  serviceBootupTime: [30],
  systemTags: [['ephemeral::x']],
  userTags: [['team-b', 'team-a']],
}

type Spec = Readonly<Record<string, unknown>>

const trackingId = 'argocd.argoproj.io/tracking-id'

const pathOf = ({ namespace }: Scenario, name: string) =>
  `/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices/${name}`

/** A sync: the manifest applied as Argo CD does, though without force, so that a conflict would show. */
async function sync(scenario: Scenario, name: string, spec: Spec, query = ''): Promise<ModelServiceObject> {
  const metadata = { name, annotations: { [trackingId]: `models:ai.zstack.io/ModelService:models/${name}` } }
  const manifest = { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata, spec }
  const path = `${pathOf(scenario, name)}?fieldManager=argocd-controller${query}`
  const answer = scenario.server.request('PATCH', path, manifest, 'application/apply-patch+yaml')
  return (await expectStatus(answer, `the sync of ${name}`, 200, 201)) as ModelServiceObject
}

/** What somebody else writes: a person's edit, or an action of Argo CD. */
function patch(scenario: Scenario, name: string, body: object, manager: string) {
  const path = `${pathOf(scenario, name)}?fieldManager=${manager}`
  return expectStatus(scenario.server.request('PATCH', path, body, 'application/merge-patch+json'), manager, 200)
}

/** The bytes of what Git declares; what the API server keeps of its own accord aside. */
function declaredPart({ metadata, spec }: ModelServiceObject): string {
  const { name, generation, uid, annotations, labels, creationTimestamp } = metadata as Record<string, unknown>
  return JSON.stringify([{ name, generation, uid, annotations, labels, creationTimestamp }, spec])
}

type ManagedFields = readonly {
  readonly manager: string
  readonly operation: string
  readonly subresource?: string
  readonly fieldsV1: Readonly<Record<string, unknown>>
}[]
const managedFields = ({ metadata }: ModelServiceObject) =>
  (metadata as unknown as { managedFields: ManagedFields }).managedFields

describe.skipIf(apiServerMissing())('server-side apply from Git', () => {
  it('of the same manifest after the operator worked on it changes nothing, for each field and spelling', async () => {
    const cases = fieldNames.flatMap((field) =>
      inGit[field].map((value, index) => {
        const uuid = newUuid()
        return { name: `${field.toLowerCase()}-${index}`, uuid, spec: { uuid, [field]: value } }
      }),
    )
    const scenario = await startScenario({ services: cases.map(({ uuid }) => modelService({ uuid })) })
    const first = await Promise.all(cases.map(({ name, spec }) => sync(scenario, name, spec)))
    for (const { name } of cases) await scenario.untilReady(name, 'True', 'InSync')
    // No write of its own shall be taken for one of the sync's.
    await scenario.operator.stop()
    for (const [index, { name, spec }] of cases.entries()) {
      const rested = await scenario.get(name)
      const again = await sync(scenario, name, spec)
      expect(again.metadata.resourceVersion, name).toBe(rested.metadata.resourceVersion)
      expect(declaredPart(again), name).toBe(declaredPart(first[index]!))
      expect(again.spec, name).toEqual(spec)
      expect(again.status, name).toEqual(rested.status)
    }
  }, 60_000)

  it('shares the object with the operator, which owns fields of the status and no others', async () => {
    const uuid = newUuid()
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await sync(scenario, 'a', { uuid, requestCpu: 8, environmentParameters: { A: '1' } })
    await scenario.untilReady('a', 'True', 'InSync')
    scenario.zstack.drift(uuid, { requestCpu: 2 })
    const object = await scenario.until('a', ({ status }) => status?.lastUpdate?.cause === 'DriftCorrected')
    const owners = managedFields(object)
    const others = owners.filter(({ manager }) => manager !== 'argocd-controller')
    expect(others.map(({ subresource, fieldsV1 }) => [subresource, Object.keys(fieldsV1)])).toEqual([
      ['status', ['f:status']],
    ])
    // Each part as a whole: an owner for every leaf of it would be stored, compared and sent with every write.
    expect(others[0]?.fieldsV1['f:status']).toMatchObject({
      'f:conditions': { 'k:{"type":"Ready"}': {} },
      'f:live': {},
      'f:lastUpdate': {},
      'f:connection': {},
      'f:fieldHashes': {},
    })
    expect(JSON.stringify(others)).not.toMatch(/f:(?:requestCpu|reason|cause)/)
    const git = owners.find(({ manager }) => manager === 'argocd-controller')
    expect(git).toMatchObject({ operation: 'Apply' })
    expect(Object.keys(git?.fieldsV1 ?? {}).sort()).toEqual(['f:metadata', 'f:spec'])
  })

  it('again and again while the operator corrects drift never conflicts, and changes nothing', async () => {
    const uuid = newUuid()
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    const spec = { uuid, requestCpu: 8, requestMemory: '16384Mi' }
    const first = await sync(scenario, 'a', spec)
    let syncs = 0
    for (const cpu of [1, 2, 3]) {
      await scenario.untilReady('a', 'True', 'InSync')
      const before = scenario.updates(uuid).length
      scenario.zstack.drift(uuid, { requestCpu: cpu })
      while (scenario.updates(uuid).length === before) {
        expect(declaredPart(await sync(scenario, 'a', spec))).toBe(declaredPart(first))
        syncs++
      }
    }
    expect(syncs).toBeGreaterThan(3)
    const object = await scenario.untilReady('a', 'True', 'InSync')
    expect(object.metadata.generation).toBe(1)
    expect(scenario.zstack.read(uuid)?.requestCpu).toBe(8)
    expect(scenario.operator.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('of memory spelt in another way sends nothing to ZStack', async () => {
    const uuid = newUuid()
    const scenario = await startScenario({ services: [modelService({ uuid, requestMemory: 2 ** 30 })] })
    for (const [index, requestMemory] of inGit.requestMemory.slice(0, 4).entries()) {
      await sync(scenario, 'a', { uuid, requestMemory })
      await scenario.until('a', ({ status }) => status?.convergedGeneration === index + 1)
    }
    expect(scenario.updates(uuid)).toEqual([{ requestMemory: 16 * 2 ** 30 }])
  })

  it('takes a person’s edit back, and a field that left Git is managed no more', async () => {
    const uuid = newUuid()
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await sync(scenario, 'a', { uuid, requestCpu: 8, requestMemory: '16Gi' })
    await patch(scenario, 'a', { spec: { requestCpu: 2 } }, 'kubectl-edit')
    await scenario.until('a', ({ status }) => status?.convergedGeneration === 2)
    const back = await sync(scenario, 'a', { uuid, requestCpu: 8 }, '&force=true')
    expect(back.spec).toEqual({ uuid, requestCpu: 8 })
    await scenario.until('a', ({ status }) => status?.convergedGeneration === 3)
    expect(scenario.zstack.read(uuid)).toMatchObject({ requestCpu: 8, requestMemory: 16 * 2 ** 30 })
  })
})

describe.skipIf(apiServerMissing() ?? engineMissing)('an action of Argo CD', () => {
  async function run(scenario: Scenario, action: string, name: string) {
    const object = await scenario.get(name)
    const [changed] = (await runScript(`actions/${action}.lua`, [object])) as readonly Spec[]
    await patch(scenario, name, mergePatch(object, { ...changed }), 'argocd-server')
  }
  const health = async (object: ModelServiceObject) =>
    ((await runScript('health.lua', [object])) as readonly { status: string }[])[0]?.status

  it('suspends, and the next sync lets that stand until another resumes', async () => {
    const uuid = newUuid()
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    const spec = { uuid, requestCpu: 8 }
    await sync(scenario, 'a', spec)
    expect(await health(await scenario.untilReady('a', 'True', 'InSync'))).toBe('Healthy')
    await run(scenario, 'suspend', 'a')
    await scenario.until('a', (object) => conditionIn(object, 'Suspended')?.status === 'True')
    scenario.zstack.drift(uuid, { requestCpu: 2 })
    const suspended = await scenario.untilReady('a', 'Unknown', 'Suspended')
    expect(await health(suspended)).toBe('Suspended')
    expect(kstatus(suspended)).toBe('InProgress')
    const again = await sync(scenario, 'a', spec, '&force=true')
    expect(again.spec).toEqual({ ...spec, suspend: true })
    expect(again.metadata.generation).toBe(suspended.metadata.generation)
    await run(scenario, 'resume', 'a')
    const resumed = await scenario.untilReady('a', 'True', 'InSync')
    expect(resumed.spec).toEqual(spec)
    expect(await health(resumed)).toBe('Healthy')
    expect(scenario.zstack.read(uuid)?.requestCpu).toBe(8)
  })

  it('asks to reconcile now, and the next sync lets the request stand', async () => {
    const uuid = newUuid()
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    const spec = { uuid, environmentParameters: { A: '1' } }
    await sync(scenario, 'a', spec)
    await scenario.untilReady('a', 'True', 'InSync')
    await run(scenario, 'reconcile-now', 'a')
    const object = await scenario.until('a', ({ status }) => status?.lastHandledReconcileAt !== undefined)
    const again = await sync(scenario, 'a', spec, '&force=true')
    const { annotations } = again.metadata as unknown as { annotations: Record<string, string> }
    expect(object.status?.lastHandledReconcileAt).toBe(annotations[reconcileRequestedAt])
    expect(scenario.updates(uuid)).toEqual([
      { environmentParameters: { A: '1' } },
      { environmentParameters: { A: '1' } },
    ])
  })
})
