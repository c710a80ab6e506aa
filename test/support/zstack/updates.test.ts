import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createClient, type Client } from './client.ts'
import { FOLDABLE_FIELDS } from './moods.ts'
import { modelService, startZStackSimulator, type ZStackSimulator } from './simulator.ts'

const UUID = '6c1a5f6167944aa1886294842075279f'

let sim: ZStackSimulator
let client: Client

beforeEach(async () => {
  sim = await startZStackSimulator({ services: [modelService({ uuid: UUID, name: 'old', requestCpu: 1 })] })
  client = createClient(sim)
})
afterEach(() => sim.close())

const envelope = (fields: object) => ({ updateModelService: fields })

describe('the body', () => {
  it('with the action key changes the fields in it on a server with several APIs', async () => {
    const { status, json } = await client.update(UUID, envelope({ name: 'new', requestCpu: 4 }))
    expect(status).toBe(200)
    expect(json?.inventory).toMatchObject({ uuid: UUID, name: 'new', requestCpu: 4 })
    expect(await client.get(UUID)).toEqual(json?.inventory)
  })

  it('without the action key is 400 there, in plain text', async () => {
    const reply = await client.update(UUID, { name: 'new' })
    const text = `the body doesn't contain action mapping to the URL[/v1/ai/model-services/${UUID}]`
    expect(reply).toMatchObject({ status: 400, text })
    expect(sim.read(UUID)?.name).toBe('old')
  })

  it('is refused for its shape before the caller is known', async () => {
    const reply = await client.call('PUT', `/v1/ai/model-services/${UUID}`, { body: { name: 'new' } })
    expect(reply.text).toContain("doesn't contain action mapping")
  })

  it('that is flat changes its fields on a flat server', async () => {
    sim.set({ bodyShape: 'flat' })
    expect((await client.update(UUID, { name: 'new', userTags: ['t'] })).json?.inventory?.name).toBe('new')
    expect(sim.hidden(UUID)).toEqual({ userTags: ['t'] })
  })

  it('with the action key is 200 and changes nothing on a flat server', async () => {
    sim.set({ bodyShape: 'flat' })
    const before = sim.read(UUID)
    const { status, json } = await client.update(UUID, envelope({ name: 'new' }))
    expect([status, json?.inventory]).toEqual([200, before])
  })

  it('that is flat is 200 and changes nothing on a server with a single API', async () => {
    sim.set({ bodyShape: 'single-api' })
    const { status, json } = await client.update(UUID, { name: 'new' })
    expect([status, json?.inventory?.name]).toEqual([200, 'old'])
    expect((await client.update(UUID, envelope({ name: 'new' }))).json?.inventory?.name).toBe('new')
  })

  it('that is no JSON is 400', async () => {
    expect((await client.update(UUID, '{"updateModelService":')).status).toBe(400)
  })

  it('goes to the path that ends in /actions as well', async () => {
    const path = `/v1/ai/model-services/${UUID}/actions`
    const reply = await client.as('PUT', path, { body: envelope({ name: 'new' }) })
    expect([reply.status, sim.read(UUID)?.name]).toEqual([200, 'new'])
    expect(sim.requests('update')).toMatchObject([{ uuid: UUID, path: `/zstack${path}` }])
    expect((await client.as('GET', path)).status).toBe(405)
  })

  it('for an unknown uuid is 503 SYS.1003', async () => {
    const { status, json } = await client.update('0'.repeat(32), envelope({ name: 'new' }))
    expect([status, json?.error?.code]).toEqual([503, 'SYS.1003'])
  })
})

