import { describe, expect, it, onTestFinished } from 'vitest'
import type { StoredModelService } from '../../src/api/modelservice.ts'
import { createClaims } from '../../src/reconcile/claims.ts'
import { createPoller } from '../../src/reconcile/poll.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock } from '../support/clock.ts'
import { connectionsTo, createFakeInventory } from '../support/inventory.ts'
import { outage } from '../support/reconciler.ts'

const intervalMs = 60_000
const staleAfterMs = 300_000
const uuidOf = (name: string) => name.repeat(32)

/** Polls over objects a, b and c that are settled unless `unsettled` names them; time stands still before the first one. */
function poller({ random = 0.5, unsettled = [] as readonly string[] } = {}) {
  const clock = createManualClock()
  const inventory = createFakeInventory({ clock })
  const [connection] = connectionsTo(inventory).all()
  if (!connection) throw new Error('no connection')
  const claims = createClaims()
  const { log, entries } = createCapturedLog()
  for (const name of ['a', 'b', 'c']) {
    inventory.place(uuidOf(name), { requestCpu: 4 })
    claims.note(name, object(name), connection)
  }
  const woken: string[] = []
  const unrest = new Set(unsettled)
  const subject = createPoller({
    claims,
    connection,
    isSettledOrActive: (key) => !unrest.has(key),
    enqueue: (key) => woken.push(key),
    clock,
    random: () => random,
    log,
    intervalMs,
    staleAfterMs,
  })
  const stop = new AbortController()
  let running = Promise.resolve()
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  return {
    clock,
    inventory,
    connection,
    claims,
    entries,
    unrest,
    poller: subject,
    polls: () => inventory.calls.length,
    start: () => {
      running = subject.run(stop.signal)
      return clock.advance(0)
    },
    stop: () => {
      stop.abort()
      return running
    },
    /** Who was woken since the last look. */
    woken: () => woken.splice(0).sort(),
  }
}

function object(name: string, spec: object = { uuid: uuidOf(name) }): StoredModelService {
  const creationTimestamp = '2026-01-01T00:00:00Z'
  const metadata = { name, namespace: 'n', uid: name, resourceVersion: '1', generation: 1, creationTimestamp }
  return { metadata, spec }
}

