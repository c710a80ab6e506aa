import { describe, expect, it } from 'vitest'
import type { Condition, Status } from '../../src/api/status.ts'
import { isSame, restore, refusalMs, driftKey } from '../../src/reconcile/retry-state.ts'

const now = Date.parse('2026-01-01T12:00:00Z')
const minute = 60_000
const drift = [{ field: 'requestCpu', desired: '8', live: '4' }]

function condition(type: Condition['type'], reason: Condition['reason']): Condition {
  const lastTransitionTime = '2026-01-01T00:00:00Z'
  return { type, status: 'True', reason, message: `because of ${reason}`, observedGeneration: 7, lastTransitionTime }
}

const tried = (attempts?: number): Status['lastUpdate'] => ({
  time: '2026-01-01T11:50:00Z',
  generation: 7,
  fields: ['requestCpu'],
  cause: 'SpecChanged',
  ...(attempts !== undefined && { attempts }),
})

describe('what a new process recalls from a status', () => {
  it('is nothing where there is none, or where all is well', () => {
    expect(restore(undefined, now)).toEqual({})
    expect(restore({ conditions: [condition('Ready', 'InSync')], lastUpdate: tried()! }, now)).toEqual({})
  })

  it('is how often the same difference was sent in vain', () => {
    const { tries, hold } = restore({ drift, lastUpdate: tried(2)! }, now)
    expect(tries).toEqual({ subject: driftKey(7, drift), count: 2 })
    expect(hold).toBeUndefined()
  })

  it('is a blown fuse, until an hour after the last update', () => {
    const status = { drift, conditions: [condition('Stalled', 'UpdateNotEffective')], lastUpdate: tried(3)! }
    expect(restore(status, now).hold).toEqual({ subject: driftKey(7, drift), until: now + 50 * minute })
  })

  it.each([
    ['Stalled' as const, 'RemoteRejected' as const, 'rejected', 60],
    ['Reconciling' as const, 'RemoteRejected' as const, 'operation', 10],
    ['Stalled' as const, 'PermissionDenied' as const, 'permission', 10],
    ['Stalled' as const, 'QuotaExceeded' as const, 'quota', 10],
  ])('is a refusal with its words: %s/%s', (type, reason, kind, minutes) => {
    expect(restore({ drift, conditions: [condition(type, reason)] }, now).hold).toEqual({
      subject: driftKey(7, drift),
      until: now + minutes * minute,
      failure: { kind, message: `because of ${reason}` },
    })
  })

  it.each(['Unreachable', 'CredentialsRejected', 'NotFound', 'UUIDConflict', 'InvalidSpec'] as const)(
    'is no hold for %s: ZStack has not refused an update',
    (reason) => {
      expect(restore({ drift, conditions: [condition('Stalled', reason)] }, now).hold).toBeUndefined()
    },
  )

  it('never holds for ever, whatever the time in a status that others wrote', () => {
    const lastUpdate = { ...tried(3)!, time: 'yesterday' }
    const { hold } = restore({ drift, conditions: [condition('Stalled', 'UpdateNotEffective')], lastUpdate }, now)
    expect(now < (hold?.until ?? 0)).toBe(false)
  })
})

describe('a subject', () => {
  it('is the same for the same difference at the same generation alone', () => {
    expect(isSame(driftKey(1, drift), driftKey(1, [...drift]))).toBe(true)
    expect(isSame(driftKey(1, drift), driftKey(2, drift))).toBe(false)
    expect(isSame(driftKey(1, drift), driftKey(1, [{ ...drift[0]!, live: '5' }]))).toBe(false)
    expect(isSame(undefined, driftKey(1, undefined))).toBe(false)
  })

  it('without drift is the same as one with none', () => {
    expect(isSame(driftKey(1, undefined), driftKey(1, []))).toBe(true)
  })
})

it('a refusal that time may cure stands for ten minutes, any other for an hour', () => {
  expect(refusalMs({ kind: 'quota', message: '' })).toBe(10 * minute)
  expect(refusalMs({ kind: 'rejected', message: '' })).toBe(60 * minute)
})
