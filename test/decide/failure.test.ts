import { describe, expect, it } from 'vitest'
import { reasons } from '../../src/api/reasons.ts'
import { failurePolicy, ok, err, kindByCode, type FailureKind } from '../../src/decide/failure.ts'

/** ZStack's codes as its documents list them, by what helps. */
const documented: Readonly<Record<string, FailureKind>> = {
  'SYS.1000': 'unavailable',
  'SYS.1001': 'unavailable',
  'SYS.1010': 'unavailable',
  'SYS.1012': 'unavailable',
  'SYS.1015': 'unavailable',
  'SYS.1016': 'unavailable',
  'SYS.1003': 'rejected',
  'SYS.1007': 'rejected',
  'SYS.1014': 'rejected',
  'SYS.1006': 'operation',
  'ID.1000': 'credentials',
  'ID.1005': 'credentials',
  'ID.2001': 'credentials',
  'ID.1001': 'session',
  'ID.1002': 'permission',
  'ID.1003': 'quota',
  'ID.1006': 'sessions',
}

const kinds = Object.entries(failurePolicy)

describe('a code of ZStack', () => {
  it.each(Object.entries(documented))('%s is a failure of kind %s', (code, kind) => {
    expect(kindByCode[code]).toBe(kind)
  })

  it('that no document lists is not in the table', () => {
    expect(Object.keys(kindByCode).sort()).toEqual(Object.keys(documented).sort())
  })
})

describe('a kind of failure', () => {
  it.each(kinds)('%s has one cure, with a reason of the closed list', (_, cure) => {
    expect(Object.keys(reasons)).toContain(cure.reason)
  })

  it('that time cures is never called stalled, save a wrong address, which a person has to mend', () => {
    const soon = kinds.filter(([, { retry }]) => retry === 'backOff')
    expect(soon.filter(([, { stalled }]) => stalled).map(([kind]) => kind)).toEqual(['endpoint'])
  })

  it('that only a person cures is always called stalled', () => {
    expect(kinds.filter(([, { retry, stalled }]) => retry === 'change' && !stalled)).toEqual([])
  })

  it('that concerns the credentials concerns the whole connection, and is never retried soon', () => {
    for (const kind of ['credentials', 'clock', 'sessions', 'secret', 'connection'] as const) {
      expect(failurePolicy[kind].scope, kind).toBe('connection')
      expect(failurePolicy[kind].retry, kind).not.toBe('backOff')
    }
  })

  it('that is ZStack’s word on one update concerns one object', () => {
    for (const kind of ['rejected', 'operation', 'permission', 'quota'] as const)
      expect(failurePolicy[kind].scope, kind).toBe('object')
  })
})

describe('an answer', () => {
  it('is a value or a failure', () => {
    const failure = { kind: 'session', message: 'the session is gone' } as const
    expect(ok(1)).toEqual({ ok: true, value: 1 })
    expect(err(failure)).toEqual({ ok: false, failure })
  })
})
