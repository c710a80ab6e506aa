import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/api/status.ts'
import type { Failure, FailureKind } from '../../src/decide/failure.ts'
import type { Outcome } from '../../src/decide/outcome.ts'
import { conditionOf, hashesIn, statusAfter } from '../../src/decide/status.ts'
import { circumstances, compared, inSync, updated, uuid } from '../support/decide-inputs.ts'

const later = new Date('2026-03-01T00:00:00Z')
const failure = (kind: FailureKind, message = 'it fails'): Failure => ({ kind, message })
const failing = (kind: FailureKind, rest: Partial<Outcome & { kind: 'failed' }> = {}): Outcome => ({
  kind: 'failed',
  failure: failure(kind),
  stale: false,
  ...rest,
})
const reported = (outcome: Outcome, previous?: Status, at = circumstances()) => statusAfter(outcome, previous, at)
const said = (status: Status) =>
  Object.fromEntries((status.conditions ?? []).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]))

const different = compared({ requestCpu: 8, type: 'App' }, { requestCpu: 4, type: 'App' })
const hidden = compared({ serviceName: 'main' }, {})

describe('what was converged', () => {
  const at = circumstances({ generation: 2 })

  it('is the generation that was read equal with nothing left to send', () => {
    expect(reported(inSync(), undefined, at).convergedGeneration).toBe(2)
  })

  it.each<[string, Outcome]>([
    ['a write-only value is on its way', { kind: 'updating', seen: hidden }],
    ['a job is to carry it', { kind: 'awaitingJob', seen: hidden, afterMs: 1 }],
    ['a suspension holds a write-only value back', { kind: 'suspended', seen: hidden }],
    ['a write-only value was refused', failing('rejected', { seen: hidden })],
    ['the equal read is too old', failing('credentials', { stale: true, seen: compared({}, {}) })],
    ['something differs', { kind: 'drifted', seen: different, policy: 'Observe' }],
    ['ZStack has no such service', { kind: 'missing', uuid }],
  ])('stays the generation before where %s', (_, outcome) => {
    expect(reported(outcome, { convergedGeneration: 1 }, at).convergedGeneration).toBe(1)
  })
})

describe('what a status keeps of the one before', () => {
  const before = reported(
    {
      kind: 'drifted',
      seen: compared({ requestCpu: 8, serviceName: 'main' }, { requestCpu: 4, name: 'llm' }),
      policy: 'Observe',
    },
    { writeOnlyHashes: { serviceName: 'abc' } },
  )

  it('is the comparison, as long as it speaks of this spec', () => {
    expect(reported(failing('sessions'), before)).toMatchObject({
      drift: before.drift,
      unverifiableFields: ['serviceName'],
    })
    const edited = reported(failing('sessions'), before, circumstances({ generation: 2 }))
    expect(edited).not.toHaveProperty('drift')
    expect(edited).not.toHaveProperty('unverifiableFields')
    expect(edited.live).toEqual({ name: 'llm', requestCpu: 4 })
  })

  it.each<Outcome>([
    { kind: 'missing', uuid },
    { kind: 'conflict', uuid, winner: 'default/older' },
  ])('is nothing of what a service was like of which it knows nothing: $kind', (outcome) => {
    const status = reported(outcome, before)
    for (const part of ['drift', 'live', 'unverifiableFields']) expect(status).not.toHaveProperty(part)
  })

  it('is every hash where nothing was compared, save of what a service never showed that is gone', () => {
    const { accepted } = updated(
      { serviceName: 'main', requestCpu: 4, yaml: 'a: 1' },
      { requestCpu: 4, yaml: 'a: 1' },
      ['serviceName'],
    ).assessment
    const settled = reported(
      inSync({ serviceName: 'main', requestCpu: 4, yaml: 'a: 1' }, { requestCpu: 4, yaml: 'a: 1' }),
    )
    expect(hashesIn(settled)).toEqual(accepted)
    expect(Object.keys(settled.writeOnlyHashes ?? {}).sort()).toEqual(['serviceName', 'yaml'])
    const at = circumstances({ generation: 2 })
    expect(hashesIn(reported(failing('sessions'), settled, at))).toEqual(accepted)
    const gone = hashesIn(reported({ kind: 'missing', uuid }, settled, at))
    expect({ serviceName: accepted.serviceName, ...gone }).toEqual(accepted)
    expect(gone).not.toHaveProperty('serviceName')
  })

  it('is the token of the last request', () => {
    const handled = reported(inSync(), undefined, circumstances({ handled: 'now' }))
    expect(reported(inSync(), handled).lastHandledReconcileAt).toBe('now')
  })
})