describe('a field', () => {
  it.each([
    ['requestCpu', 1.5],
    ['requestCpu', '4'],
    ['requestCpu', 2 ** 31],
    ['requestMemory', '16Gi'],
    ['serviceBootupTime', true],
    ['supportDistributed', 'yes'],
    ['name', 7],
    ['servicePorts', ['80']],
    ['environmentParameters', { A: 1 }],
    ['architectureImages', ['x86_64']],
    ['vendorToSpecUuidsMap', { NVIDIA: 'u' }],
  ])('%s given as %j is 400 with a plain-text reason, and nothing is set', async (field, value) => {
    const reply = await client.update(UUID, envelope({ description: 'new', [field]: value }))
    expect([reply.status, reply.type]).toEqual([400, 'text/plain;charset=UTF-8'])
    expect(reply.text).toContain(`field[${field}]`)
    expect(sim.read(UUID)?.description).not.toBe('new')
  })

  it('that is absent, null or unknown leaves everything as it is', async () => {
    const before = sim.read(UUID)
    const { status } = await client.update(UUID, envelope({ name: null, size: 1, uuid: 'x', nonsense: 1 }))
    expect([status, sim.read(UUID)]).toEqual([200, before])
  })

  it('that is write-only is stored out of sight', async () => {
    const hidden = {
      environmentParameters: { A: '1' },
      startupParameters: { B: '2' },
      inferenceParams: { C: '3' },
      serviceName: 's',
      serviceLivez: '/l',
      serviceReadyz: '/r',
      serviceInstallPath: '/i',
      serviceStartCommand: 'go',
      servicePorts: [3000, 3001],
      serviceBootupTime: 30,
    }
    const before = sim.read(UUID)
    const { json } = await client.update(UUID, { ...envelope(hidden), systemTags: ['s::t'], userTags: ['u'] })
    expect(sim.hidden(UUID)).toEqual({ ...hidden, systemTags: ['s::t'], userTags: ['u'] })
    expect({ ...json?.inventory, lastOpDate: '' }).toEqual({ ...before, lastOpDate: '' })
  })

  it('of tags inside the envelope is ignored', async () => {
    await client.update(UUID, envelope({ userTags: ['u'] }))
    expect(sim.hidden(UUID)).toEqual({})
  })

  it('architectureImages comes back as modelServiceImages: own keys, folded, in another order', async () => {
    const images = [
      { cpuArchitecture: 'X86_64', vmImageUuid: '1'.repeat(32), dockerImage: 'r/x:1' },
      { cpuArchitecture: 'AARCH64', vmImageUuid: '2'.repeat(32), dockerImage: 'r/a:1' },
    ]
    const { json } = await client.update(UUID, envelope({ architectureImages: images }))
    const made = expect.any(String) as unknown
    const keys = { uuid: made, modelServiceUuid: UUID, createDate: made, lastOpDate: made }
    expect(json?.inventory?.modelServiceImages).toEqual([
      { ...images[1], ...keys, cpuArchitecture: 'aarch64' },
      { ...images[0], ...keys, cpuArchitecture: 'x86_64' },
    ])
    expect(json?.inventory).not.toHaveProperty('architectureImages')
  })

  it('architectureImages holds several images of one architecture, with all that newer servers keep of one', async () => {
    const image = { cpuArchitecture: 'x86_64', vmImageUuid: '1'.repeat(32), dockerImage: 'r/x:1' }
    const cuda = { ...image, name: 'cuda', acceleratorType: 'NVIDIA', imageNamePattern: 'vllm-.*' }
    const { json } = await client.update(UUID, envelope({ architectureImages: [cuda, { ...image, name: 'cpu' }] }))
    expect(json?.inventory?.modelServiceImages).toMatchObject([{ ...image, name: 'cpu' }, cuda])
    expect(json?.inventory?.cpuArchitectures).toEqual(['x86_64'])
  })

  it('vendorToSpecUuidsMap comes back as it was sent', async () => {
    const map = { NVIDIA: ['1'.repeat(32)], AMD: [] }
    const { json } = await client.update(UUID, envelope({ vendorToSpecUuidsMap: map }))
    expect(json?.inventory?.vendorToSpecUuidsMap).toEqual(map)
  })
})