describe('the poller', () => {
  it('asks for all services at once, and then at every interval', async () => {
    const { start, clock, inventory, polls } = poller()
    await start()
    expect(inventory.calls).toEqual([{ kind: 'refresh', uuids: ['a', 'b', 'c'].map(uuidOf) }])
    await clock.advance(intervalMs - 1)
    expect(polls()).toBe(1)
    await clock.advance(1)
    expect(polls()).toBe(2)
  })

  it.each([
    [0, 54_000],
    [1, 66_000],
  ])('spreads its interval by a tenth: by the dice of %d it is %d ms', async (random, ms) => {
    const { start, clock, polls } = poller({ random })
    await start()
    await clock.advance(ms - 1)
    expect(polls()).toBe(1)
    await clock.advance(1)
    expect(polls()).toBe(2)
  })

  it('wakes the objects whose service looks other than what was known of it, and no others', async () => {
    const { start, clock, inventory, woken } = poller()
    await start()
    await clock.advance(intervalMs)
    expect(woken()).toEqual([])
    inventory.place(uuidOf('b'), { requestCpu: 8 })
    inventory.remove(uuidOf('c'))
    await clock.advance(intervalMs)
    expect(woken()).toEqual(['b', 'c'])
  })

  it('wakes every object that speaks for a service that changed', async () => {
    const { start, clock, inventory, claims, connection, woken } = poller()
    claims.note('rival', object('rival', { uuid: uuidOf('b') }), connection)
    await start()
    woken()
    inventory.place(uuidOf('b'), { requestCpu: 8 })
    await clock.advance(intervalMs)
    expect(woken()).toEqual(['b', 'rival'])
  })

  it('wakes the objects that are not as they should be at every poll', async () => {
    const { start, clock, unrest, woken } = poller({ unsettled: ['c'] })
    await start()
    woken()
    await clock.advance(intervalMs)
    expect(woken()).toEqual(['c'])
    unrest.clear()
    await clock.advance(intervalMs)
    expect(woken()).toEqual([])
  })

  it('drops what is known of services that no object speaks for any more', async () => {
    const { start, clock, inventory, claims } = poller()
    await start()
    claims.note('a', undefined)
    await clock.advance(intervalMs)
    expect(inventory.cached(uuidOf('a'))).toBeUndefined()
    expect(inventory.cached(uuidOf('b'))).toBeDefined()
  })

  it('in a short outage wakes nobody, not even the unsettled, who have timers of their own', async () => {
    const { start, clock, inventory, woken } = poller({ unsettled: ['c'] })
    await start()
    woken()
    inventory.next('refresh', { fails: outage })
    await clock.advance(intervalMs)
    expect(woken()).toEqual([])
  })

  it('wakes who speaks for a service that cannot be read though the others can, and reads the others', async () => {
    const { start, clock, inventory, woken } = poller()
    await start()
    woken()
    inventory.next('refresh', { spoils: uuidOf('b'), because: outage })
    inventory.place(uuidOf('c'), { requestCpu: 8 })
    await clock.advance(intervalMs)
    expect(woken()).toEqual(['b', 'c'])
  })

  it('polls on at its interval though an earlier poll hangs', async () => {
    const { start, clock, inventory, polls, woken } = poller()
    await start()
    woken()
    const { promise } = Promise.withResolvers<undefined>()
    inventory.next('refresh', { after: promise })
    await clock.advance(intervalMs)
    inventory.place(uuidOf('b'), { requestCpu: 8 })
    await clock.advance(intervalMs)
    expect(polls()).toBe(3)
    expect(woken()).toEqual(['b'])
  })

  it('wakes all whose last observation has become too old to prove anything', async () => {
    const { start, clock, inventory, woken } = poller()
    await start()
    woken()
    inventory.next('refresh', ...Array.from({ length: 6 }, () => ({ fails: outage })))
    await clock.advance(5 * intervalMs)
    expect(woken()).toEqual([])
    await clock.advance(intervalMs)
    expect(woken()).toEqual(['a', 'b', 'c'])
  })

  it('goes on after a poll that throws, and says so', async () => {
    const { start, clock, inventory, polls, entries, woken } = poller({ unsettled: ['a'] })
    inventory.next('refresh', { after: Promise.reject(new Error('a bug')) })
    await start()
    expect(entries).toMatchObject([{ level: 'error', err: { message: 'a bug' } }])
    await clock.advance(intervalMs)
    expect(polls()).toBe(2)
    expect(woken()).toEqual(['a'])
  })

  it('polls at once when asked to poll now, and then keeps its interval', async () => {
    const { start, clock, poller: subject, polls } = poller()
    await start()
    await clock.advance(1_000)
    subject.pollNow()
    await clock.advance(0)
    expect(polls()).toBe(2)
    await clock.advance(intervalMs - 1)
    expect(polls()).toBe(2)
    await clock.advance(1)
    expect(polls()).toBe(3)
  })

  it('asked to poll now in the middle of a poll, polls again when that one has ended', async () => {
    const { start, clock, inventory, poller: subject, polls } = poller()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    inventory.next('refresh', { after: promise })
    await start()
    subject.pollNow()
    subject.pollNow()
    await clock.advance(1_000)
    expect(polls()).toBe(1)
    resolve(undefined)
    await clock.advance(0)
    expect(polls()).toBe(2)
  })

  it.each([
    ['well', []],
    ['badly', [{ fails: outage }]],
  ])('has polled once a first poll has ended %s', async (_, scripts) => {
    const { start, clock, inventory, poller: subject } = poller()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    inventory.next('refresh', { after: promise }, ...scripts)
    await start()
    expect(subject.hasPolled()).toBe(false)
    resolve(undefined)
    await clock.advance(0)
    expect(subject.hasPolled()).toBe(true)
  })

  it('tells how long ago any service was read, counted from the first poll while none was', async () => {
    const { start, clock, inventory, poller: subject } = poller()
    expect(subject.observationAgeMs()).toBeUndefined()
    inventory.next('refresh', { fails: outage }, { fails: outage })
    await start()
    await clock.advance(90_000)
    expect(subject.observationAgeMs()).toBe(90_000)
    subject.pollNow()
    await clock.advance(0)
    expect(subject.observationAgeMs()).toBe(0)
    await clock.advance(5_000)
    expect(subject.observationAgeMs()).toBe(5_000)
  })

  it('ends when it is stopped, in the middle of a wait', async () => {
    const { start, stop, clock } = poller()
    await start()
    await stop()
    expect(clock.pending).toBe(0)
  })
})
