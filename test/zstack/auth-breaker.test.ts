import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/decide/failure.ts'
import type { ConnectionEvent } from '../../src/reconcile/ports.ts'
import { createAuthBreaker } from '../../src/zstack/auth-breaker.ts'
import { createManualClock } from '../support/clock.ts'

const refused: Failure = { kind: 'credentials', message: 'wrong password' }
const tooMany: Failure = { kind: 'sessions', message: 'no session left' }
const minute = 60_000

function start() {
  const clock = createManualClock()
  const changes: ConnectionEvent[] = []
  return { clock, changes, pause: createAuthBreaker(clock, (change) => changes.push(change)) }
}

describe('pause', () => {
  it('lets requests through until something halts them', () => {
    const { pause } = start()
    expect([pause.refuse(), pause.halted(), pause.trouble()]).toEqual([undefined, undefined, undefined])
  })

  it('holds refused credentials back for half an hour, then lets one request try', async () => {
    const { clock, pause, changes } = start()
    pause.halt(refused)
    await clock.advance(30 * minute - 1)
    expect(pause.refuse()).toBe(refused)
    await clock.advance(1)
    expect(pause.refuse()).toBeUndefined()
    pause.begin()
    expect(pause.refuse()).toBe(refused)
    expect(pause.halted()).toBeUndefined()
    expect(pause.trouble()).toBe(refused)
    expect(changes).toEqual(['open', 'trial'])
  })

  it('waits ever longer for a session, up to ten minutes', async () => {
    const { clock, pause } = start()
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      pause.halt(tooMany)
      const since = clock.monotonic()
      while (pause.refuse()) await clock.advance(minute)
      waits.push((clock.monotonic() - since) / minute)
      pause.begin()
    }
    expect(waits).toEqual([1, 2, 4, 8, 10, 10])
  })

  it('halts once for many requests that fail alike, and its waits do not grow by them', async () => {
    const { clock, pause, changes } = start()
    for (let i = 0; i < 16; i++) pause.halt({ ...tooMany })
    await clock.advance(minute)
    expect(pause.refuse()).toBeUndefined()
    expect(changes).toEqual(['open', 'trial'])
  })

  it('turns to the longer wait when credentials are refused while a session is waited for', async () => {
    const { clock, pause } = start()
    pause.halt(tooMany)
    pause.halt(refused)
    pause.halt(tooMany)
    await clock.advance(20 * minute)
    expect(pause.refuse()).toBe(refused)
  })

  it('is not ended by the answer to a request that was under way before', () => {
    const { pause } = start()
    const begun = pause.begin()
    pause.halt(refused)
    pause.succeeded(begun)
    expect(pause.refuse()).toBe(refused)
  })

  it('is ended by a try that succeeds', async () => {
    const { clock, pause, changes } = start()
    pause.halt(refused)
    await clock.advance(30 * minute)
    pause.succeeded(pause.begin())
    expect([pause.refuse(), pause.trouble()]).toEqual([undefined, undefined])
    expect(changes).toEqual(['open', 'trial', 'closed'])
    expect(clock.pending).toBe(0)
  })

  it('offers a try that ended without a word again a minute later', async () => {
    const { clock, pause } = start()
    pause.halt(refused)
    await clock.advance(30 * minute)
    pause.begin()
    await clock.advance(minute)
    expect(pause.refuse()).toBeUndefined()
  })

  it('ends at once when the cause may be gone', () => {
    const { clock, pause, changes } = start()
    pause.halt(refused)
    pause.resume()
    expect(pause.refuse()).toBeUndefined()
    expect(changes).toEqual(['open', 'closed'])
    expect(clock.pending).toBe(0)
  })

  it('leaves no timer behind once closed', () => {
    const { clock, pause } = start()
    pause.halt(refused)
    pause.close()
    pause.halt(tooMany)
    expect(clock.pending).toBe(0)
  })
})
