import { Agent, request } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { selfSignedCertificate } from './certificate.ts'
import { createClient, signed, type Client } from './client.ts'
import { modelService, startZStackSimulator, type RequestRecord, type ZStackSimulator } from './simulator.ts'

const UUID = '6c1a5f6167944aa1886294842075279f'

let sim: ZStackSimulator
let client: Client

beforeEach(async () => {
  sim = await startZStackSimulator({ services: [modelService({ uuid: UUID, name: 'old' })] })
  client = createClient(sim)
})
afterEach(() => sim.close())

describe('the stored services', () => {
  it('show a drift as any other change', async () => {
    sim.drift(UUID, { requestCpu: 99, description: null, environmentParameters: { A: '1' } })
    const live = await client.get(UUID)
    expect(live).toHaveProperty('requestCpu', 99)
    expect(live).not.toHaveProperty('description')
    expect(live).not.toHaveProperty('environmentParameters')
    expect(sim.hidden(UUID)).toEqual({ environmentParameters: { A: '1' } })
  })

  it('cannot be changed through what read() and add() share with the caller', () => {
    const service = modelService({ vendorToSpecUuidsMap: { NVIDIA: ['x'] } })
    sim.add(service)
    service.name = 'changed'
    Object.assign(sim.read(service.uuid)!.vendorToSpecUuidsMap as object, { AMD: [] })
    expect(sim.read(service.uuid)?.name).not.toBe('changed')
    expect(sim.read(service.uuid)?.vendorToSpecUuidsMap).toEqual({ NVIDIA: ['x'] })
  })

  it('are gone once removed', async () => {
    await client.get(UUID)
    sim.remove(UUID)
    expect(await client.get(UUID)).toBeUndefined()
    expect(sim.read(UUID)).toBeUndefined()
    expect(() => sim.drift(UUID, {})).toThrow(UUID)
    expect(() => sim.hidden(UUID)).toThrow(UUID)
  })
})

describe('the records', () => {
  it('tell what came, oldest first, without credentials', async () => {
    const seen: RequestRecord[] = []
    sim.onRequest((record) => seen.push(record))
    const body = { updateModelService: { name: 'new' } }
    await client.update(UUID, body)
    await client.call('GET', '/v1/ai/model-services', { headers: signed('GET', '/v1/ai/model-services') })
    const [login, update, query] = sim.requests()
    const path = `/zstack/v1/ai/model-services/${UUID}`
    expect(login).toMatchObject({
      operation: 'login',
      body: { logInByAccount: { accountName: 'admin', password: '***' } },
    })
    expect(update).toMatchObject({ operation: 'update', method: 'PUT', path, uuid: UUID, body, status: 200 })
    expect(update?.headers.authorization).toBe('OAuth')
    expect(query?.headers.authorization).toBe('ZStack')
    expect(seen).toEqual(sim.requests())
    expect(sim.requests('query')).toEqual([query])
  })

  it('are counted by operation, and from zero after a reset', async () => {
    await client.query()
    await client.get(UUID)
    await client.get(UUID)
    expect(sim.counters).toMatchObject({ login: 1, query: 1, get: 2, update: 0, total: 4, sessionsOpened: 1 })
    sim.resetCounters()
    expect(sim.counters).toMatchObject({ login: 0, get: 0, total: 0, sessionsOpened: 0, openSessions: 1 })
    expect(sim.requests()).toEqual([])
  })

  it('no longer reach a listener that left', async () => {
    let calls = 0
    const leave = sim.onRequest(() => (calls += 1))
    await client.logIn()
    leave()
    await client.logIn()
    expect(calls).toBe(1)
  })
})

