import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, type Client } from './client.ts'
import { modelService, startZStackSimulator, type ZStackSimulator } from './simulator.ts'

const uuid = (digit: string) => digit.repeat(32)
const service = (digit: string, change: Record<string, unknown>) => modelService({ uuid: uuid(digit), ...change })

let sim: ZStackSimulator
let client: Client

beforeAll(async () => {
  sim = await startZStackSimulator({
    services: [
      service('a', { name: 'qwen-7b', requestCpu: 4, type: 'Endpoint', description: null, system: false }),
      service('b', { name: 'qwen-72b', requestCpu: 32, type: 'Endpoint', description: 'big', system: true }),
      service('c', { name: 'whisper', requestCpu: 8, type: 'Job', description: 'a b=c', system: false }),
    ],
  })
  client = createClient(sim)
})
afterAll(() => sim.close())

async function matching(...conditions: string[]): Promise<string> {
  const { json } = await client.query(...conditions.map((condition) => ['q', condition] as const), ['sort', '+uuid'])
  return (json?.inventories ?? []).map((found) => String(found.uuid).charAt(0)).join('')
}

describe('a condition', () => {
  it.each([
    ['name=whisper', 'c'],
    ['name!=whisper', 'ab'],
    ['requestCpu=8', 'c'],
    ['requestCpu>8', 'b'],
    ['requestCpu>=8', 'bc'],
    ['requestCpu<8', 'a'],
    ['requestCpu<=8', 'ac'],
    [`uuid?=${uuid('a')},${uuid('c')},${uuid('f')}`, 'ac'],
    ['name?=whisper,qwen-7b', 'ac'],
    ['name!?=whisper,qwen-7b', 'b'],
    ['name~=qwen%', 'ab'],
    ['name~=qwen-_b', 'a'],
    ['name!~=qwen%', 'c'],
    ['description is null', 'a'],
    ['description not null', 'bc'],
    ['description=a b=c', 'c'],
    ['system=true', 'b'],
  ])('%s finds %s', async (condition, found) => {
    expect(await matching(condition)).toBe(found)
  })

  it('is joined to others with AND', async () => {
    expect(await matching('type=Endpoint', 'requestCpu>4')).toBe('b')
    expect(await matching(`uuid?=${uuid('a')},${uuid('b')}`, 'name~=%72b')).toBe('b')
  })

  it('never meets a missing value, even when negated', async () => {
    expect(await matching('description!=big')).toBe('c')
  })

  it.each(['name', 'name whisper'])('without an operator (%s) is 400 plain text', async (condition) => {
    const reply = await client.query(['q', condition])
    expect([reply.status, reply.type]).toEqual([400, 'text/plain;charset=UTF-8'])
    expect(reply.text).toContain("doesn't contain any query operator")
  })

  it('on a field that the inventory lacks is 503 SYS.1007', async () => {
    const { status, json } = await client.query(['q', 'servicePorts=80'])
    expect([status, json?.error?.code]).toEqual([503, 'SYS.1007'])
  })
})

describe('a page', () => {
  it('holds at most limit services from start on, with the count of all', async () => {
    const { json } = await client.query(['limit', '1'], ['start', '1'], ['sort', '-uuid'], ['replyWithCount', 'true'])
    expect(json?.inventories?.map((found) => found.uuid)).toEqual([uuid('b')])
    expect(json?.total).toBe(3)
  })

  it('carries no total unless asked, and a schema', async () => {
    const { json } = await client.query()
    expect(Object.keys(json ?? {})).toEqual(['inventories', 'schema'])
  })

  it('sorts up without a sign and with a bare plus, which a URL turns into a space', async () => {
    const reply = await client.as('GET', '/v1/ai/model-services?sort=+requestCpu')
    expect(reply.json?.inventories?.map((found) => found.requestCpu)).toEqual([4, 8, 32])
    expect((await client.query(['sort', 'requestCpu'])).json?.inventories?.[0]?.requestCpu).toBe(4)
  })

  it('shows the wanted fields alone', async () => {
    const { json } = await client.query(['fields', 'uuid,name'], ['q', 'name=whisper'])
    expect(json?.inventories).toEqual([{ uuid: uuid('c'), name: 'whisper' }])
  })

  it('of a count query holds the total alone', async () => {
    expect((await client.query(['count', 'true'])).json).toEqual({ total: 3, schema: {} })
  })

  it.each([
    ['limit', 'ten'],
    ['limit', '1.5'],
    ['start', 'x'],
  ])('with %s=%s is 400 plain text', async (name, value) => {
    const reply = await client.query([name, value])
    expect(reply).toMatchObject({ status: 400, text: `Invalid query parameter. '${name}' must be an integer` })
  })
})

