/** What ZStack's error codes mean (README.md in this folder, Failures). */
import type { FailureKind } from '../decide/failure.ts'

/**
 * The codes whose meaning is known. Any other one, such as SYS.1002 or SYS.1017, says no more than that something went
 * wrong with what was asked for.
 */
export const kindByCode: ReadonlyMap<string, FailureKind> = new Map([
  ['SYS.1000', 'unavailable'],
  ['SYS.1001', 'unavailable'],
  ['SYS.1003', 'rejected'],
  ['SYS.1006', 'operation'],
  ['SYS.1007', 'rejected'],
  ['SYS.1010', 'unavailable'],
  ['SYS.1012', 'unavailable'],
  ['SYS.1014', 'rejected'],
  ['SYS.1015', 'unavailable'],
  ['SYS.1016', 'unavailable'],
  ['ID.1000', 'credentials'],
  ['ID.1001', 'sessionLost'],
  ['ID.1002', 'permission'],
  ['ID.1003', 'quota'],
  ['ID.1004', 'credentials'],
  ['ID.1005', 'credentials'],
  ['ID.1006', 'sessionLimit'],
  ['ID.1007', 'accountDisabled'],
  ['ID.2000', 'credentials'],
  ['ID.2001', 'credentials'],
  ['ID.2002', 'credentials'],
  ['ID.2003', 'credentials'],
])

/**
 * The kind of failure that a code stands for.
 * @param isAboutObject whether one object was asked for (an update, or its job). If such an operation fails, that is the
 * object's trouble; if a query or a log-in fails in the same way, it is the connection's.
 */
export function kindOfCode(code: string, isAboutObject: boolean): FailureKind {
  const kind = kindByCode.get(code) ?? 'operation'
  return kind === 'operation' && !isAboutObject ? 'unavailable' : kind
}
