import { describe, expect, it } from 'vitest'
import {
  brokenScopes,
  liveness,
  readiness,
  type ReadinessState,
  type LivenessState,
} from '../../src/telemetry/health.ts'

const well: LivenessState = { watchSilentMs: () => 130_000, loopLagMs: () => 40 }

describe('liveness', () => {
  it('has nothing to say of a process that is well, idle watches included', () => {
    expect(liveness(well)()).toEqual([])
  })

  it.each([
    ['watchSilentMs', 300_000, /^a watch on ModelServices stalls: .* for 301 s \(limit 300 s\)$/],
    ['loopLagMs', 5_000, /^the event loop was blocked for 6 s \(limit 5 s\)$/],
  ] as const)('fails where %s is beyond %i, and says so', (vital, limit, sentence) => {
    expect(liveness({ ...well, [vital]: () => limit })()).toEqual([])
    expect(liveness({ ...well, [vital]: () => limit + 1_000 })()).toEqual([expect.stringMatching(sentence)])
  })

  it('tells all that is wrong at once', () => {
    const long = () => 400_000
    expect(liveness({ watchSilentMs: long, loopLagMs: long })()).toHaveLength(2)
  })
})

describe('readiness', () => {
  type Progress = Exclude<keyof ReadinessState, 'leaseProblem' | 'connectionProblems'>
  type Facts = Partial<Record<Progress, boolean>> & { leaseProblem?: string; connectionProblems?: readonly string[] }
  const judge = ({ leaseProblem, connectionProblems = [], ...progress }: Facts) => {
    const is = (name: keyof typeof progress) => () => progress[name] ?? false
    return readiness({
      hasListed: is('hasListed'),
      isLeader: is('isLeader'),
      leaseProblem: () => leaseProblem,
      connectionProblems: () => connectionProblems,
      hasPolled: is('hasPolled'),
      isStopping: is('isStopping'),
    })()
  }

  it.each([
    ['of a leader that has listed and polled', { hasListed: true, isLeader: true, hasPolled: true }],
    ['of one that stands by and has listed', { hasListed: true }],
    [
      'of a leader, whatever was wrong with the lease before',
      { hasListed: true, isLeader: true, hasPolled: true, leaseProblem: 'no right to the lease' },
    ],
  ])('is there %s', (_, progress) => {
    expect(judge(progress)).toEqual([])
  })

  it.each([
    ['ModelServices are not listed yet', {}],
    ['ModelServices are not listed yet', { isLeader: true, hasPolled: true }],
    ['this is the leader, and it has not polled ZStack yet', { hasListed: true, isLeader: true }],
    ['no right to the lease', { hasListed: true, leaseProblem: 'no right to the lease' }],
    ['correct it', { hasListed: true, connectionProblems: ['correct it'] }],
    ['correct it', { hasListed: true, isLeader: true, hasPolled: true, connectionProblems: ['correct it'] }],
    ['stopping', { hasListed: true, isLeader: true, hasPolled: true, isStopping: true }],
  ])('waits: %s (%o)', (sentence, progress) => {
    expect(judge(progress)).toEqual([sentence])
  })
})

describe('scopes that cannot be listed', () => {
  it('are named with the reason, and the others are not', () => {
    const scopes = [
      { scope: 'a', problem: undefined },
      { scope: 'b', problem: 'the API server refuses to list or watch' },
    ]
    expect(brokenScopes(() => scopes)()).toEqual(['b: the API server refuses to list or watch'])
  })
})
