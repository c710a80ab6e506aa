import { describe, expect, it } from 'vitest'
import type { FailureKind } from '../../src/decide/failure.ts'
import { kindOfCode } from '../../src/zstack/error-codes.ts'

/** ZStack's codes as its documents list them, by what helps. */
const documented: Readonly<Record<FailureKind, readonly string[]>> = {
  unavailable: ['SYS.1000', 'SYS.1001', 'SYS.1010', 'SYS.1012', 'SYS.1015', 'SYS.1016'],
  rejected: ['SYS.1003', 'SYS.1007', 'SYS.1014'],
  operation: [
    'SYS.1002',
    'SYS.1004',
    'SYS.1005',
    'SYS.1006',
    'SYS.1008',
    'SYS.1009',
    'SYS.1011',
    'SYS.1013',
    'SYS.1017',
  ],
  credentials: ['ID.1000', 'ID.1004', 'ID.1005', 'ID.2000', 'ID.2001', 'ID.2002', 'ID.2003'],
  accountDisabled: ['ID.1007'],
  sessionLost: ['ID.1001'],
  permission: ['ID.1002'],
  quota: ['ID.1003'],
  sessionLimit: ['ID.1006'],
  clockSkew: [],
  noConnection: [],
  tls: [],
  wrongEndpoint: [],
  protocol: [],
  noCredentials: [],
  readPermission: [],
  unreadable: [],
  sessionConflict: [],
}
const codes = Object.entries(documented).flatMap(([kind, all]) => all.map((code) => [code, kind] as const))

describe('a code of ZStack', () => {
  it.each(codes)('%s about an object is a failure of kind %s', (code, kind) => {
    expect(kindOfCode(code, true)).toBe(kind)
  })

  const ofConnection: Partial<Record<FailureKind, FailureKind>> = {
    operation: 'unavailable',
    permission: 'readPermission',
  }
  it.each(codes)('%s about a query or a log-in is of that kind too, or of the one for connections', (code, kind) => {
    expect(kindOfCode(code, false)).toBe(ofConnection[kind as FailureKind] ?? kind)
  })

  it.each(['SYS.9999', 'AI.1', '', 'constructor'])(
    '%j, which no document lists, is an operation that failed',
    (code) => {
      expect([kindOfCode(code, true), kindOfCode(code, false)]).toEqual(['operation', 'unavailable'])
    },
  )
})