describe('the last update', () => {
  const update = { fields: ['requestCpu'], cause: 'SpecChanged', attempts: 0 } as const

  it('has time, generation, fields and cause', () => {
    expect(reported(inSync(), undefined, circumstances({ generation: 3, update })).lastUpdate).toEqual({
      time: '2026-01-01T00:00:00Z',
      generation: 3,
      fields: ['requestCpu'],
      cause: 'SpecChanged',
    })
  })

  it('counts its tries until a read proves it effective', () => {
    const tried = circumstances({ update: { ...update, attempts: 2 } })
    const pending = reported({ kind: 'updating', seen: different }, undefined, tried)
    expect(pending.lastUpdate?.attempts).toBe(2)
    expect(reported(failing('unavailable', { seen: different }), pending).lastUpdate?.attempts).toBe(2)
    expect(reported(inSync(), pending).lastUpdate).not.toHaveProperty('attempts')
  })
})

describe('a short outage', () => {
  const atRest = [
    ['in sync', inSync()],
    ['drifted as the policy allows', { kind: 'drifted', seen: different, policy: 'Observe' }],
    ['suspended', { kind: 'suspended', seen: different }],
  ] as const satisfies [string, Outcome][]

  it.each(atRest)('changes nothing of an object %s', (_, outcome) => {
    const before = reported(outcome)
    for (const kind of ['unavailable', 'protocol', 'session', 'endpoint'] as const)
      expect(reported(failing(kind), before, circumstances({ now: later }))).toBe(before)
  })

  it.each<[string, Outcome]>([
    ['with an update on its way', { kind: 'updating', seen: different }],
    ['with a write-only value on its way', { kind: 'updating', seen: hidden }],
    ['with a write-only value refused', failing('permission', { seen: hidden })],
    ['that was not read before', { kind: 'initializing' }],
  ])('shows at once at an object %s', (_, outcome) => {
    expect(conditionOf(reported(failing('unavailable'), reported(outcome)), 'Ready')?.reason).toBe('Unreachable')
  })

  it('shows at once at an object that was edited', () => {
    const status = reported(failing('unavailable'), reported(inSync()), circumstances({ generation: 2 }))
    expect(conditionOf(status, 'Ready')).toMatchObject({ reason: 'Unreachable', observedGeneration: 2 })
  })

  it('shows at once at an object that is found different and cannot be put right', () => {
    const status = reported(failing('unavailable', { seen: different }), reported(inSync()))
    expect(said(status)).toMatchObject({ Ready: 'False Unreachable', Synced: 'False Unreachable' })
  })

  it('shows where a person asked to look', () => {
    const status = reported(failing('unavailable'), reported(inSync()), circumstances({ handled: 'now' }))
    expect(status.lastHandledReconcileAt).toBe('now')
    expect(said(status)).toMatchObject({ Connected: 'False Unreachable' })
  })

  it('that lasts makes the observation stale', () => {
    const status = reported(failing('unavailable', { stale: true }), reported(inSync()))
    expect(said(status)).toMatchObject({ Ready: 'Unknown ObservationStale', Synced: 'Unknown ObservationStale' })
  })

  it('is none where the credentials are refused: that will not pass by itself', () => {
    expect(said(reported(failing('credentials'), reported(inSync())))).toMatchObject({
      Ready: 'False CredentialsRejected',
    })
  })
})
