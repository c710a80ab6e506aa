import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/decide/failure.ts'
import type { ConnectionEvent } from '../../src/reconcile/ports.ts'
import { createAuthBreaker } from '../../src/zstack/auth-breaker.ts'
import { createManualClock } from '../support/clock.ts'

const refused: Failure = { kind: 'credentials', message: 'wrong password' }
const tooMany: Failure = { kind: 'sessionLimit', message: 'no session left' }
const minute = 60_000

function start() {
  const clock = createManualClock()
  const changes: ConnectionEvent[] = []
  return { clock, changes, authBreaker: createAuthBreaker(clock, (change) => changes.push(change)) }
}

describe('the auth breaker', () => {
  it('lets requests through until something halts them', () => {
    const { authBreaker } = start()
    expect([authBreaker.refuse(), authBreaker.refuseLogIn(), authBreaker.currentFailure()]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('holds refused credentials back for half an hour, then lets one request try', async () => {
    const { clock, authBreaker, changes } = start()
    authBreaker.halt(refused)
    await clock.advance(30 * minute - 1)
    expect(authBreaker.refuse()).toBe(refused)
    await clock.advance(1)
    expect(authBreaker.refuse()).toBeUndefined()
    authBreaker.begin()
    expect(authBreaker.refuse()).toBe(refused)
    expect(authBreaker.refuseLogIn()).toBeUndefined()
    expect(authBreaker.currentFailure()).toBe(refused)
    expect(changes).toEqual(['heldBack', 'probe'])
  })

  it('waits ever longer for a session, from 15 seconds up to ten minutes', async () => {
    const { clock, authBreaker } = start()
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      authBreaker.halt(tooMany)
      const since = clock.monotonic()
      while (authBreaker.refuse()) await clock.advance(15_000)
      waits.push((clock.monotonic() - since) / 1_000)
      authBreaker.begin()
    }
    expect(waits).toEqual([15, 30, 60, 120, 240, 480, 600, 600])
  })

  it('halts once for many requests that fail alike, and its waits do not grow by them', async () => {
    const { clock, authBreaker, changes } = start()
    for (let i = 0; i < 16; i++) authBreaker.halt({ ...tooMany })
    await clock.advance(15_000)
    expect(authBreaker.refuse()).toBeUndefined()
    expect(changes).toEqual(['heldBack', 'probe'])
  })

  it('turns to the longer wait when credentials are refused while a session is waited for', async () => {
    const { clock, authBreaker } = start()
    authBreaker.halt(tooMany)
    authBreaker.halt(refused)
    authBreaker.halt(tooMany)
    await clock.advance(20 * minute)
    expect(authBreaker.refuse()).toBe(refused)
  })

  it('stays halted when a request that was under way before succeeds', () => {
    const { authBreaker } = start()
    const begun = authBreaker.begin()
    authBreaker.halt(refused)
    authBreaker.succeeded(begun)
    expect(authBreaker.refuse()).toBe(refused)
  })

  it('ends its halt when the try succeeds', async () => {
    const { clock, authBreaker, changes } = start()
    authBreaker.halt(refused)
    await clock.advance(30 * minute)
    authBreaker.succeeded(authBreaker.begin())
    expect([authBreaker.refuse(), authBreaker.currentFailure()]).toEqual([undefined, undefined])
    expect(changes).toEqual(['heldBack', 'probe', 'restored'])
    expect(clock.pending).toBe(0)
  })

  it('lets the next request try if the first one was not sent', async () => {
    const { clock, authBreaker, changes } = start()
    authBreaker.halt(refused)
    await clock.advance(30 * minute)
    authBreaker.notSent(authBreaker.begin())
    expect(authBreaker.refuse()).toBeUndefined()
    expect(clock.pending).toBe(0)
    authBreaker.begin()
    expect(authBreaker.refuse()).toBe(refused)
    expect(changes).toEqual(['heldBack', 'probe'])
  })

  it('waits for as long as the number of failures asks, where its caller counts them', async () => {
    const { clock, authBreaker } = start()
    authBreaker.halt(tooMany, 2)
    await clock.advance(minute - 1)
    expect(authBreaker.refuse()).toBe(tooMany)
    await clock.advance(1)
    expect(authBreaker.refuse()).toBeUndefined()
  })

  it('lets another request try a minute after one that has had no result', async () => {
    const { clock, authBreaker } = start()
    authBreaker.halt(refused)
    await clock.advance(30 * minute)
    authBreaker.begin()
    await clock.advance(minute)
    expect(authBreaker.refuse()).toBeUndefined()
  })

  it('ends its halt at once when the cause may be gone', () => {
    const { clock, authBreaker, changes } = start()
    authBreaker.halt(refused)
    authBreaker.resume()
    expect(authBreaker.refuse()).toBeUndefined()
    expect(changes).toEqual(['heldBack', 'restored'])
    expect(clock.pending).toBe(0)
  })

  it('leaves no timer behind once closed', () => {
    const { clock, authBreaker } = start()
    authBreaker.halt(refused)
    authBreaker.close()
    authBreaker.halt(tooMany)
    expect(clock.pending).toBe(0)
  })
})
