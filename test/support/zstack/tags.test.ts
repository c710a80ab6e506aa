import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createClient, type Client } from './client.ts'
import { modelService, startZStackSimulator, type ZStackSimulator } from './simulator.ts'

const [A, B] = ['a'.repeat(32), 'b'.repeat(32)] as const

let sim: ZStackSimulator
let client: Client

beforeEach(async () => {
  sim = await startZStackSimulator({ services: [A, B].map((uuid) => modelService({ uuid })) })
  client = createClient(sim)
})
afterEach(() => sim.close())

const tag = (uuid: string, tags: object) => client.update(uuid, { updateModelService: {}, ...tags })
const query = async (path: string, ...conditions: string[]) => {
  const { json } = await client.as(
    'GET',
    `${path}?${conditions.map((one) => `q=${encodeURIComponent(one)}`).join('&')}`,
  )
  return json?.inventories ?? []
}

describe('the tags of a service', () => {
  it('are shown as an update stored them, user and system tags apart', async () => {
    await tag(A, { userTags: ['team-a'], systemTags: ['ai::gpu'] })
    const made = expect.any(String) as unknown
    const row = { uuid: made, resourceUuid: A, resourceType: 'ModelServiceVO', createDate: made, lastOpDate: made }
    expect(await query('/v1/user-tags', `resourceUuid?=${A},${B}`)).toEqual([{ ...row, tag: 'team-a', type: 'User' }])
    expect(await query('/v1/system-tags')).toEqual([{ ...row, tag: 'ai::gpu', type: 'System' }])
  })

  it('are replaced by the next update that holds tags of their type; one that stays keeps its uuid', async () => {
    await tag(A, { userTags: ['one', 'two'], systemTags: ['s::t'] })
    const [, two] = await query('/v1/user-tags')
    await tag(A, { userTags: ['two', 'three'] })
    expect((await query('/v1/user-tags')).map((row) => row.tag)).toEqual(['two', 'three'])
    expect((await query('/v1/user-tags', 'tag=two'))[0]?.uuid).toBe(two?.uuid)
    expect(await query('/v1/system-tags')).toHaveLength(1)
    await tag(A, { userTags: [] })
    expect(await query('/v1/user-tags')).toEqual([])
  })

  it('are asked for by any of their fields, and by no other', async () => {
    await tag(A, { userTags: ['one'] })
    await tag(B, { userTags: ['one', 'other'] })
    expect((await query('/v1/user-tags', 'tag=one', `resourceUuid=${B}`)).map((row) => row.resourceUuid)).toEqual([B])
    expect((await query('/v1/user-tags', 'tag~=o%')).length).toBe(3)
    expect((await client.as('GET', '/v1/user-tags?q=name=one')).json?.error?.code).toBe('SYS.1007')
  })

  it('go with their service', async () => {
    await tag(A, { userTags: ['one'] })
    sim.remove(A)
    expect(await query('/v1/user-tags')).toEqual([])
  })

  it('are not shown to a caller without a session', async () => {
    expect((await client.call('GET', '/v1/user-tags')).status).toBe(400)
  })

  it('meet the faults of their service, and are counted apart', async () => {
    sim.fault({ operation: 'tags', uuid: A, fault: { kind: 'error', code: 'ID.1002' } })
    expect((await client.as('GET', `/v1/user-tags?q=resourceUuid=${A}`)).json?.error?.code).toBe('ID.1002')
    expect((await client.as('GET', `/v1/user-tags?q=resourceUuid=${B}`)).status).toBe(200)
    expect(sim.counters).toMatchObject({ tags: 2, query: 0 })
  })
})

describe('a condition on tags', () => {
  beforeEach(async () => {
    await tag(A, { userTags: ['red', 'blue'], systemTags: ['s::one'] })
    await tag(B, { userTags: ['blue'] })
  })
  const matching = async (condition: string) =>
    (await query('/v1/ai/model-services', condition)).map(({ uuid }) => String(uuid).charAt(0)).join('')

  it.each([
    ['__userTag__=blue', 'ab'],
    ['__userTag__=red', 'a'],
    ['__userTag__!=red', 'b'],
    ['__userTag__?=red,green', 'a'],
    ['__userTag__~=b%', 'ab'],
    ['__userTag__=s::one', ''],
    ['__systemTag__=s::one', 'a'],
    ['__systemTag__~=s::%', 'a'],
    ['__systemTag__ is null', 'b'],
    ['__systemTag__ not null', 'a'],
  ])('%s finds %s', async (condition, found) => {
    expect(await matching(condition)).toBe(found)
  })

  it('is no field that can be shown or sorted by', async () => {
    expect((await client.query(['fields', '__userTag__'])).json?.error?.code).toBe('SYS.1007')
    expect((await client.query(['sort', '__userTag__'])).json?.error?.code).toBe('SYS.1007')
  })
})
