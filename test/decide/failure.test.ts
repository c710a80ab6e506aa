import { describe, expect, it } from 'vitest'
import { reasons } from '../../src/api/reasons.ts'
import {
  failurePolicy,
  isJobUndecided,
  ok,
  err,
  progressOf,
  stopsConnection,
  type FailureKind,
} from '../../src/decide/failure.ts'

const kinds = Object.entries(failurePolicy)
const isStalled = ([kind]: (typeof kinds)[number]) => progressOf(kind as FailureKind) === 'Stalled'

describe('a kind of failure', () => {
  it.each(kinds)('%s has one policy, with a reason of the closed list', (_, policy) => {
    expect(Object.keys(reasons)).toContain(policy.reason)
  })

  it('that time cures is never called stalled, save a wrong address or certificate, which a person has to correct', () => {
    const soon = kinds.filter(([, { retry }]) => retry === 'backOff')
    expect(soon.filter(isStalled).map(([kind]) => kind)).toEqual(['wrongEndpoint', 'tls'])
  })

  it('that only a person cures is always called stalled', () => {
    expect(kinds.filter(([, { retry }]) => retry === 'change').filter((one) => !isStalled(one))).toEqual([])
  })

  it('has the progress of its reason, save an address or a certificate that no time cures', () => {
    const different = kinds.filter(([kind, { reason }]) => progressOf(kind as FailureKind) !== reasons[reason].progress)
    expect(different.map(([kind]) => kind)).toEqual(['wrongEndpoint', 'tls'])
  })

  it('concerns the whole connection and has no end of its own, exactly if it stops the connection', () => {
    const stopping = kinds.filter(([kind]) => stopsConnection(kind as FailureKind)).map(([kind]) => kind)
    expect(stopping).toEqual([
      'credentials',
      'accountDisabled',
      'clockSkew',
      'sessionLimit',
      'sessionConflict',
      'noConnection',
      'noCredentials',
      'readPermission',
    ])
  })

  it('that concerns the credentials concerns the whole connection, and is never retried soon', () => {
    for (const kind of [
      'credentials',
      'accountDisabled',
      'clockSkew',
      'sessionLimit',
      'sessionConflict',
      'noCredentials',
      'noConnection',
      'readPermission',
    ] as const) {
      expect(failurePolicy[kind].scope, kind).toBe('connection')
      expect(failurePolicy[kind].retry, kind).not.toBe('backOff')
    }
  })

  it('that is ZStack’s word on one update concerns one object', () => {
    for (const kind of ['rejected', 'operation', 'permission', 'quota'] as const)
      expect(failurePolicy[kind].scope, kind).toBe('object')
  })
})

describe('a job', () => {
  const message = 'words'
  it.each<[string, Parameters<typeof isJobUndecided>[0]]>([
    ['was not asked after at all', { kind: 'unavailable', message, isUnsent: true }],
    [
      'was not asked after, whatever ZStack said of others',
      { kind: 'unavailable', code: 'SYS.1000', message, isUnsent: true },
    ],
    ['was asked after under a session that ZStack had ended', { kind: 'sessionLost', code: 'ID.1001', message }],
    ['was asked after with refused credentials', { kind: 'credentials', code: 'ID.1000', message }],
    ['was asked after while no session was left', { kind: 'sessionLimit', code: 'ID.1006', message }],
    ['was asked after in an outage', { kind: 'unavailable', message }],
  ])('that %s is undecided', (_, failure) => {
    expect(isJobUndecided(failure)).toBe(true)
  })

  it.each<[string, Parameters<typeof isJobUndecided>[0]]>([
    ['ended in an error of ZStack', { kind: 'unavailable', code: 'SYS.1000', message }],
    ['was refused', { kind: 'rejected', code: 'SYS.1007', message }],
    ['led to an update of doubtful fate', { kind: 'unavailable', message, ambiguous: true }],
  ])('that %s is decided', (_, failure) => {
    expect(isJobUndecided(failure)).toBe(false)
  })
})

describe('an answer', () => {
  it('is a value or a failure', () => {
    const failure = { kind: 'sessionLost', message: 'the session is gone' } as const
    expect(ok(1)).toEqual({ ok: true, value: 1 })
    expect(err(failure)).toEqual({ ok: false, failure })
  })
})