describe('the server', () => {
  it('that answers bare says success alone, and has done it', async () => {
    sim.set({ answer: 'bare' })
    const { status, json } = await client.update(UUID, envelope({ name: 'new' }))
    expect([status, json]).toEqual([200, { success: true }])
    expect(sim.read(UUID)?.name).toBe('new')
  })

  it('that is not effective accepts and shows the old inventory', async () => {
    sim.set({ effective: false })
    const { status, json } = await client.update(UUID, envelope({ name: 'new', userTags: ['u'] }))
    expect([status, json?.inventory?.name]).toEqual([200, 'old'])
    expect(await client.get(UUID)).toHaveProperty('name', 'old')
  })

  it('that clamps stores and shows the clamped value', async () => {
    sim.set({ stores: (field, value) => (field === 'requestCpu' ? Math.min(Number(value), 8) : value) })
    expect((await client.update(UUID, envelope({ requestCpu: 64 }))).json?.inventory?.requestCpu).toBe(8)
  })

  it('takes the same job uuid once', async () => {
    const job = 'ab'.repeat(16)
    const update = () => client.update(UUID, envelope({ name: 'new' }), { 'x-job-uuid': job })
    expect((await update()).status).toBe(200)
    expect(await update()).toMatchObject({ status: 400, text: `Duplicate job uuid[${job}]` })
  })

  it('refuses a job uuid with dashes', async () => {
    const headers = { 'x-job-uuid': '6c1a5f61-6794-4aa1-8862-94842075279f' }
    expect((await client.update(UUID, envelope({}), headers)).status).toBe(400)
  })
})

describe('a server with one image per architecture', () => {
  beforeEach(() => sim.set({ images: 'one-per-architecture' }))
  const update = (...architectureImages: object[]) => client.update(UUID, envelope({ name: 'new', architectureImages }))

  it('refuses a second image of an architecture, however it is spelled, with all that came with it', async () => {
    const { status, json } = await update({ cpuArchitecture: 'x86_64' }, { cpuArchitecture: 'X86_64' })
    expect([status, json?.error?.code]).toEqual([503, 'SYS.1000'])
    expect(json?.error?.details).toContain('Duplicate entry')
    expect(sim.read(UUID)?.name).toBe('old')
  })

  it('keeps nothing of an image that only newer servers know', async () => {
    const { json } = await update({ cpuArchitecture: 'x86_64', dockerImage: 'r/x:1', name: 'cuda' })
    const [image] = json?.inventory?.modelServiceImages as object[]
    expect(image).toMatchObject({ cpuArchitecture: 'x86_64', dockerImage: 'r/x:1' })
    expect(image).not.toHaveProperty('name')
  })
})

describe('a text longer than its column', () => {
  const columns = [
    ...[['name', 255] as const, ['framework', 255] as const, ['description', 2048] as const],
    ...[['startCommand', 1024] as const, ['type', 32] as const, ['source', 32] as const],
    ...[['pythonVersion', 32] as const, ['gpuComputeCapability', 32] as const],
  ]

  it.each(columns)('%s of more than %i characters is refused where the database is strict', async (field, length) => {
    const wide = '🚀'.repeat(length)
    expect((await client.update(UUID, envelope({ [field]: wide }))).json?.inventory).toHaveProperty(field, wide)
    expect((await client.update(UUID, envelope({ [field]: 'é'.repeat(length) }))).status).toBe(200)
    const { status, json } = await client.update(UUID, envelope({ requestCpu: 9, [field]: 'é'.repeat(length + 1) }))
    expect([status, json?.error?.code]).toEqual([503, 'SYS.1006'])
    expect(json?.error?.details).toContain(`Data too long for column '${field}'`)
    expect(sim.read(UUID)).toMatchObject({ requestCpu: 1, [field]: 'é'.repeat(length) })
  })

  it('is refused as an image, too, and with the code that is set', async () => {
    sim.set({ overlongText: 'SYS.1000' })
    const image = (length: number) => [{ cpuArchitecture: 'x86_64', dockerImage: 'r'.repeat(length) }]
    expect((await client.update(UUID, envelope({ architectureImages: image(255) }))).status).toBe(200)
    const { json } = await client.update(UUID, envelope({ architectureImages: image(256) }))
    expect(json?.error).toMatchObject({ code: 'SYS.1000', details: expect.stringContaining("'dockerImage'") as string })
  })

  it('is a yaml of 16 MiB, which is measured in bytes', async () => {
    const fits = 'é'.repeat(2 ** 23 - 1)
    expect((await client.update(UUID, envelope({ yaml: fits }))).status).toBe(200)
    expect((await client.update(UUID, envelope({ yaml: `${fits}é` }))).json?.error?.details).toContain("'yaml'")
  })

  it('fails the job where updates are jobs', async () => {
    sim.set({ answer: 'async', jobMillis: 1 })
    const { status, json } = await client.update(UUID, envelope({ type: 'x'.repeat(33) }))
    const job = String(json?.location).replace(/^.*(?=\/v1)/, '')
    expect(status).toBe(202)
    await expect.poll(async () => (await client.call('GET', job)).json?.error?.code).toBe('SYS.1006')
  })

  it('is cut without a word where the database is not strict', async () => {
    sim.set({ overlongText: 'cut' })
    const { json } = await client.update(UUID, envelope({ type: 'x'.repeat(33), name: 'n'.repeat(300) }))
    expect(json?.inventory).toMatchObject({ type: 'x'.repeat(32), name: 'n'.repeat(255) })
  })
})

