import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createClient, type Client } from './client.ts'
import {
  firewallPage,
  modelService,
  startZStackSimulator,
  type Fault,
  type Operation,
  type ZStackSimulator,
} from './simulator.ts'

const [A, B, C] = ['a'.repeat(32), 'b'.repeat(32), 'c'.repeat(32)] as const

let sim: ZStackSimulator
let client: Client

beforeEach(async () => {
  sim = await startZStackSimulator({ services: [A, B, C].map((uuid) => modelService({ uuid, name: 'old' })) })
  client = createClient(sim)
  await client.get(A)
  sim.resetCounters()
})
afterEach(() => sim.close())

const rename = (uuid: string = A) => client.update(uuid, { updateModelService: { name: 'new' } })
const error = { kind: 'error', code: 'SYS.1000' } as const

describe('a rule', () => {
  it('without operation and uuid meets every request, the log-in too', async () => {
    sim.fault({ fault: error })
    expect((await client.get(A)) ?? 'nothing').toBe('nothing')
    expect((await client.logIn()).status).toBe(503)
  })

  it('with an operation meets no other', async () => {
    sim.fault({ operation: 'update', fault: error })
    expect((await rename()).status).toBe(503)
    expect((await client.query()).status).toBe(200)
  })

  it('with a uuid meets that service alone, and the queries that ask for it', async () => {
    sim.fault({ uuid: A, fault: error })
    expect((await rename(A)).status).toBe(503)
    expect((await rename(B)).status).toBe(200)
    expect((await client.query(['q', `uuid?=${A},${B}`])).status).toBe(503)
    expect((await client.query(['q', `uuid?=${B}`])).status).toBe(200)
  })

  it('with a uuid meets the jobs of that service', async () => {
    sim.set({ answer: 'async' })
    const path = String((await rename(A)).json?.location).replace(/^.*(?=\/v1)/, '')
    sim.fault({ operation: 'job', uuid: A, fault: { kind: 'status', status: 404, body: 'the job has been expired' } })
    expect((await client.call('GET', path)).status).toBe(404)
  })

  it('with several uuids meets each of these services, and the queries that ask for any of them', async () => {
    sim.fault({ uuids: [A, B], fault: error })
    expect([(await rename(A)).status, (await rename(B)).status, (await rename(C)).status]).toEqual([503, 503, 200])
    expect((await client.query(['q', `uuid?=${B},${C}`])).status).toBe(503)
    expect((await client.query(['q', `uuid?=${C}`])).status).toBe(200)
  })

  it('with a share meets some of the requests and not the others', async () => {
    sim.fault({ operation: 'query', percent: 50, fault: error })
    const statuses = new Set<number>()
    await expect.poll(async () => statuses.add((await client.query()).status).size).toBe(2)
    expect([...statuses].sort()).toEqual([200, 503])
  })

  it('with times is used up', async () => {
    sim.fault({ operation: 'update', times: 2, fault: error })
    const statuses = [await rename(), await rename(), await rename()].map(({ status }) => status)
    expect(statuses).toEqual([503, 503, 200])
  })

  it('added later wins until it is lifted or used up', async () => {
    sim.fault({ fault: { kind: 'status', status: 502 } })
    const lift = sim.fault({ fault: { kind: 'status', status: 504 } })
    sim.fault({ times: 1, fault: { kind: 'status', status: 500 } })
    const status = async () => (await client.query()).status
    expect([await status(), await status()]).toEqual([500, 504])
    lift()
    expect(await status()).toBe(502)
    sim.clearFaults()
    expect(await status()).toBe(200)
  })
})

