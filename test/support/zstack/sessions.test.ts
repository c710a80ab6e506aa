import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createClient, sessionOf, signed, type Client } from './client.ts'
import { modelService, startZStackSimulator, type ZStackSimulator } from './simulator.ts'

const SERVICES = '/v1/ai/model-services'

let sim: ZStackSimulator
let client: Client

beforeEach(async () => {
  sim = await startZStackSimulator({ services: [modelService()] })
  client = createClient(sim)
})
afterEach(() => sim.close())

const listWith = (headers: Record<string, string>) => client.call('GET', SERVICES, { headers })
const listAs = (session: string) => listWith({ authorization: `OAuth ${session}` })

describe('log-in', () => {
  it('answers a session with its account, user and dates in the wire format', async () => {
    const { status, json } = await client.logIn()
    expect(status).toBe(200)
    const uuid = expect.stringMatching(/^[0-9a-f]{32}$/) as unknown
    const date = expect.stringMatching(/^[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M$/) as unknown
    expect(json?.inventory).toEqual({ uuid, accountUuid: uuid, userUuid: uuid, expiredDate: date, createDate: date })
  })

  it('refuses a wrong password with 503 and ID.1000', async () => {
    const { status, json } = await client.logIn('admin', 'wrong')
    expect([status, json?.error?.code]).toEqual([503, 'ID.1000'])
  })

  it('refuses an unknown account like a wrong password', async () => {
    expect((await client.logIn('nobody')).json?.error?.code).toBe('ID.1000')
  })

  it('refuses a password digest in upper case', async () => {
    const password = createHash('sha512').update('password').digest('hex').toUpperCase()
    const body = { logInByAccount: { accountName: 'admin', password } }
    expect((await client.call('PUT', '/v1/accounts/login', { body })).json?.error?.code).toBe('ID.1000')
  })

  it('takes a changed password and no longer the old one, while sessions stay open', async () => {
    const session = sessionOf(await client.logIn())
    sim.setAccount('admin', 'rotated')
    expect((await client.logIn()).status).toBe(503)
    expect((await client.logIn('admin', 'rotated')).status).toBe(200)
    expect((await listAs(session)).status).toBe(200)
  })

  it('past the ceiling of sessions answers 503 and ID.1006, until one logs out', async () => {
    sim.set({ maxSessions: 1 })
    const session = sessionOf(await client.logIn())
    expect((await client.logIn()).json?.error?.code).toBe('ID.1006')
    expect(await client.call('DELETE', `/v1/accounts/sessions/${session}`)).toMatchObject({ status: 200, json: {} })
    expect((await client.logIn()).status).toBe(200)
  })

  it('counts the ceiling for each account by itself, and expired sessions not at all', async () => {
    sim.set({ maxSessions: 1, sessionTtlMillis: 0 })
    sim.setAccount('other', 'secret')
    await client.logIn()
    sim.set({ sessionTtlMillis: 60_000 })
    expect((await client.logIn()).status).toBe(200)
    expect((await client.logIn('other', 'secret')).status).toBe(200)
    expect(sim.counters).toMatchObject({ sessionsOpened: 3, openSessions: 2 })
  })
})

describe('a call', () => {
  it.each([
    ['GET', SERVICES],
    ['GET', `${SERVICES}/${'0'.repeat(32)}`],
  ])('%s %s without Authorization is 400 plain text', async (method, path) => {
    const reply = await client.call(method, path)
    expect(reply).toMatchObject({ status: 400, text: "missing header 'Authorization'" })
    expect(reply.type).toContain('text/plain')
  })

  it('with an update body and no Authorization is 400 plain text', async () => {
    const body = { updateModelService: {} }
    const reply = await client.call('PUT', `${SERVICES}/${'0'.repeat(32)}`, { body })
    expect(reply).toMatchObject({ status: 400, text: "missing header 'Authorization'" })
  })

  it('with another Authorization scheme is 400', async () => {
    expect((await listWith({ authorization: 'Bearer x' })).status).toBe(400)
  })

  it('with an unknown session is 503 ID.1001, not 401', async () => {
    const { status, json } = await listAs('0'.repeat(32))
    expect([status, json?.error]).toEqual([
      503,
      expect.objectContaining({ code: 'ID.1001', details: 'Session expired' }),
    ])
  })

  it('with an expired session is 503 ID.1001', async () => {
    sim.set({ sessionTtlMillis: 0 })
    expect((await listAs(sessionOf(await client.logIn()))).json?.error?.code).toBe('ID.1001')
  })

  it('after a log-out is 503 ID.1001', async () => {
    const session = sessionOf(await client.logIn())
    await client.call('DELETE', `/v1/accounts/sessions/${session}`)
    expect((await listAs(session)).json?.error?.code).toBe('ID.1001')
  })

  it('after all sessions were dropped is 503 ID.1001', async () => {
    const session = sessionOf(await client.logIn())
    sim.dropSessions()
    expect((await listAs(session)).json?.error?.code).toBe('ID.1001')
    expect(sim.counters.openSessions).toBe(0)
  })
})

describe('an access key', () => {
  it('needs no session, and the query is not signed', async () => {
    const reply = await client.call('GET', `${SERVICES}?limit=1`, { headers: signed('GET', SERVICES) })
    expect(reply.json?.inventories).toHaveLength(1)
    expect(sim.counters.sessionsOpened).toBe(0)
  })

  it.each([
    ['an unknown id', signed('GET', SERVICES, { id: 'unknown' })],
    ['a wrong secret', signed('GET', SERVICES, { secret: 'wrong' })],
    ['a signature for another method', signed('PUT', SERVICES)],
    ['a signed context path', signed('GET', `/zstack${SERVICES}`)],
  ])('with %s is 503 ID.1000', async (_case, headers) => {
    const { status, json } = await listWith(headers)
    expect([status, json?.error?.code]).toEqual([503, 'ID.1000'])
  })

  it.each([-16, 16])('dated %i minutes off is 403 requestTimeTooSkewed', async (minutes) => {
    const headers = signed('GET', SERVICES, { at: Date.now() + minutes * 60_000 })
    expect(await listWith(headers)).toMatchObject({ status: 403, text: 'requestTimeTooSkewed' })
  })

  it.each([-14, 14])('dated %i minutes off is accepted', async (minutes) => {
    expect((await listWith(signed('GET', SERVICES, { at: Date.now() + minutes * 60_000 }))).status).toBe(200)
  })

  it.each([
    ['no Date', { authorization: signed('GET', SERVICES).authorization }],
    ['a Date in another format', { ...signed('GET', SERVICES), date: new Date().toISOString() }],
    ['no signature', { ...signed('GET', SERVICES), authorization: 'ZStack sim-access-key-id' }],
  ])('with %s is 400 plain text', async (_case, headers) => {
    const reply = await listWith(headers)
    expect([reply.status, reply.type]).toEqual([400, 'text/plain;charset=UTF-8'])
  })

  it('whose secret was changed is signed with the new one', async () => {
    sim.setAccessKey('sim-access-key-id', 'rotated')
    expect((await listWith(signed('GET', SERVICES))).status).toBe(503)
    expect((await listWith(signed('GET', SERVICES, { secret: 'rotated' }))).status).toBe(200)
  })
})

describe('a disabled account', () => {
  beforeEach(() => sim.setAccount('somebody', 'word'))

  it('is refused with 503 and ID.1007 until it is enabled again', async () => {
    sim.setAccountState('somebody', 'disabled')
    const { status, json } = await client.logIn('somebody', 'word')
    expect([status, json?.error?.code]).toEqual([503, 'ID.1007'])
    sim.setAccountState('somebody', 'enabled')
    expect((await client.logIn('somebody', 'word')).status).toBe(200)
  })

  it('with a wrong password is refused for the password', async () => {
    sim.setAccountState('somebody', 'disabled')
    expect((await client.logIn('somebody', 'wrong')).json?.error?.code).toBe('ID.1000')
  })

  it('loses its sessions, and no other account does', async () => {
    const [own, other] = [sessionOf(await client.logIn('somebody', 'word')), sessionOf(await client.logIn())]
    sim.setAccountState('somebody', 'disabled')
    expect((await listAs(own)).json?.error?.code).toBe('ID.1001')
    expect((await listAs(other)).status).toBe(200)
  })

  it('is refused when its access key signs', async () => {
    sim.setAccountState('admin', 'disabled')
    expect((await listWith(signed('GET', SERVICES))).json?.error?.code).toBe('ID.1007')
  })

  it('has to be there', () => {
    expect(() => sim.setAccountState('nobody', 'disabled')).toThrow('nobody')
  })
})

describe('with unique sessions', () => {
  it('a log-in ends the other sessions of its account, and of no other', async () => {
    sim.setAccount('somebody', 'word')
    sim.set({ uniqueSessions: true, maxSessions: 1 })
    const other = sessionOf(await client.logIn('somebody', 'word'))
    const [first, second] = [sessionOf(await client.logIn()), sessionOf(await client.logIn())]
    expect((await listAs(first)).json?.error?.code).toBe('ID.1001')
    expect((await listAs(second)).status).toBe(200)
    expect((await listAs(other)).status).toBe(200)
  })

  it('a refused log-in ends none', async () => {
    sim.set({ uniqueSessions: true })
    const session = sessionOf(await client.logIn())
    await client.logIn('admin', 'wrong')
    expect((await listAs(session)).status).toBe(200)
  })
})
