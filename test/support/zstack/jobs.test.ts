import { afterEach, beforeEach, expect, it } from 'vitest'
import { createClient, type Client, type Reply } from './client.ts'
import { modelService, startZStackSimulator, type ZStackSimulator } from './simulator.ts'

const UUID = '6c1a5f6167944aa1886294842075279f'

let sim: ZStackSimulator
let client: Client

beforeEach(async () => {
  const services = [modelService({ uuid: UUID, name: 'old' })]
  sim = await startZStackSimulator({ services, moods: { answer: 'async', jobMillis: 20 } })
  client = createClient(sim)
})
afterEach(() => sim.close())

const update = (headers: Record<string, string> = {}) =>
  client.update(UUID, { updateModelService: { name: 'new' } }, headers)

/** The part of a location that holds behind any base URL. */
const pathOf = (reply: Reply) => String(reply.json?.location).replace(/^.*(?=\/v1\/api-jobs\/)/, '')

/** Asks until the job no longer runs. */
async function ended(path: string): Promise<Reply> {
  let reply: Reply | undefined
  await expect.poll(async () => (reply = await client.call('GET', path)).status, { interval: 5 }).not.toBe(202)
  return reply!
}

it('an asynchronous update is 202 with a location on a host that only the node knows', async () => {
  const reply = await update()
  expect(reply.status).toBe(202)
  expect(reply.json?.location).toMatch(/^http:\/\/192\.0\.2\.10:8080\/zstack\/v1\/api-jobs\/[0-9a-f]{32}$/)
})

it('a job that still runs is 202 without a body, and the change does not show yet', async () => {
  sim.set({ jobMillis: 60_000 })
  const path = pathOf(await update())
  expect(await client.call('GET', path)).toMatchObject({ status: 202, text: '' })
  expect(await client.get(UUID)).toHaveProperty('name', 'old')
})

it('a job that is done is 200 with what a synchronous call answers, and the change shows', async () => {
  const reply = await ended(pathOf(await update()))
  expect(reply.status).toBe(200)
  expect(reply.json?.inventory).toEqual(sim.read(UUID))
  expect(sim.read(UUID)?.name).toBe('new')
})

it('a job named by the caller answers under that name, and the name is taken', async () => {
  const job = 'ab'.repeat(16)
  expect(pathOf(await update({ 'x-job-uuid': job }))).toBe(`/v1/api-jobs/${job}`)
  expect((await update({ 'x-job-uuid': job })).text).toBe(`Duplicate job uuid[${job}]`)
  expect((await ended(`/v1/api-jobs/${job}`)).status).toBe(200)
})

it('a failed job is 503 with an error and has changed nothing', async () => {
  sim.set({ jobOutcome: 'failed' })
  const reply = await ended(pathOf(await update()))
  expect([reply.status, reply.json?.error?.code]).toEqual([503, 'SYS.1006'])
  expect(sim.read(UUID)?.name).toBe('old')
})

it('an expired job is 404 plain text, though it did its work', async () => {
  sim.set({ jobOutcome: 'expired' })
  expect(await ended(pathOf(await update()))).toMatchObject({ status: 404, text: 'the job has been expired' })
  expect(sim.read(UUID)?.name).toBe('new')
})

it('an unknown job is like an expired one', async () => {
  const reply = await client.call('GET', `/v1/api-jobs/${'0'.repeat(32)}`)
  expect(reply).toMatchObject({ status: 404, text: 'the job has been expired' })
})

it('a job that never ends is bounded by X-API-Timeout and fails with SYS.1001', async () => {
  sim.set({ jobOutcome: 'never' })
  const path = pathOf(await update({ 'x-api-timeout': '0' }))
  expect((await ended(path)).json?.error?.code).toBe('SYS.1001')
  expect(sim.read(UUID)?.name).toBe('old')
})

it('the answer tells how long a job may run, in milliseconds, beside its location', async () => {
  expect((await update()).json?.apiTimeout).toBe(1_800_000)
  expect((await update({ 'x-api-timeout': '90' })).json?.apiTimeout).toBe(90_000)
})

it('an older node tells no time limit', async () => {
  sim.set({ apiTimeoutMillis: null })
  expect(Object.keys((await update()).json ?? {})).toEqual(['location'])
})

it('a job that runs beyond the time limit fails with SYS.1001 and has changed nothing', async () => {
  sim.set({ jobOutcome: 'never', apiTimeoutMillis: 10 })
  const reply = await update()
  expect(reply.json?.apiTimeout).toBe(10)
  expect((await ended(pathOf(reply))).json?.error?.code).toBe('SYS.1001')
  expect(sim.read(UUID)?.name).toBe('old')
})

it('a job for a service that went away meanwhile fails with SYS.1003', async () => {
  const reply = await update()
  sim.remove(UUID)
  expect((await ended(pathOf(reply))).json?.error?.code).toBe('SYS.1003')
})

it('a job of a server that is not effective ends well and has changed nothing', async () => {
  sim.set({ effective: false })
  expect((await ended(pathOf(await update()))).json?.inventory?.name).toBe('old')
})

it('an update of an unknown uuid is refused at once, without a job', async () => {
  const reply = await client.update('0'.repeat(32), { updateModelService: { name: 'new' } })
  expect([reply.status, reply.json?.error?.code]).toEqual([503, 'SYS.1003'])
})