describe('a framework', () => {
  it.each([
    ['llama.cpp', 'LlamaCpp'],
    ['sentence_transformers', 'SentenceTransformers'],
    ['vLLM', 'vLLM'],
  ])('%s is shown as %s by a server that renames', async (sent, shown) => {
    expect((await client.update(UUID, envelope({ framework: sent }))).json?.inventory?.framework).toBe(sent)
    sim.set({ renamesFrameworks: true })
    expect((await client.update(UUID, envelope({ framework: sent }))).json?.inventory?.framework).toBe(shown)
  })

  it('that is stored is renamed by an upgrade, which leaves other services alone', async () => {
    const other = modelService({ framework: 'vLLM', lastOpDate: 'before' })
    sim.add(other)
    sim.drift(UUID, { framework: 'llama.cpp' })
    sim.upgrade()
    expect(await client.get(UUID)).toHaveProperty('framework', 'LlamaCpp')
    expect(sim.read(other.uuid)).toMatchObject({ framework: 'vLLM', lastOpDate: 'before' })
  })
})

describe('a server that folds write-only fields into the yaml', () => {
  beforeEach(() => {
    sim.set({ foldsIntoYaml: FOLDABLE_FIELDS })
    sim.drift(UUID, { yaml: 'services:\n  - name: main\n    livez: /livez\npython:\n  version: 3\n' })
  })
  const yamlAfter = async (fields: object) =>
    parse(String((await client.update(UUID, envelope(fields))).json?.inventory?.yaml)) as unknown

  it('shows what was sent in the first service and in env, and keeps the rest', async () => {
    const given = { serviceName: 'chat', servicePorts: [80], serviceBootupTime: 30, environmentParameters: { A: '1' } }
    expect(await yamlAfter(given)).toEqual({
      services: [{ name: 'chat', livez: '/livez', ports: [80], serviceBootupTime: 30 }],
      python: { version: 3 },
      env: ['A:1'],
    })
    expect(sim.hidden(UUID)).toEqual(given)
  })

  it('folds into the yaml of the same update', async () => {
    const yaml = 'services:\n  - name: sent\n'
    expect(await yamlAfter({ yaml, serviceReadyz: '/r' })).toEqual({ services: [{ name: 'sent', readyz: '/r' }] })
  })

  it('writes a yaml anew that does not parse', async () => {
    expect(await yamlAfter({ yaml: 'a: [', serviceName: 'chat' })).toEqual({ services: [{ name: 'chat' }] })
  })

  it('leaves the yaml as it is where no such field was sent', async () => {
    const before = sim.read(UUID)?.yaml
    await client.update(UUID, envelope({ serviceStartCommand: 'go', name: 'new' }))
    expect(sim.read(UUID)?.yaml).toBe(before)
  })
})
