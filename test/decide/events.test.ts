import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/api/status.ts'
import type { FailureKind } from '../../src/decide/failure.ts'
import { eventsBetween } from '../../src/decide/events.ts'
import type { Outcome, Update } from '../../src/decide/outcome.ts'
import { statusAfter, type StatusContext } from '../../src/decide/status.ts'
import { circumstances, compared, inSync, uuid } from '../support/decide-inputs.ts'

const different = compared({ requestCpu: 8 }, { requestCpu: 4 })
const reported = (outcome: Outcome, previous?: Status, modifiers: Partial<StatusContext> = {}) =>
  statusAfter(outcome, previous, circumstances(modifiers))
/** An update that ZStack accepted; `attempts` in a row were without effect. */
const updated = (attempts = 0, modifiers: Partial<Update> = {}): Pick<StatusContext, 'update' | 'hold'> => ({
  update: { fields: ['requestCpu', 'serviceName'], cause: 'SpecChanged', ...modifiers },
  ...(attempts > 0 && {
    hold: { reason: 'UpdateNotEffective', generation: 1, until: '2026-01-01T00:00:00Z', attempts },
  }),
})
const recorded = (before: Status | undefined, after: Status) =>
  eventsBetween(before, after, []).map(({ type, reason }) => `${type} ${reason}`)
const failing = (kind: FailureKind): Outcome => ({
  kind: 'failed',
  failure: { kind, message: 'it fails' },
  comparison: different,
  stale: false,
})

const drifted: Outcome = { kind: 'drifted', comparison: different, policy: 'Observe' }
const settled = reported(inSync())

describe('an update', () => {
  it('that is read back is recorded with both values, hidden ones by name alone', () => {
    const after = reported(inSync(), undefined, updated())
    expect(eventsBetween(undefined, after, different.assessment.differences)).toEqual([
      { type: 'Normal', reason: 'Updated', message: 'requestCpu 4 → 8, serviceName (as the spec declares)' },
    ])
  })

  it('of images is recorded with the parts of them that are declared', () => {
    const { assessment } = compared(
      { architectureImages: [{ cpuArchitecture: 'x86_64', name: 'a' }] },
      { architectureImages: [{ cpuArchitecture: 'x86_64', name: 'b', dockerImage: 'registry.example/i:1' }] },
    )
    const after = reported(inSync(), undefined, updated(0, { fields: ['architectureImages'] }))
    const [live, desired] = ['b', 'a'].map((name) => `[{"cpuArchitecture":"x86_64","name":"${name}"}]`)
    expect(eventsBetween(undefined, after, assessment.differences)).toEqual([
      { type: 'Normal', reason: 'Updated', message: `architectureImages ${live} → ${desired} (as the spec declares)` },
    ])
  })

  it.each([
    ['DriftCorrected', 'requestCpu (drift put back)'],
    ['Requested', 'requestCpu (as requested)'],
  ] as const)('says why: %s', (cause, message) => {
    const after = reported(inSync(), undefined, updated(0, { cause, fields: ['requestCpu'] }))
    expect(eventsBetween(undefined, after, [])).toEqual([{ type: 'Normal', reason: 'Updated', message }])
  })

  it('that puts drift back is recorded though it comes in the second of the update before', () => {
    const before = reported(inSync(), undefined, updated(0, { fields: ['requestCpu'] }))
    const after = reported(inSync(), before, updated(0, { fields: ['requestCpu'], cause: 'DriftCorrected' }))
    expect(eventsBetween(before, after, []).map(({ message }) => message)).toEqual(['requestCpu (drift put back)'])
  })

  it('is recorded once', () => {
    const after = reported(inSync(), undefined, updated())
    expect(recorded(after, reported(inSync(), after))).toEqual([])
  })

  it('without effect is not recorded, and when a later read shows the effect it is', () => {
    const tried = reported({ kind: 'updating', comparison: different }, settled, updated(1))
    expect(recorded(settled, tried)).toEqual([])
    expect(recorded(tried, reported(inSync(), tried))).toEqual(['Normal Updated'])
  })

  it('without effect that an edit made needless is not recorded', () => {
    const tried = reported({ kind: 'updating', comparison: different }, settled, updated(1))
    expect(recorded(tried, reported(inSync(), tried, { generation: 2 }))).toEqual([])
  })

  it('of a new generation is recorded even in the same second', () => {
    const first = reported(inSync(), undefined, updated())
    expect(recorded(first, reported(inSync(), first, { generation: 2, ...updated() }))).toEqual(['Normal Updated'])
  })
})

describe('trouble', () => {
  it.each<[string, Outcome]>([
    ['DriftDetected', drifted],
    ['UpdateNotEffective', { kind: 'ineffective', comparison: different, retryInMs: 1 }],
    ['InvalidSpec', { kind: 'invalid', reason: 'InvalidSpec', issues: ['spec.name: no text'] }],
    ['UnknownPolicy', { kind: 'invalid', reason: 'UnknownPolicy', issues: ['spec.policy: unknown'] }],
    ['NotFound', { kind: 'missing', uuid }],
    ['UUIDConflict', { kind: 'conflict', uuid, winner: 'default/older' }],
    ['RemoteRejected', failing('rejected')],
    ['PermissionDenied', failing('permission')],
    ['QuotaExceeded', failing('quota')],
  ])('%s of the object is recorded as it comes, is not repeated, and its end is recorded', (reason, outcome) => {
    const trouble = reported(outcome, settled)
    expect(recorded(settled, trouble)).toEqual([`Warning ${reason}`])
    expect(recorded(trouble, reported(outcome, trouble))).toEqual([])
    const [recovered] = eventsBetween(trouble, reported(inSync(), trouble), [])
    expect(recovered).toMatchObject({ type: 'Normal', reason: 'Recovered' })
    expect(recovered?.message).toMatch(new RegExp(`; before: ${reason}$`))
  })

  it.each<FailureKind>([
    'unavailable',
    'credentials',
    'sessionLimit',
    'noCredentials',
    'noConnection',
    'wrongEndpoint',
    'clockSkew',
  ])('of the whole connection (%s) is not recorded for every object', (kind) => {
    expect(recorded(settled, reported(failing(kind), settled))).toEqual([])
  })

  it('of one kind that becomes another is recorded again', () => {
    expect(recorded(reported(drifted), reported({ kind: 'missing', uuid }, reported(drifted)))).toEqual([
      'Warning NotFound',
    ])
  })
})

describe('other news', () => {
  it('the first status of an object in sync is none', () => {
    expect(recorded(undefined, settled)).toEqual([])
  })

  it('a suspension is recorded at its beginning and at its end', () => {
    const suspended = reported({ kind: 'suspended', comparison: different }, settled, {
      generation: 2,
      suspension: { kind: 'spec' },
    })
    expect(recorded(settled, suspended)).toEqual(['Normal Suspended'])
    expect(recorded(suspended, reported(inSync(), suspended, { generation: 3 }))).toEqual(['Normal Resumed'])
  })

  it('a request is recorded as dealt with, once per token', () => {
    const handled = reported(inSync(), settled, { handled: 'one' })
    expect(recorded(settled, handled)).toEqual(['Normal ReconcileRequestHandled'])
    expect(recorded(handled, reported(inSync(), handled))).toEqual([])
    expect(recorded(handled, reported(inSync(), handled, { handled: 'two' }))).toEqual([
      'Normal ReconcileRequestHandled',
    ])
  })
})
