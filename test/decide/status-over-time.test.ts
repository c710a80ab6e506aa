import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/api/status.ts'
import type { Failure, FailureKind } from '../../src/decide/failure.ts'
import type { Outcome } from '../../src/decide/outcome.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { hashesIn, statusAfter, statusAt } from '../../src/decide/status.ts'
import { circumstances, compared, inSync, updated, uuid, endpoint } from '../support/decide-inputs.ts'

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
    ['a write-only value is on its way', { kind: 'updating', comparison: hidden }],
    ['a job is to carry it', { kind: 'awaitingJob', comparison: hidden, afterMs: 1 }],
    ['a suspension holds a write-only value back', { kind: 'suspended', comparison: hidden }],
    ['a write-only value was refused', failing('rejected', { comparison: hidden })],
    ['the equal read is too old', failing('credentials', { stale: true, comparison: compared({}, {}) })],
    ['something differs', { kind: 'drifted', comparison: different, policy: 'Observe' }],
    ['ZStack has no such service', { kind: 'missing', uuid }],
  ])('stays the generation before where %s', (_, outcome) => {
    expect(reported(outcome, { convergedGeneration: 1 }, at).convergedGeneration).toBe(1)
  })
})

describe('what a status keeps of the one before', () => {
  const before = reported(
    {
      kind: 'drifted',
      comparison: compared({ requestCpu: 8, serviceName: 'main' }, { requestCpu: 4, name: 'llm' }),
      policy: 'Observe',
    },
    { fieldHashes: { serviceName: 'abc' } },
  )

  it('is the comparison, as long as it speaks of this spec', () => {
    expect(reported(failing('sessionLimit'), before)).toMatchObject({
      drift: before.drift,
      unverifiableFields: ['serviceName'],
    })
    const edited = reported(failing('sessionLimit'), before, circumstances({ generation: 2 }))
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
    expect(Object.keys(hashesIn(settled)).sort()).toEqual(['requestCpu', 'serviceName', 'yaml'])
    const at = circumstances({ generation: 2 })
    expect(hashesIn(reported(failing('sessionLimit'), settled, at))).toEqual(accepted)
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
  const update = { fields: ['requestCpu'], cause: 'SpecChanged' } as const

  it('has time, generation, fields and cause', () => {
    expect(reported(inSync(), undefined, circumstances({ generation: 3, update })).lastUpdate).toEqual({
      time: '2026-01-01T00:00:00Z',
      generation: 3,
      fields: ['requestCpu'],
      cause: 'SpecChanged',
    })
  })
})

describe('what the next process must know', () => {
  const hold = { reason: 'UpdateNotEffective', generation: 1, until: '2026-01-01T01:00:00Z', attempts: 3 } as const
  const job = { uuid: 'a'.repeat(32), since: '2026-01-01T00:00:00Z', generation: 1 }

  it('is there while it holds, and gone with it', () => {
    const held = reported(
      { kind: 'ineffective', comparison: different, retryInMs: 1 },
      undefined,
      circumstances({ hold }),
    )
    expect(held.hold).toEqual(hold)
    expect(reported(inSync(), held)).not.toHaveProperty('hold')
    const busy = reported({ kind: 'awaitingJob', comparison: different, afterMs: 1 }, undefined, circumstances({ job }))
    expect(busy.job).toEqual(job)
    expect(reported(inSync(), busy)).not.toHaveProperty('job')
  })

  it('a job that a former process began leaves everything else as it stands', () => {
    const busy = reported({ kind: 'awaitingJob', comparison: different, afterMs: 1 }, undefined, circumstances({ job }))
    expect(reported({ kind: 'awaitingJob', afterMs: 1 }, busy, circumstances({ job }))).toEqual(busy)
  })

  it('names the connection, and nothing of a status of another endpoint counts', () => {
    const status = reported(inSync())
    expect(status.connection).toEqual({ kind: 'Environment', name: 'default', endpoint })
    expect(statusAt(endpoint, status)).toBe(status)
    expect(statusAt('http://other.example:8080/zstack', status)).toBeUndefined()
  })
})

describe('a short outage', () => {
  const atRest = [
    ['in sync', inSync()],
    ['drifted as the policy allows', { kind: 'drifted', comparison: different, policy: 'Observe' }],
    ['suspended', { kind: 'suspended', comparison: different }],
  ] as const satisfies [string, Outcome][]

  it.each(atRest)('changes nothing of an object %s', (_, outcome) => {
    const before = reported(outcome)
    for (const kind of ['unavailable', 'protocol', 'sessionLost', 'wrongEndpoint'] as const)
      expect(reported(failing(kind), before, circumstances({ now: later }))).toBe(before)
  })

  it.each<[string, Outcome]>([
    ['with an update on its way', { kind: 'updating', comparison: different }],
    ['with a write-only value on its way', { kind: 'updating', comparison: hidden }],
    ['with a write-only value refused', failing('permission', { comparison: hidden })],
    ['that was not read before', { kind: 'initializing' }],
  ])('shows at once at an object %s', (_, outcome) => {
    expect(conditionOf(reported(failing('unavailable'), reported(outcome)), 'Ready')?.reason).toBe('Unreachable')
  })

  it('shows at once at an object that was edited', () => {
    const status = reported(failing('unavailable'), reported(inSync()), circumstances({ generation: 2 }))
    expect(conditionOf(status, 'Ready')).toMatchObject({ reason: 'Unreachable', observedGeneration: 2 })
  })

  it('shows at once at an object that is found different and cannot be put right', () => {
    const status = reported(failing('unavailable', { comparison: different }), reported(inSync()))
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