describe('the fault', () => {
  const during = (fault: Fault, operation: Operation = 'update') => sim.fault({ operation, fault })
  const name = () => sim.read(A)?.name

  it('error is 503 with that code and does nothing', async () => {
    during({ kind: 'error', code: 'SYS.1006', details: 'no space left' })
    const { status, json } = await rename()
    expect([status, json?.error]).toEqual([
      503,
      expect.objectContaining({ code: 'SYS.1006', details: 'no space left' }),
    ])
    expect(name()).toBe('old')
  })

  const codes = [
    ...['SYS.1000', 'SYS.1001', 'SYS.1002', 'SYS.1003', 'SYS.1004', 'SYS.1005', 'SYS.1006', 'SYS.1007', 'SYS.1008'],
    ...['SYS.1009', 'SYS.1010', 'SYS.1011', 'SYS.1012', 'SYS.1013', 'SYS.1014', 'SYS.1015', 'SYS.1016', 'SYS.1017'],
    ...['ID.1000', 'ID.1001', 'ID.1002', 'ID.1003', 'ID.1004', 'ID.1005', 'ID.1006', 'ID.1007'],
    ...['ID.2000', 'ID.2001', 'ID.2002', 'ID.2003'],
  ]
  it.each(codes)('error answers %s, with words of its own, to a log-in, a query, an update and a job', async (code) => {
    sim.set({ answer: 'async' })
    const job = String((await rename()).json?.location).replace(/^.*(?=\/v1)/, '')
    sim.fault({ fault: { kind: 'error', code } })
    for (const reply of [await client.logIn(), await client.query(), await rename(), await client.call('GET', job)]) {
      expect([reply.status, reply.json?.error?.code]).toEqual([503, code])
      expect(reply.json?.error?.description).not.toBe('Simulated failure')
    }
  })

  it('error with a nested code tells in the cause', async () => {
    during({ kind: 'error', code: 'SYS.1006', nestedCode: 'ID.1002' })
    expect((await rename()).json?.error).toMatchObject({ code: 'SYS.1006', cause: { code: 'ID.1002' } })
  })

  it('status is that status with that body and those headers', async () => {
    during({ kind: 'status', status: 502, body: '<html>Bad Gateway</html>' })
    const reply = await rename()
    expect(reply).toMatchObject({ status: 502, type: 'text/html', text: '<html>Bad Gateway</html>' })
    during({ kind: 'status', status: 302, headers: { location: 'http://login.example' } })
    expect((await rename()).status).toBe(302)
  })

  it('reset ends the connection and does nothing', async () => {
    during({ kind: 'reset' })
    await expect(rename()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect([name(), sim.requests('update').map(({ status }) => status)]).toEqual(['old', [0]])
  })

  it('failed-job accepts the update, and the job ends in the error', async () => {
    sim.fault({ operation: 'update', uuid: A, fault: { kind: 'failed-job', code: 'SYS.1000', details: 'no disk' } })
    const { status, json } = await rename()
    expect(status).toBe(202)
    const path = String(json?.location).replace(/^.*(?=\/v1)/, '')
    await expect.poll(async () => (await client.call('GET', path)).json?.error?.details).toBe('no disk')
    expect(name()).toBe('old')
    expect((await rename(B)).status).toBe(200)
  })

  it('the page of a firewall is a 403 in HTML, and the update does not get through', async () => {
    sim.fault({ operation: 'update', uuids: [A], fault: firewallPage })
    const { status, type, text } = await rename()
    expect([status, type, name()]).toEqual([403, 'text/html', 'old'])
    expect(text).toContain('Request blocked')
  })

  it.each<[Fault, string[]]>([
    [{ kind: 'cut', services: 2 }, [A, B]],
    [{ kind: 'leave-out', uuids: [A] }, [B, C]],
  ])('%j keeps services out of the answer to a query', async (fault, expected) => {
    during(fault, 'query')
    const { json } = await client.query(['q', `uuid?=${A},${B},${C}`])
    expect(json?.inventories?.map(({ uuid }) => uuid)).toEqual(expected)
  })

  it('lost-answer ends the connection after the work is done', async () => {
    during({ kind: 'lost-answer' })
    await expect(rename()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    expect(name()).toBe('new')
  })

  it('truncated cuts the answer in its middle', async () => {
    during({ kind: 'truncated' })
    await expect(rename()).rejects.toThrow('terminated')
    expect(name()).toBe('new')
  })

  it('garbage is 200 and JSON by name only', async () => {
    during({ kind: 'garbage', body: Buffer.from([0xff, 0xfe, 0x7b]) })
    await expect(rename()).rejects.toThrow(SyntaxError)
    expect(name()).toBe('old')
  })

  it('hang answers nothing until the simulator closes', async () => {
    during({ kind: 'hang' })
    const hanging = rename().then(
      () => 'answered',
      () => 'cut',
    )
    await expect.poll(() => sim.requests('update').length).toBe(1)
    expect((await client.query()).status).toBe(200)
    await sim.close()
    expect(await hanging).toBe('cut')
  })

  it('slow answers properly but late, and has worked at once', async () => {
    during({ kind: 'slow', millis: 100 })
    const start = performance.now()
    const reply = rename()
    await expect.poll(name).toBe('new')
    expect((await reply).status).toBe(200)
    expect(performance.now() - start).toBeGreaterThan(95)
  })
})

it('latency delays answers side by side, not one after the other', async () => {
  sim.set({ latencyMillis: 200 })
  const start = performance.now()
  await Promise.all(Array.from({ length: 10 }, () => client.query()))
  const millis = performance.now() - start
  expect(millis).toBeGreaterThan(195)
  expect(millis).toBeLessThan(1500)
  expect(sim.counters.maxInFlight).toBe(10)
})
