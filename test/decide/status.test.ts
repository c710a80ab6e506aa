import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/api/status.ts'
import type { Failure, FailureKind } from '../../src/decide/failure.ts'
import type { Outcome } from '../../src/decide/outcome.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { statusAfter } from '../../src/decide/status.ts'
import { circumstances, compared, endpoint, inSync, uuid } from '../support/decide-inputs.ts'

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
const messageOf = (status: Status, type: 'Ready' | 'Synced' | 'Suspended') => conditionOf(status, type)?.message

const different = compared({ requestCpu: 8, type: 'App' }, { requestCpu: 4, type: 'App' })
const hidden = compared({ serviceName: 'main' }, {})

describe('conditions by outcome', () => {
  it.each<[string, Outcome, object]>([
    [
      'an object that is new',
      { kind: 'initializing' },
      { Ready: 'Unknown Initializing', Synced: 'Unknown Initializing', Reconciling: 'True Initializing' },
    ],
    [
      'a spec that is invalid',
      { kind: 'invalid', reason: 'InvalidSpec', issues: ['spec.name: no text'] },
      { Ready: 'False InvalidSpec', Synced: 'Unknown InvalidSpec', Stalled: 'True InvalidSpec' },
    ],
    [
      'an object that lost a conflict',
      { kind: 'conflict', uuid, winner: 'default/older' },
      { Ready: 'False UUIDConflict', Synced: 'Unknown UUIDConflict', Stalled: 'True UUIDConflict' },
    ],
    [
      'a service that is missing',
      { kind: 'missing', uuid },
      { Ready: 'False NotFound', Connected: 'True InSync', Synced: 'False NotFound', Stalled: 'True NotFound' },
    ],
    ['a service in sync', inSync(), { Ready: 'True InSync', Connected: 'True InSync', Synced: 'True InSync' }],
    [
      'drift that the policy leaves',
      { kind: 'drifted', comparison: different, policy: 'Observe' },
      { Ready: 'True DriftDetected', Connected: 'True InSync', Synced: 'False DriftDetected' },
    ],
    [
      'an update on its way',
      { kind: 'updating', comparison: different },
      { Ready: 'False Updating', Connected: 'True InSync', Synced: 'False Updating', Reconciling: 'True Updating' },
    ],
    [
      'an update of what cannot be read',
      { kind: 'updating', comparison: hidden },
      { Ready: 'False Updating', Connected: 'True InSync', Synced: 'True InSync', Reconciling: 'True Updating' },
    ],
    [
      'a job that runs',
      { kind: 'awaitingJob', comparison: different, afterMs: 1 },
      {
        ...{ Ready: 'False AwaitingJob', Connected: 'True InSync' },
        ...{ Synced: 'False AwaitingJob', Reconciling: 'True AwaitingJob' },
      },
    ],
    [
      'updates without effect',
      { kind: 'ineffective', comparison: different, retryInMs: 1 },
      {
        ...{ Ready: 'False UpdateNotEffective', Connected: 'True InSync' },
        ...{ Synced: 'False UpdateNotEffective', Stalled: 'True UpdateNotEffective' },
      },
    ],
    [
      'a refusal',
      failing('rejected', { comparison: different }),
      {
        ...{ Ready: 'False RemoteRejected', Connected: 'True InSync' },
        ...{ Synced: 'False RemoteRejected', Stalled: 'True RemoteRejected' },
      },
    ],
    [
      'silence of ZStack at the first look',
      failing('unavailable'),
      {
        ...{ Ready: 'Unknown Unreachable', Connected: 'False Unreachable' },
        ...{ Synced: 'Unknown Unreachable', Reconciling: 'True Unreachable' },
      },
    ],
    [
      'silence of ZStack at an update',
      failing('unavailable', { comparison: different }),
      {
        ...{ Ready: 'False Unreachable', Connected: 'False Unreachable' },
        ...{ Synced: 'False Unreachable', Reconciling: 'True Unreachable' },
      },
    ],
    [
      'refused credentials, with a read still good',
      failing('credentials', { comparison: compared({ requestCpu: 4 }, { requestCpu: 4 }) }),
      {
        ...{ Ready: 'False CredentialsRejected', Connected: 'False CredentialsRejected' },
        ...{ Synced: 'True InSync', Stalled: 'True CredentialsRejected' },
      },
    ],
    [
      'silence for too long',
      failing('unavailable', { stale: true, comparison: different }),
      {
        ...{ Ready: 'Unknown ObservationStale', Connected: 'False Unreachable' },
        ...{ Synced: 'Unknown ObservationStale', Reconciling: 'True Unreachable' },
      },
    ],
  ])('%s', (_, outcome, expected) => {
    expect(said(reported(outcome))).toEqual(expected)
  })

  it('a suspension that holds something back', () => {
    const status = reported(
      { kind: 'suspended', comparison: different },
      undefined,
      circumstances({ suspension: { kind: 'spec' } }),
    )
    expect(said(status)).toEqual({
      Ready: 'Unknown Suspended',
      Connected: 'True InSync',
      Synced: 'False DriftDetected',
      Suspended: 'True Suspended',
    })
    expect(messageOf(status, 'Ready')).toBe('requestCpu: want 8, is 4; waits for the suspension to end')
  })

  it('a suspension that holds nothing back', () => {
    expect(said(reported(inSync(), undefined, circumstances({ suspension: { kind: 'spec' } })))).toMatchObject({
      Ready: 'True InSync',
      Suspended: 'True Suspended',
    })
  })
})

describe('a message', () => {
  it.each<[string, Outcome, string]>([
    ['of a difference names it', { kind: 'updating', comparison: different }, 'requestCpu: want 8, is 4'],
    [
      'of drift tells why it stays',
      { kind: 'drifted', comparison: different, policy: 'ApplyChanges' },
      'requestCpu: want 8, is 4; policy ApplyChanges leaves it',
    ],
    [
      'in sync says what was not read',
      inSync({ serviceName: 'main', requestCpu: 4 }, { requestCpu: 4 }),
      'ZStack shows every declared field as declared, save what it never shows: serviceName',
    ],
    [
      'of a missing service says where to look',
      { kind: 'missing', uuid },
      `ZStack at ${endpoint} shows this account no model service ${uuid}; check spec.uuid and the account`,
    ],
    [
      'of a conflict names the winner',
      { kind: 'conflict', uuid, winner: 'prod/llm' },
      `ModelService prod/llm is older and speaks for ${uuid}; delete one of the two`,
    ],
    [
      'of a request does not speak of nothing',
      { kind: 'updating', comparison: compared({}, {}) },
      'what ZStack does not show is sent again, as requested',
    ],
  ])('%s', (_, outcome, message) => {
    expect(messageOf(reported(outcome), outcome.kind === 'updating' ? 'Ready' : 'Synced')).toBe(message)
  })

  it('is cut where it is long, and never in half a character', () => {
    const issues = [`${'x'.repeat(1022)}😀😀`]
    const message = messageOf(reported({ kind: 'invalid', reason: 'InvalidSpec', issues }), 'Ready') ?? ''
    expect(message).toHaveLength(1024)
    expect(message.isWellFormed()).toBe(true)
  })
})