describe('reading', () => {
  it('one service gives a list of one', async () => {
    const { status, json } = await client.as('GET', `/v1/ai/model-services/${uuid('c')}`)
    expect(status).toBe(200)
    expect(json?.inventories).toEqual([sim.read(uuid('c'))])
  })

  it('an unknown uuid gives 200 and an empty list', async () => {
    const { status, json } = await client.as('GET', `/v1/ai/model-services/${uuid('0')}`)
    expect([status, json?.inventories]).toEqual([200, []])
  })

  it('leaves null fields out', async () => {
    expect(await client.get(uuid('a'))).not.toHaveProperty('description')
  })

  it('shows every inventory field of a new service', async () => {
    const fields = `uuid name description readme yaml requestCpu requestMemory modelCenterUuid type framework source
      gpuComputeCapability system installPath startCommand pythonVersion condaVersion containerCommand containerArgs size
      supportDistributed hasNewVersion cpuArchitectures modelServiceImages modelServiceRefs vendorToSpecUuidsMap createDate
      lastOpDate`
    expect(Object.keys((await client.get(uuid('c'))) ?? {}).sort()).toEqual(fields.split(/\s+/).sort())
  })

  it('from an older server misses the newer fields, and conditions on them are 503 SYS.1007', async () => {
    sim.set({ hides: ['framework', 'vendorToSpecUuidsMap'] })
    const found = await client.get(uuid('c'))
    expect(found).not.toHaveProperty('framework')
    expect(found).not.toHaveProperty('vendorToSpecUuidsMap')
    expect((await client.query(['q', 'framework=x'])).json?.error?.code).toBe('SYS.1007')
    sim.set({ hides: [] })
    expect(await client.get(uuid('c'))).toHaveProperty('framework')
  })

  it('a thousand and one services without a limit gives a thousand', async () => {
    const many = await startZStackSimulator({ services: Array.from({ length: 1001 }, () => modelService()) })
    const { json } = await createClient(many).query(['fields', 'uuid'], ['replyWithCount', 'true'])
    expect([json?.inventories?.length, json?.total]).toEqual([1000, 1001])
    await many.close()
  })
})

describe('a path', () => {
  it.each(['/v1/ai/nothing', '/v2', '/'])('%s that no API has is 404 plain text', async (path) => {
    expect(await client.call('GET', path)).toMatchObject({ status: 404, text: `no api mapping to ${path}` })
  })

  it('outside of the context is 404, and the context may be empty', async () => {
    const origin = new URL(sim.url).origin
    const outside = await fetch(`${origin}/v1/ai/model-services`)
    expect([outside.status, await outside.text()]).toEqual([404, 'no api mapping to /v1/ai/model-services'])
    sim.set({ contextPath: '' })
    expect(sim.url).toBe(origin)
    expect((await client.query()).status).toBe(200)
    sim.set({ contextPath: '/zstack' })
  })

  it('asked with the wrong method is 405', async () => {
    expect((await client.as('POST', `/v1/ai/model-services/${uuid('a')}`, { body: {} })).status).toBe(405)
  })
})
