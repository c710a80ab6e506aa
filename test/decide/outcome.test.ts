import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hour, next, slowly, type Outcome } from '../../src/decide/outcome.ts'
import type { FailureKind } from '../../src/decide/failure.ts'
import { outcomes } from '../support/arbitrary.ts'
import { compared, inSync, uuid } from '../support/decide-inputs.ts'

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
    ['drifted as the policy allows', { kind: 'drifted', seen, policy: 'Observe' }],
    ['suspended', { kind: 'suspended', seen }],
    ['invalid', { kind: 'invalid', reason: 'InvalidSpec', issues: [] }],
    ['in conflict', { kind: 'conflict', uuid, winner: 'default/older' }],
    ['not in ZStack', { kind: 'missing', uuid }],
    ['without usable credentials: the connection wakes it', failedBy('credentials')],
    ['without a Secret', failedBy('secret')],
    ['without a connection', failedBy('connection')],
  ])('at an object %s waits for a change, or for the poll', (_, outcome) => {
    expect(next(outcome)).toEqual({ kind: 'awaitChange' })
  })

  it.each<[string, Outcome]>([
    ['an update is not read back yet', { kind: 'updating', seen }],
    ['ZStack does not answer', failedBy('unavailable')],
    ['ZStack answers nonsense', failedBy('protocol')],
    ['the session is gone', failedBy('session')],
    ['the address is wrong', failedBy('endpoint')],
  ])('backs off where %s', (_, outcome) => {
    expect(next(outcome)).toEqual({ kind: 'backOff' })
  })

  it.each<[string, Outcome, number]>([
    ['the fuse has blown', { kind: 'ineffective', seen, retryInMs: hour }, hour],
    ['ZStack refuses the update', failedBy('rejected'), hour],
    ['part of the hour has passed', failedBy('rejected', 5_000), 5_000],
    ['ZStack could not carry it out', failedBy('operation'), slowly],
    ['the account may not', failedBy('permission'), slowly],
    ['the quota is used up', failedBy('quota'), slowly],
    ['there is no session left', failedBy('sessions'), slowly],
    ['the clocks differ', failedBy('clock'), slowly],
  ])('comes at its time where %s', (_, outcome, ms) => {
    expect(next(outcome)).toEqual({ kind: 'after', ms })
  })

  it('comes soon while a job runs, which is no success yet', () => {
    expect(next({ kind: 'awaitingJob', seen, afterMs: 320 })).toEqual({ kind: 'after', ms: 320, isMidway: true })
  })

  it('is told for every outcome', () => {
    fc.assert(
      fc.property(outcomes, (outcome) => {
        const { kind, ...rest } = next(outcome)
        const midway = outcome.kind === 'awaitingJob' && { isMidway: true }
        expect(rest).toEqual(kind === 'after' ? { ms: expect.any(Number) as number, ...midway } : {})
      }),
      { seed: 20261123 },
    )
  })
})
