import { describe, expect, it } from 'vitest'
import { fieldNames, type FieldName } from '../../src/api/modelservice.ts'
import { fields } from '../../src/api/fields.ts'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn, startScenario } from '../support/scenario.ts'
import { newUuid } from '../support/zstack/model.ts'
import { modelService } from '../support/zstack/simulator.ts'

/** Another value than the simulator's for each field; a field that is added and not listed here is a type error. */
const declared: Record<FieldName, { spec: unknown; wire: unknown }> = {
  name: same('renamed'),
  description: same('described'),
  yaml: same('services:\n  - name: other\n'),
  requestCpu: same(8),
  requestMemory: { spec: '24Gi', wire: 24 * 2 ** 30 },
  gpuComputeCapability: same('8.0'),
  startCommand: same('python serve.py'),
  pythonVersion: same('3.12'),
  type: same('App'),
  framework: same('vLLM'),
  source: same('Bentoml'),
  containerCommand: same('/bin/bash'),
  containerArgs: same('-c true'),
  supportDistributed: same(true),
  architectureImages: same([
    { cpuArchitecture: 'X86_64', dockerImage: 'registry.example.com/other:1' },
    { cpuArchitecture: 'x86_64', dockerImage: 'registry.example.com/other:2' },
  ]),
  vendorToSpecUuidsMap: same({ AMD: ['0123456789abcdef0123456789abcdef'] }),
  environmentParameters: same({ HF_TOKEN: 'hush' }),
  startupParameters: same({ '--tp': '2' }),
  inferenceParams: same({ temperature: '0.2' }),
  serviceName: same('main'),
  serviceLivez: same('/livez'),
  serviceReadyz: same('/readyz'),
  serviceInstallPath: same('/opt/service'),
  serviceStartCommand: same('./run'),
  servicePorts: same([3000, 3001]),
  serviceBootupTime: same(30),
  systemTags: same(['ephemeral::x']),
  userTags: same(['team-a']),
}

function same(value: unknown) {
  return { spec: value, wire: value }
}

describe.skipIf(apiServerMissing())('fields', () => {
  it('every declared field that differs reaches ZStack, alone, and is then left alone', async () => {
    const services = fieldNames.map((field) => ({ field, uuid: newUuid() }))
    const scenario = await startScenario({ services: services.map(({ uuid }) => modelService({ uuid })) })
    for (const { field, uuid } of services)
      await scenario.create({ name: field.toLowerCase(), spec: { uuid, [field]: declared[field].spec } })
    for (const { field, uuid } of services) {
      const object = await scenario.untilReady(field.toLowerCase(), 'True', 'InSync')
      expect(scenario.updates(uuid), field).toEqual([{ [field]: declared[field].wire }])
      const isHidden = fields[field].visibility === 'hidden'
      expect(object.status?.unverifiableFields, field).toEqual(isHidden ? [field] : undefined)
      expect(object.status?.lastUpdate?.fields).toEqual([field])
      expect(object.status?.convergedGeneration).toBe(1)
    }
    const shown = scenario.zstack.read(services.find(({ field }) => field === 'requestMemory')!.uuid)
    expect(shown?.requestMemory).toBe(24 * 2 ** 30)
  })

  it('an object that declares what ZStack already shows sends nothing', async () => {
    const live = modelService({ requestCpu: 4 })
    const scenario = await startScenario({ services: [live] })
    const { uuid, name, description, yaml, requestCpu, type, framework } = live
    const images = (
      live.modelServiceImages as { cpuArchitecture: string; vmImageUuid: string; dockerImage: string }[]
    ).map(({ cpuArchitecture, vmImageUuid, dockerImage }) => ({
      cpuArchitecture: cpuArchitecture.toUpperCase(),
      vmImageUuid,
      dockerImage,
    }))
    await scenario.create({
      name: 'same',
      spec: {
        ...{ uuid, name, description, requestCpu, type, framework, requestMemory: '8Gi', architectureImages: images },
        yaml: `# a comment\n${String(yaml)}`,
      },
    })
    const object = await scenario.untilReady('same', 'True', 'InSync')
    expect(object.status?.convergedGeneration).toBe(1)
    expect(scenario.updates(uuid)).toEqual([])
  })

  it('write-only fields go out once per value, and again when a person asks', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid: 'a'.repeat(32) })] })
    const uuid = 'a'.repeat(32)
    await scenario.create({ name: 'hidden', spec: { uuid, environmentParameters: { A: '1' }, requestCpu: 5 } })
    await scenario.untilReady('hidden', 'True', 'InSync')
    await scenario.edit('hidden', { requestCpu: 6 })
    await scenario.until('hidden', ({ status }) => status?.convergedGeneration === 2)
    await scenario.edit('hidden', { environmentParameters: { A: '2' } })
    await scenario.until('hidden', ({ status }) => status?.lastUpdate?.generation === 3)
    await scenario.restart()
    await scenario.annotate('hidden', { 'ai.zstack.io/reconcile-requested-at': 'now' })
    const object = await scenario.until('hidden', ({ status }) => status?.lastHandledReconcileAt === 'now')
    expect(object.status?.lastUpdate?.cause).toBe('Requested')
    expect(scenario.updates(uuid)).toEqual([
      { requestCpu: 5, environmentParameters: { A: '1' } },
      { requestCpu: 6 },
      { environmentParameters: { A: '2' } },
      { environmentParameters: { A: '2' } },
    ])
    expect(JSON.stringify(object.status)).not.toContain('"A"')
  })

  it('a person’s rewording of yaml is sent once, a reformatting by ZStack is not fought', async () => {
    const uuid = 'b'.repeat(32)
    const scenario = await startScenario({
      services: [modelService({ uuid })],
      moods: { stores: (field, value) => (field === 'yaml' ? String(value).replaceAll(/^#.*\n/gm, '') : value) },
    })
    await scenario.create({ name: 'text', spec: { uuid, yaml: 'a: 1\n' } })
    await scenario.untilReady('text', 'True', 'InSync')
    await scenario.edit('text', { yaml: '# why\na: 1\n' })
    await scenario.until('text', ({ status }) => status?.lastUpdate?.generation === 2)
    await scenario.edit('text', { requestCpu: 7 })
    const object = await scenario.until('text', ({ status }) => status?.lastUpdate?.generation === 3)
    expect(scenario.updates(uuid)).toEqual([{ yaml: 'a: 1\n' }, { yaml: '# why\na: 1\n' }, { requestCpu: 7 }])
    expect(conditionIn(object, 'Ready')?.status).toBe('True')
  })
})