describe('the control at /sim/', () => {
  const sim$ = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
    const response = await fetch(new URL(path, sim.url), init)
    return { status: response.status, text: await response.text() }
  }

  it('lists, adds, changes and deletes services', async () => {
    const added = await sim$('POST', '/sim/services', { name: 'by hand', servicePorts: [80] })
    expect(added.status).toBe(201)
    const { uuid } = (JSON.parse(added.text) as { inventory: { uuid: string } }).inventory
    expect((await sim$('POST', `/sim/drift/${uuid}`, { requestCpu: 99 })).status).toBe(200)
    expect(sim.read(uuid)).toMatchObject({ name: 'by hand', requestCpu: 99 })
    const list = JSON.parse((await sim$('GET', '/sim/services')).text) as { services: unknown[] }
    expect(list.services).toContainEqual({ inventory: sim.read(uuid), hidden: { servicePorts: [80] } })
    expect((await sim$('DELETE', `/sim/services/${uuid}`)).status).toBe(200)
    expect((await sim$('DELETE', `/sim/services/${uuid}`)).status).toBe(404)
    expect((await sim$('POST', `/sim/drift/${uuid}`, {})).status).toBe(404)
  })

  it('sets moods and faults', async () => {
    await sim$('POST', '/sim/moods', { answer: 'bare', maxSessions: 3 })
    expect(sim.moods).toMatchObject({ answer: 'bare', maxSessions: 3, bodyShape: 'envelope' })
    await sim$('POST', '/sim/faults', { operation: 'login', fault: { kind: 'status', status: 502 } })
    expect((await client.logIn()).status).toBe(502)
    await sim$('DELETE', '/sim/faults')
    expect((await client.logIn()).status).toBe(200)
  })

  it('disables and enables accounts, ends sessions and upgrades', async () => {
    const account = '/sim/accounts/admin'
    expect((await sim$('POST', account, { state: 'disabled' })).status).toBe(200)
    expect((await client.logIn()).json?.error?.code).toBe('ID.1007')
    await sim$('POST', account, { state: 'enabled', password: 'other' })
    expect((await client.logIn('admin', 'other')).status).toBe(200)
    expect((await sim$('POST', '/sim/accounts/nobody', { state: 'disabled' })).status).toBe(404)
    await sim$('DELETE', '/sim/sessions')
    expect(sim.counters.openSessions).toBe(0)
    sim.drift(UUID, { framework: 'llama.cpp' })
    await sim$('POST', '/sim/upgrade')
    expect(sim.read(UUID)?.framework).toBe('LlamaCpp')
  })

  it('sets the moods of newer servers', async () => {
    const moods = {
      ...{ apiTimeoutMillis: null, images: 'one-per-architecture', renamesFrameworks: true, overlongText: 'cut' },
      ...{ foldsIntoYaml: ['serviceName'], uniqueSessions: true },
    }
    expect((await sim$('POST', '/sim/moods', moods)).status).toBe(200)
    expect(sim.moods).toMatchObject(moods)
  })

  it.each([
    ['/sim/moods', { answer: 'never' }],
    ['/sim/moods', { mood: 1 }],
    ['/sim/moods', { foldsIntoYaml: ['name'] }],
    ['/sim/accounts/admin', { state: 'asleep' }],
    ['/sim/faults', { fault: { kind: 'earthquake' } }],
    ['/sim/services', { uuid: 'short' }],
  ])('refuses %s %j with a sentence', async (path, body) => {
    const { status, text } = await sim$('POST', path, body)
    expect(status).toBe(400)
    expect(text).toMatch(/^\S.+\n$/)
  })

  it('is neither counted nor delayed nor disturbed', async () => {
    sim.set({ latencyMillis: 60_000 })
    sim.fault({ fault: { kind: 'hang' } })
    const { text } = await sim$('GET', '/sim/counters')
    expect(JSON.parse(text)).toEqual(sim.counters)
    expect(sim.counters.total).toBe(0)
  })
})

describe('over TLS', () => {
  it('serves a client that trusts its certificate, and can still cut connections', async () => {
    const tls = selfSignedCertificate()
    const secure = await startZStackSimulator({ tls })
    const path = '/v1/ai/model-services'
    const dispatcher = new Agent({ connect: { ca: tls.cert } })
    const list = () => request(secure.url + path, { dispatcher, headers: signed('GET', path) })
    const { statusCode, body } = await list()
    await body.dump()
    expect(statusCode).toBe(200)
    expect(secure.url).toMatch(/^https:/)
    secure.fault({ fault: { kind: 'reset' } })
    await expect(list()).rejects.toThrow()
    await dispatcher.destroy()
    await secure.close()
  })
})

it('a port that is taken is a rejected start', async () => {
  await expect(startZStackSimulator({ port: Number(new URL(sim.url).port) })).rejects.toThrow('EADDRINUSE')
})
