import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { requeueAfter, type Outcome } from '../../src/decide/outcome.ts'
import { limits } from '../../src/limits.ts'
import type { FailureKind } from '../../src/decide/failure.ts'
import { outcomes } from '../support/arbitrary.ts'
import { compared, inSync, uuid } from '../support/decide-inputs.ts'

const { ineffectiveRetryMs, slowRetryMs } = limits
const seen = compared({ requestCpu: 8 }, { requestCpu: 4 })
const failedBy = (kind: FailureKind, retryInMs?: number): Outcome => ({
  kind: 'failed',
  failure: { kind, message: 'it fails' },
  stale: false,
  ...(retryInMs !== undefined && { retryInMs }),
})

describe('the next look', () => {
  it.each<[string, Outcome]>([
    ['in sync', inSync()],
    ['drifted as the policy allows', { kind: 'drifted', comparison: seen, policy: 'Observe' }],
    ['suspended', { kind: 'suspended', comparison: seen }],
    ['invalid', { kind: 'invalid', reason: 'InvalidSpec', issues: [] }],
    ['in conflict', { kind: 'conflict', uuid, winner: 'default/older' }],
    ['not in ZStack', { kind: 'missing', uuid }],
    ['without usable credentials: the connection wakes it', failedBy('credentials')],
    ['without a Secret', failedBy('noCredentials')],
    ['without a connection', failedBy('noConnection')],
  ])('at an object %s waits for a change, or for the poll', (_, outcome) => {
    expect(requeueAfter(outcome)).toEqual({ kind: 'awaitChange' })
  })

  it.each<[string, Outcome]>([
    ['an update is not read back yet', { kind: 'updating', comparison: seen }],
    ['ZStack does not answer', failedBy('unavailable')],
    ['ZStack answers nonsense', failedBy('protocol')],
    ['the session is gone', failedBy('sessionLost')],
    ['the address is wrong', failedBy('wrongEndpoint')],
  ])('backs off where %s', (_, outcome) => {
    expect(requeueAfter(outcome)).toEqual({ kind: 'backOff' })
  })

  it.each<[string, Outcome, number]>([
    [
      'updates up to the limit were without effect',
      { kind: 'ineffective', comparison: seen, retryInMs: ineffectiveRetryMs },
      ineffectiveRetryMs,
    ],
    ['ZStack refuses the update', failedBy('rejected'), ineffectiveRetryMs],
    ['part of the hour has passed', failedBy('rejected', 5_000), 5_000],
    ['ZStack could not carry it out', failedBy('operation'), slowRetryMs],
    ['the account may not', failedBy('permission'), slowRetryMs],
    ['the quota is used up', failedBy('quota'), slowRetryMs],
    ['there is no session left', failedBy('sessionLimit'), slowRetryMs],
    ['the clocks differ', failedBy('clockSkew'), slowRetryMs],
  ])('comes at its time where %s', (_, outcome, ms) => {
    expect(requeueAfter(outcome)).toEqual({ kind: 'after', ms })
  })

  it('comes soon while a job runs, which is no success yet', () => {
    expect(requeueAfter({ kind: 'awaitingJob', comparison: seen, afterMs: 320 })).toEqual({
      kind: 'after',
      ms: 320,
      keepsBackoff: true,
    })
  })

  it('is known for every outcome', () => {
    fc.assert(
      fc.property(outcomes, (outcome) => {
        const { kind, ...rest } = requeueAfter(outcome)
        const midway = outcome.kind === 'awaitingJob' && { keepsBackoff: true }
        expect(rest).toEqual(kind === 'after' ? { ms: expect.any(Number) as number, ...midway } : {})
      }),
      { seed: 20261123 },
    )
  })
})
