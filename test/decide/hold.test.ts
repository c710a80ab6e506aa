import { describe, expect, it } from 'vitest'
import type { Condition, Status } from '../../src/api/status.ts'
import {
  driftKeyIn,
  holdAfterIneffective,
  holdAfterRefusal,
  isSameDrift,
  refusalMs,
  restoreHold,
  statusOfHold,
  type DriftKey,
} from '../../src/decide/hold.ts'

const now = Date.parse('2026-01-01T12:00:00Z')
const minute = 60_000
const drift = [{ field: 'requestCpu', desired: '8', live: '4' }]
const key = (generation = 7, of = drift): DriftKey => ({ generation, drift: of, unread: [], sources: {} })
const afterRestart = (status: Status, at = now) => restoreHold(JSON.parse(JSON.stringify(status)) as Status, at)

function condition(type: Condition['type'], reason: Condition['reason']): Condition {
  const lastTransitionTime = '2026-01-01T00:00:00Z'
  return { type, status: 'True', reason, message: `because of ${reason}`, observedGeneration: 7, lastTransitionTime }
}

describe('updates that leave the same difference', () => {
  it('may be repeated at once until there were three, and then in an hour', () => {
    const first = holdAfterIneffective(undefined, key(), now)
    const second = holdAfterIneffective(first, key(), now)
    const third = holdAfterIneffective(second, key(), now)
    expect([first, second, third].map(({ attempts, until }) => [attempts, (until - now) / minute])).toEqual([
      [1, 0],
      [2, 0],
      [3, 60],
    ])
  })

  it('are counted anew for another difference or another generation', () => {
    const second = { key: key(), attempts: 2, until: now }
    expect(holdAfterIneffective(second, key(8), now).attempts).toBe(1)
    expect(holdAfterIneffective(second, key(7, [{ ...drift[0]!, live: '5' }]), now).attempts).toBe(1)
  })

  it('are still counted when a refusal comes between two of them', () => {
    const first = holdAfterIneffective(undefined, key(), now)
    const refused = holdAfterRefusal(first, key(), { kind: 'rejected', message: 'no' }, now)
    expect(refused.attempts).toBe(1)
    expect(holdAfterIneffective(refused, key(), now).attempts).toBe(2)
  })
})

describe('a hold in status', () => {
  it('is nothing where there is none', () => {
    expect(restoreHold(undefined, now)).toBeUndefined()
    expect(afterRestart({ conditions: [condition('Stalled', 'UpdateNotEffective')], drift })).toBeUndefined()
  })

  it.each([
    ['without effect', undefined, 60],
    ['refused as wrong', 'rejected' as const, 60],
    ['refused for want of a permission', 'permission' as const, 10],
  ])('of an update %s that a clock a year ahead left lasts its own time from now on', (_, kind, minutes) => {
    const failure = kind && { failure: { kind, message: 'no' } }
    const year = 365 * 24 * 60 * minute
    const hold = { key: key(), attempts: 3, until: now + year, ...failure }
    expect(afterRestart({ drift, hold: statusOfHold(hold) })?.until).toBe(now + minutes * minute)
  })

  it.each([1, 2, 3])('after %d updates without effect is restored as it was', (attempts) => {
    const hold = { key: key(), attempts, until: now + attempts * minute }
    expect(afterRestart({ drift, hold: statusOfHold(hold) })).toEqual(hold)
  })

  it.each([
    ['rejected' as const, 'RemoteRejected' as const, 60],
    ['permission' as const, 'PermissionDenied' as const, 10],
    ['quota' as const, 'QuotaExceeded' as const, 10],
  ])('after a refusal (%s) is restored with the message of its condition', (kind, reason, minutes) => {
    const message = `because of ${reason}`
    const hold = holdAfterRefusal(undefined, key(), { kind, message }, now)
    expect(statusOfHold(hold)).toMatchObject({ reason, generation: 7, attempts: 0 })
    const status = { drift, hold: statusOfHold(hold), conditions: [condition('Stalled', reason)] }
    expect(afterRestart(status)).toEqual({ ...hold, until: now + minutes * minute })
  })

  it('is what it is whatever the conditions say: they are words for people', () => {
    const hold = holdAfterRefusal(undefined, key(), { kind: 'rejected', message: 'no' }, now)
    const status = { drift, hold: statusOfHold(hold), conditions: [condition('Stalled', 'Unreachable')] }
    expect(afterRestart(status)).toMatchObject({ until: hold.until, failure: { kind: 'rejected' } })
  })

  it('never holds for ever, whatever the time in a status that others wrote', () => {
    const hold = { reason: 'UpdateNotEffective', generation: 7, until: 'tomorrow', attempts: 3 } as const
    expect(now < (afterRestart({ drift, hold })?.until ?? 0)).toBe(false)
  })
})

describe('a difference', () => {
  it('is the same at the same generation alone', () => {
    expect(isSameDrift(key(1), key(1, [...drift]))).toBe(true)
    expect(isSameDrift(key(1), key(2))).toBe(false)
    expect(isSameDrift(key(1), key(1, [{ ...drift[0]!, live: '5' }]))).toBe(false)
    expect(isSameDrift(undefined, key(1, []))).toBe(false)
  })

  it('without drift is the same as one with none', () => {
    expect(isSameDrift(driftKeyIn({}, 1), key(1, []))).toBe(true)
  })

  it('is the same to a process that does not know yet that the server shows a field without a value', () => {
    const shown = key(1, [...drift, { field: 'framework', desired: 'vLLM', live: '(none)' }])
    expect(isSameDrift(shown, { ...key(1), unread: ['framework'] })).toBe(true)
    expect(isSameDrift(shown, key(1))).toBe(false)
  })
})

it('a refusal that time may cure stands for ten minutes, any other for an hour', () => {
  expect(refusalMs({ kind: 'quota', message: '' })).toBe(10 * minute)
  expect(refusalMs({ kind: 'rejected', message: '' })).toBe(60 * minute)
})
