import { describe, expect, it } from 'vitest'
import { reasons, type Reason, type ReasonRow } from '../../src/api/reasons.ts'
import type { Status } from '../../src/api/status.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { failurePolicy, type FailureKind } from '../../src/decide/failure.ts'
import type { Outcome } from '../../src/decide/outcome.ts'
import { statusAfter } from '../../src/decide/status.ts'
import { circumstances, compared, inSync, updated, uuid } from '../support/decide-inputs.ts'

const differing = compared({ requestCpu: 8 }, { requestCpu: 4 })
const equal = updated({ requestCpu: 8 }, { requestCpu: 8 }, ['requestCpu'])
const unsent = compared({ requestCpu: 8, serviceName: 'a' }, { requestCpu: 8 })

const failuresOf = (kind: FailureKind): Outcome[] =>
  [undefined, differing, equal].flatMap((comparison) =>
    [false, true].map((stale) => ({
      ...({ kind: 'failed', failure: { kind, message: `${kind} fails` }, stale } as const),
      ...(comparison && { comparison }),
    })),
  )

/** Each kind of outcome in each form in which a pass can end with it. */
const outcomes: Readonly<Record<Outcome['kind'], readonly Outcome[]>> = {
  initializing: [{ kind: 'initializing' }],
  invalid: [
    { kind: 'invalid', reason: 'InvalidSpec', issues: ['spec.name: no text'] },
    { kind: 'invalid', reason: 'UnknownPolicy', issues: ['spec.policy: unknown'] },
  ],
  unresolved: [{ kind: 'unresolved', issues: ['yamlFrom: there is no Secret x in namespace team'] }],
  conflict: [{ kind: 'conflict', uuid, winner: 'default/older' }],
  missing: [{ kind: 'missing', uuid }],
  inSync: [inSync()],
  drifted: [{ kind: 'drifted', comparison: differing, policy: 'Observe' }],
  suspended: [differing, unsent].map((comparison) => ({ kind: 'suspended', comparison })),
  updating: [differing, unsent].map((comparison) => ({ kind: 'updating', comparison })),
  awaitingJob: [differing, unsent, undefined].map((comparison) => ({
    ...({ kind: 'awaitingJob', afterMs: 200 } as const),
    ...(comparison && { comparison }),
  })),
  ineffective: [{ kind: 'ineffective', comparison: differing, retryInMs: 3_600_000 }],
  failed: (Object.keys(failurePolicy) as FailureKind[]).flatMap(failuresOf),
}

/** The statuses after each outcome of one pass, and after each two of two passes, the spec suspended or not. */
const passes = Object.values(outcomes)
  .flat()
  .flatMap((outcome) =>
    (outcome.kind === 'suspended' ? [true] : [true, false]).map((suspend) => ({ outcome, suspend })),
  )
const afterPass = (previous?: Status) =>
  passes.map(({ outcome, suspend }) => ({
    outcome,
    status: statusAfter(outcome, previous, circumstances({ suspension: suspend ? { kind: 'spec' } : undefined })),
  }))
const first = afterPass()
const all = [...first, ...first.flatMap(({ status }) => afterPass(status))].flatMap(({ outcome, status }) => {
  const ready = conditionOf(status, 'Ready')
  return ready ? [{ outcome, status, ready }] : []
})
const of = (reason: Reason) => all.filter(({ ready }) => ready.reason === reason)

describe('a reason of Ready', () => {
  it.each(Object.entries<ReasonRow>(reasons))('%s has each status that its row names, and no other', (reason, row) => {
    const statuses = new Set(of(reason as Reason).map(({ ready }) => ready.status))
    expect([...statuses].sort().join(' or ')).toBe(row.ready)
  })

  it.each(Object.entries<ReasonRow>(reasons))('%s comes with the progress that its row names', (reason, row) => {
    for (const { outcome, status, ready } of of(reason as Reason)) {
      // A wrong address or certificate shares its reason with outages, and needs a person all the same.
      const progress = /(wrongEndpoint|tls) fails$/.test(ready.message) ? 'Stalled' : row.progress
      const present = (['Reconciling', 'Stalled'] as const).filter((type) => conditionOf(status, type))
      expect(present, JSON.stringify({ outcome, conditions: status.conditions })).toEqual(progress ? [progress] : [])
    }
  })
})
