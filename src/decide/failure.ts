/** The ways a conversation with ZStack can fail, and what cures each. */
import type { Reason } from '../api/reasons.ts'

export type FailureKind =
  | 'unavailable'
  | 'endpoint'
  | 'protocol'
  | 'session'
  | 'credentials'
  | 'clock'
  | 'sessions'
  | 'connection'
  | 'secret'
  | 'rejected'
  | 'operation'
  | 'permission'
  | 'quota'

export type Failure = {
  readonly kind: FailureKind
  /** ZStack's error code, where it gave one. */
  readonly code?: string
  /** One sentence with what is wrong, where, and what to do; free of secrets and of anything that changes per try. */
  readonly message: string
  /** Whether ZStack may have carried the request out all the same: the next step is a read. */
  readonly ambiguous?: boolean
  /** Held back: ZStack was not asked at all. */
  readonly isUnsent?: true
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure }

export const ok = <T>(value: T): Result<T> => ({ ok: true, value })
export const err = (failure: Failure): Result<never> => ({ ok: false, failure })

export type FailurePolicy = {
  readonly reason: Reason
  /** Whether every request over the connection fails alike, or only this one. */
  readonly scope: 'connection' | 'object'
  /** `backOff`: soon, then ever later. `slowly`: each 10 minutes. `change`: when a person changed something. */
  readonly retry: 'backOff' | 'slowly' | 'change'
  /** Whether a person has to act: shown as Stalled rather than Reconciling. */
  readonly stalled: boolean
}

const transient = { reason: 'Unreachable', scope: 'connection', retry: 'backOff', stalled: false } as const

export const failurePolicy: Readonly<Record<FailureKind, FailurePolicy>> = {
  unavailable: transient,
  protocol: transient,
  session: transient,
  endpoint: { ...transient, stalled: true },
  credentials: { reason: 'CredentialsRejected', scope: 'connection', retry: 'change', stalled: true },
  clock: { reason: 'CredentialsRejected', scope: 'connection', retry: 'slowly', stalled: true },
  sessions: { reason: 'TooManySessions', scope: 'connection', retry: 'slowly', stalled: false },
  connection: { reason: 'ConnectionNotFound', scope: 'connection', retry: 'change', stalled: true },
  secret: { reason: 'SecretNotFound', scope: 'connection', retry: 'change', stalled: true },
  rejected: { reason: 'RemoteRejected', scope: 'object', retry: 'change', stalled: true },
  operation: { reason: 'RemoteRejected', scope: 'object', retry: 'slowly', stalled: true },
  permission: { reason: 'PermissionDenied', scope: 'object', retry: 'slowly', stalled: true },
  quota: { reason: 'QuotaExceeded', scope: 'object', retry: 'slowly', stalled: true },
}

/**
 * Whether it leaves a job as it was that was asked after: only ZStack's own word ends one, a proxy's or silence does not.
 * What was sent on its behalf and may have been carried out does, for the next step is a read.
 */
export function isJobUndecided({ kind, code, ambiguous }: Failure): boolean {
  return code === undefined && ambiguous !== true && failurePolicy[kind].scope === 'connection'
}

/** The kind of each error code of ZStack (`zstack-api.md`, Failures). A code that is not listed is trouble on the node. */
export const kindByCode: Readonly<Record<string, FailureKind>> = {
  'SYS.1000': 'unavailable',
  'SYS.1001': 'unavailable',
  'SYS.1003': 'rejected',
  'SYS.1006': 'operation',
  'SYS.1007': 'rejected',
  'SYS.1010': 'unavailable',
  'SYS.1012': 'unavailable',
  'SYS.1014': 'rejected',
  'SYS.1015': 'unavailable',
  'SYS.1016': 'unavailable',
  'ID.1000': 'credentials',
  'ID.1001': 'session',
  'ID.1002': 'permission',
  'ID.1003': 'quota',
  'ID.1005': 'credentials',
  'ID.1006': 'sessions',
  'ID.2001': 'credentials',
}
