/** The kinds of failure that a request to ZStack can end in, and what follows from each. */
import { reasons, type Reason } from '../api/reasons.ts'

export type FailureKind =
  | 'unavailable'
  | 'wrongEndpoint'
  | 'tls'
  | 'protocol'
  | 'sessionLost'
  | 'credentials'
  | 'accountDisabled'
  | 'clockSkew'
  | 'sessionLimit'
  | 'sessionConflict'
  | 'noConnection'
  | 'noCredentials'
  | 'readPermission'
  | 'unreadable'
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

/** kstatus: `Reconciling` goes on by itself, `Stalled` needs a person. */
type Progress = 'Reconciling' | 'Stalled'

/** The reasons that say whether a person is needed; a failure has one of these. */
type FailureReason = { [R in Reason]: (typeof reasons)[R] extends { progress: Progress } ? R : never }[Reason]

export type FailurePolicy = {
  readonly reason: FailureReason
  /** Whether every request over the connection fails alike, or only those about this object. */
  readonly scope: 'connection' | 'object'
  /** `backOff`: soon, then ever later. `slowly`: after a long wait. `change`: when a person has changed something. */
  readonly retry: 'backOff' | 'slowly' | 'change'
  /** Only where it differs from the progress in the reason's row; see {@link progressOf}. */
  readonly progress?: Progress
}

const transient = { reason: 'Unreachable', scope: 'connection', retry: 'backOff' } as const

export const failurePolicy: Readonly<Record<FailureKind, FailurePolicy>> = {
  unavailable: transient,
  protocol: transient,
  sessionLost: transient,
  // No time cures a wrong address or a certificate that is not trusted.
  wrongEndpoint: { ...transient, progress: 'Stalled' },
  tls: { ...transient, progress: 'Stalled' },
  credentials: { reason: 'CredentialsRejected', scope: 'connection', retry: 'change' },
  accountDisabled: { reason: 'AccountDisabled', scope: 'connection', retry: 'change' },
  clockSkew: { reason: 'CredentialsRejected', scope: 'connection', retry: 'slowly' },
  sessionLimit: { reason: 'TooManySessions', scope: 'connection', retry: 'slowly' },
  // Where `enable.unique.session` is set, an account has one session, and another log-in has taken it.
  sessionConflict: { reason: 'TooManySessions', scope: 'connection', retry: 'slowly' },
  noConnection: { reason: 'ConnectionNotFound', scope: 'connection', retry: 'change' },
  noCredentials: { reason: 'SecretNotFound', scope: 'connection', retry: 'change' },
  readPermission: { reason: 'PermissionDenied', scope: 'connection', retry: 'slowly' },
  // Queries about other services are answered.
  unreadable: { reason: 'Unreachable', scope: 'object', retry: 'backOff' },
  rejected: { reason: 'RemoteRejected', scope: 'object', retry: 'change' },
  operation: { reason: 'RemoteRejected', scope: 'object', retry: 'slowly' },
  permission: { reason: 'PermissionDenied', scope: 'object', retry: 'slowly' },
  quota: { reason: 'QuotaExceeded', scope: 'object', retry: 'slowly' },
}

/** Whether an object that met this failure goes on by itself or needs a person. */
export function progressOf(kind: FailureKind): Progress {
  const { reason, progress } = failurePolicy[kind]
  return progress ?? reasons[reason].progress
}

/**
 * Whether no request over the connection can succeed until something changes: the credentials, a clock, the number of
 * open sessions.
 */
export function stopsConnection(kind: FailureKind): boolean {
  const { scope, retry } = failurePolicy[kind]
  return scope === 'connection' && retry !== 'backOff'
}

/** What a connection needs, in this order: an address that answers, trust, credentials, and the right to query. */
export const connectionSteps = ['endpoint', 'tls', 'credentials', 'permission'] as const
export type ConnectionStep = (typeof connectionSteps)[number]

/** At which step a failure of a connection lies. */
export function connectionStepOf(kind: FailureKind): ConnectionStep {
  if (kind === 'tls') return 'tls'
  if (kind === 'permission' || kind === 'readPermission') return 'permission'
  return kind === 'sessionLost' || stopsConnection(kind) ? 'credentials' : 'endpoint'
}

/** Whether the whole connection is out of reach, which ends by itself and costs nothing to try. */
export function isOutage({ kind }: Failure): boolean {
  const { scope, retry } = failurePolicy[kind]
  return scope === 'connection' && retry === 'backOff'
}

/**
 * Whether a job may still be running although the request that asked after it, or that was sent at its end, failed.
 *
 * A request that was not sent proves nothing, nor does one that failed for the sake of session or credentials. Otherwise,
 * if ZStack answered with an error code, the job counts as ended. If a proxy answered, or nobody did, the job may go on
 * unseen, and is asked after again. If an update that was sent at its end may have been carried out (`ambiguous`), the job
 * counts as ended too, because a read will show what became of it.
 */
export function isJobUndecided({ kind, code, ambiguous, isUnsent }: Failure): boolean {
  if (isUnsent === true || kind === 'sessionLost' || stopsConnection(kind)) return true
  return code === undefined && ambiguous !== true && failurePolicy[kind].scope === 'connection'
}
