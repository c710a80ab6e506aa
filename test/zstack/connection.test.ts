import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { Result } from '../../src/decide/failure.ts'
import type { Patch } from '../../src/decide/plan.ts'
import type { UpdateOutcome, Connection } from '../../src/reconcile/ports.ts'
import type { ConnectionOptions } from '../../src/zstack/connection.ts'
import { fixedCredentials } from '../../src/zstack/credentials.ts'
import type { BodyShape } from '../../src/zstack/wire.ts'
import { redacted } from '../../src/redacted.ts'
import { anySignal, connectionOver, httpTo, times } from '../support/client.ts'
import { modelService, startZStackSimulator, type Moods, type ZStackSimulator } from '../support/zstack/simulator.ts'

const uuidOf = (i: number) => i.toString(16).padStart(32, '0')
const a = uuidOf(0)
const signal = anySignal()

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type World = {
  readonly sim: ZStackSimulator
  readonly connection: Connection
  readonly learned: readonly BodyShape[]
  readonly uuids: readonly string[]
  /** Sends an update, and follows the jobs that it becomes. */
  readonly update: (patch: Patch, uuid?: string) => Promise<Result<UpdateOutcome>>
  readonly close: () => Promise<void>
}

/** A connection to a fleet of services whose requestCpu is 1, each read before. */
async function connected(
  moods: Partial<Moods> = {},
  change: Partial<ConnectionOptions> = {},
  count = 1,
): Promise<World> {
  const uuids = times(count, uuidOf)
  const services = uuids.map((uuid) => modelService({ uuid, requestCpu: 1 }))
  const sim = await startZStackSimulator({ services, moods: { jobMillis: 5, ...moods } })
  const learned: BodyShape[] = []
  const { connection, inventory, close } = connectionOver({
    endpoint: sim.url,
    http: httpTo(sim.url),
    clock: systemClock,
    onShapeLearned: (shape) => learned.push(shape),
    ...change,
  })
  await inventory.refresh(uuids, signal)
  sim.resetCounters()
  closers.push(
    () => sim.close(),
    () => close(),
  )
  return {
    sim,
    connection,
    learned,
    uuids,
    async update(patch, uuid = a) {
      let answer = await inventory.update(uuid, patch, signal)
      while (answer.ok && answer.value.kind === 'running') {
        await systemClock.sleep(5, signal)
        answer = await inventory.job(uuid, answer.value.job, signal)
      }
      return answer
    },
    close,
  }
}

const shapesOf = (sim: ZStackSimulator) =>
  sim.requests('update').map(({ body }) => ('updateModelService' in (body as object) ? 'envelope' : 'flat'))
const cpuOf = (answer: Result<UpdateOutcome>) =>
  answer.ok && answer.value.kind === 'done' ? answer.value.observation?.live.values.get('requestCpu') : answer

describe('learning the body shape', () => {
  it.each(['envelope', 'single-api'] as const)(
    'of a server of kind %s takes the first effective update and no further request',
    async (bodyShape) => {
      const { sim, learned, update } = await connected({ bodyShape })
      expect(cpuOf(await update({ requestCpu: 8 }))).toBe(8)
      expect(sim.counters).toMatchObject({ update: 1, total: 1 })
      expect(learned).toEqual(['envelope'])
    },
  )

  it.each(['sync', 'async', 'bare'] as const)(
    'of a flat server that answers %s takes one further update',
    async (answer) => {
      const { sim, learned, update } = await connected({ bodyShape: 'flat', answer })
      expect(cpuOf(await update({ requestCpu: 8 }))).toBe(8)
      expect(shapesOf(sim)).toEqual(['envelope', 'flat'])
      expect(learned).toEqual(['flat'])
      await update({ requestCpu: 9 })
      expect(shapesOf(sim)).toEqual(['envelope', 'flat', 'flat'])
    },
  )

  it.each(['sync', 'async', 'bare'] as const)(
    'with 32 updates at once costs one further update each and later ones none, on a flat server that answers %s',
    async (answer) => {
      const { sim, uuids, learned, update } = await connected({ bodyShape: 'flat', answer }, {}, 32)
      await Promise.all(uuids.map((uuid) => update({ requestCpu: 8 }, uuid)))
      expect(uuids.map((uuid) => sim.read(uuid)?.requestCpu)).toEqual(uuids.map(() => 8))
      expect(sim.counters.update).toBeLessThanOrEqual(64)
      sim.resetCounters()
      await Promise.all(uuids.map((uuid) => update({ requestCpu: 9 }, uuid)))
      expect(shapesOf(sim)).toEqual(uuids.map(() => 'flat'))
      expect(learned).toEqual(['flat'])
    },
  )

  it.each(['envelope', 'single-api'] as const)(
    'with 32 updates at once costs none on a server of kind %s',
    async (bodyShape) => {
      const { sim, uuids, update } = await connected({ bodyShape }, {}, 32)
      await Promise.all(uuids.map((uuid) => update({ requestCpu: 8 }, uuid)))
      expect(sim.counters.update).toBe(32)
      expect(uuids.map((uuid) => sim.read(uuid)?.requestCpu)).toEqual(uuids.map(() => 8))
    },
  )

  it('of a server that refuses the preferred shape in words sends the update again at once', async () => {
    const { sim, learned, update } = await connected({ bodyShape: 'flat' })
    await update({ servicePorts: [80] })
    sim.set({ bodyShape: 'envelope' })
    expect(cpuOf(await update({ requestCpu: 8 }))).toBe(8)
    expect(learned).toEqual(['envelope'])
  })

  it('is done again for a server of the other kind in the place of the first, when it says so', async () => {
    const { sim, learned, update } = await connected({ bodyShape: 'flat' })
    await update({ requestCpu: 8 })
    sim.set({ bodyShape: 'envelope' })
    expect(cpuOf(await update({ requestCpu: 9 }))).toBe(9)
    expect(learned).toEqual(['flat', 'envelope'])
  })

  it.each(['envelope', 'flat', 'single-api'] as const)(
    'from write-only fields is not possible, and they reach a server of kind %s all the same',
    async (bodyShape) => {
      for (const answer of ['sync', 'async', 'bare'] as const) {
        const { sim, update } = await connected({ bodyShape, answer })
        await update({ environmentParameters: { A: 'b' }, userTags: ['t'] })
        await expect.poll(() => sim.hidden(a)).toMatchObject({ environmentParameters: { A: 'b' }, userTags: ['t'] })
      }
    },
  )

  it('is left to the next update when this one is refused for its contents', async () => {
    const { sim, learned, update } = await connected({ bodyShape: 'flat' })
    sim.fault({ operation: 'update', times: 1, fault: { kind: 'error', code: 'SYS.1007', details: 'bad name' } })
    expect(await update({ name: '' })).toMatchObject({ failure: { kind: 'rejected' } })
    expect(sim.counters.update).toBe(1)
    expect(cpuOf(await update({ requestCpu: 8 }))).toBe(8)
    expect(learned).toEqual(['flat'])
  })
})

