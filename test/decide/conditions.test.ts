import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Condition } from '../../src/api/status.ts'
import { reasons, type Reason } from '../../src/api/reasons.ts'
import { patchConditions, type ConditionPatch } from '../../src/decide/conditions.ts'

const monday = new Date('2026-01-05T10:00:00.123Z')
const tuesday = new Date('2026-01-06T10:00:00.456Z')
const mark = (
  type: ConditionPatch['type'],
  status: ConditionPatch['status'],
  reason: Reason,
  message = 'because',
): ConditionPatch => ({
  type,
  status,
  reason,
  message,
})
const apply = (marks: readonly ConditionPatch[], previous: readonly Condition[] = [], generation = 1, now = monday) =>
  patchConditions(previous, marks, { generation, now })
const find = (conditions: readonly Condition[], type: Condition['type']) =>
  conditions.find((condition) => condition.type === type)
const ready = (...marks: ConditionPatch[]) => {
  const { status, reason } = find(apply(marks), 'Ready')!
  return [status, reason]
}

const inSync = mark('Synced', 'True', 'InSync')
const drifted = mark('Synced', 'False', 'DriftDetected')

describe('Ready', () => {
  it('is Unknown while nothing was read', () => {
    expect(ready()).toEqual(['Unknown', 'Initializing'])
    expect(ready(mark('Synced', 'Unknown', 'Initializing'), mark('Reconciling', 'True', 'Initializing'))).toEqual([
      'Unknown',
      'Initializing',
    ])
  })

  it('is True in sync', () => {
    expect(ready(inSync)).toEqual(['True', 'InSync'])
  })

  it('is True with drift that the policy leaves', () => {
    expect(ready(drifted)).toEqual(['True', 'DriftDetected'])
  })

  it('is False while work is left, even on what cannot be read', () => {
    expect(ready(inSync, mark('Reconciling', 'True', 'Updating'))).toEqual(['False', 'Updating'])
  })

  it('is False where nothing goes on without a person, whatever was read', () => {
    expect(ready(inSync, mark('Stalled', 'True', 'PermissionDenied'))).toEqual(['False', 'PermissionDenied'])
    expect(ready(mark('Synced', 'Unknown', 'InvalidSpec'), mark('Stalled', 'True', 'InvalidSpec'))[0]).toBe('False')
  })

  it('is Unknown where the last read is too old', () => {
    expect(ready(mark('Synced', 'Unknown', 'ObservationStale'), mark('Reconciling', 'True', 'Unreachable'))).toEqual([
      'Unknown',
      'ObservationStale',
    ])
  })

  it('is Unknown while a suspension holds something back', () => {
    const at = { generation: 1, now: monday, suspendedWork: 'requestCpu: want 8, is 4' }
    expect(find(patchConditions([], [drifted], at), 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'Suspended',
      message: 'requestCpu: want 8, is 4',
    })
  })

  it('comes first, and is never taken from before', () => {
    const [first, ...others] = apply([drifted, mark('Stalled', 'True', 'NotFound')], apply([inSync]))
    expect(first).toMatchObject({ type: 'Ready', status: 'False' })
    expect(others.map(({ type }) => type)).not.toContain('Ready')
  })
})

describe('a condition', () => {
  it('keeps the time of its last flip through other reasons and messages', () => {
    const before = apply([mark('Synced', 'False', 'Updating')])
    const after = apply([mark('Synced', 'False', 'UpdateNotEffective', 'still')], before, 2, tuesday)
    expect(find(after, 'Synced')).toEqual({
      ...{ type: 'Synced', status: 'False', reason: 'UpdateNotEffective', message: 'still' },
      ...{ observedGeneration: 2, lastTransitionTime: '2026-01-05T10:00:00Z' },
    })
  })

  it('moves its time when its status flips', () => {
    const after = apply([inSync], apply([drifted]), 1, tuesday)
    expect(find(after, 'Synced')?.lastTransitionTime).toBe('2026-01-06T10:00:00Z')
  })

  it('of which nothing new is known stays as it was, with the generation it was judged by', () => {
    const before = apply([mark('Connected', 'True', 'InSync')], [], 1)
    const after = apply([mark('Stalled', 'True', 'InvalidSpec')], before, 2, tuesday)
    expect(find(after, 'Connected')).toEqual(find(before, 'Connected'))
    expect(find(after, 'Stalled')?.observedGeneration).toBe(2)
  })

  it.each(['Reconciling', 'Stalled', 'Suspended'] as const)('%s is gone as soon as it is not true', (type) => {
    const before = apply([inSync, mark(type, 'True', 'Suspended')])
    expect(find(before, type)).toBeDefined()
    expect(find(apply([inSync], before), type)).toBeUndefined()
  })

  it('of another author is left alone', () => {
    const foreign = { ...apply([inSync])[0]!, type: 'Audited' }
    expect(apply([drifted], [foreign], 5, tuesday)).toContainEqual(foreign)
  })
})

describe('conditions', () => {
  const types = ['Synced', 'Connected', 'Reconciling', 'Stalled', 'Suspended'] as const
  const marks = fc.uniqueArray(
    fc.record({
      type: fc.constantFrom(...types),
      status: fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const),
      reason: fc.constantFrom(...(Object.keys(reasons) as Reason[])),
      message: fc.constantFrom('', 'because'),
    }),
    { selector: ({ type }) => type },
  )

  it('put twice are the same: nothing is written at rest', () => {
    fc.assert(
      fc.property(marks, marks, (before, now) => {
        const once = apply(now, apply(before), 2, tuesday)
        expect(apply(now, once, 2, new Date('2027-01-01'))).toEqual(once)
      }),
      { seed: 20261123 },
    )
  })

  it('are one of each type', () => {
    fc.assert(
      fc.property(marks, marks, (before, now) => {
        const all = apply(now, apply(before)).map(({ type }) => type)
        expect(all).toEqual([...new Set(all)])
      }),
      { seed: 20261123 },
    )
  })
})