describe('a pinned body shape', () => {
  it.each<[BodyShape, Moods['bodyShape']]>([
    ['flat', 'envelope'],
    ['flat', 'single-api'],
    ['envelope', 'flat'],
  ])('%s is never left, not even on a server of kind %s', async (requestBody, bodyShape) => {
    const { sim, learned, update } = await connected({ bodyShape }, { requestBody })
    for (let cpu = 2; cpu < 5; cpu++) await update({ requestCpu: cpu })
    expect(shapesOf(sim)).toEqual([requestBody, requestBody, requestBody])
    expect(sim.read(a)?.requestCpu).toBe(1)
    expect(learned).toEqual([])
  })
})

describe('a check of a connection', () => {
  it('takes the session that is there, and leaves it to what comes after', async () => {
    const { sim, connection, update } = await connected()
    expect(await connection.check(anySignal())).toEqual({ ok: true, value: undefined })
    await update({ requestCpu: 8 })
    expect(sim.counters).toMatchObject({ login: 0, openSessions: 1 })
  })

  it('that gives its session back is logged in anew by the next request', async () => {
    const { sim, connection, update } = await connected()
    await connection.check(anySignal())
    await connection.logOut()
    expect(sim.counters.openSessions).toBe(0)
    await update({ requestCpu: 8 })
    expect(sim.read(a)?.requestCpu).toBe(8)
    expect(sim.counters.openSessions).toBe(1)
  })

  it('sends nothing in the pause after refused credentials, and says why', async () => {
    const sim = await startZStackSimulator()
    onTestFinished(() => sim.close())
    const wrong = fixedCredentials({ kind: 'account', name: 'admin', password: redacted('wrong') })
    const { connection, close } = connectionOver({ http: httpTo(sim.url), endpoint: sim.url, credentials: wrong })
    for (let i = 0; i < 5; i++)
      expect(await connection.check(anySignal())).toMatchObject({ ok: false, failure: { kind: 'credentials' } })
    expect(sim.counters).toMatchObject({ login: 1, total: 1 })
    await close()
  })

  it('in an outage makes the connection look out for its end', async () => {
    const sim = await startZStackSimulator()
    onTestFinished(() => sim.close())
    sim.fault({ fault: { kind: 'status', status: 503 } })
    const { connection, close } = connectionOver({ http: httpTo(sim.url), endpoint: sim.url })
    expect(await connection.check(anySignal())).toMatchObject({ ok: false, failure: { kind: 'unavailable' } })
    await expect.poll(() => connection.currentFailure()).toMatchObject({ kind: 'unavailable' })
    await close()
  })
})

describe('a connection', () => {
  it('names its endpoint, is in no trouble at first, and logs out when closed', async () => {
    const { sim, connection, close } = await connected()
    expect(connection.endpoint).toBe(sim.url)
    expect(connection.currentFailure()).toBeUndefined()
    expect(sim.counters.openSessions).toBe(1)
    await close()
    expect(sim.counters.openSessions).toBe(0)
  })
})
