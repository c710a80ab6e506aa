/** How a pass over one object ended, and when to look again. */
import type { UpdateCause } from '../api/status.ts'
import type { FieldName, Policy } from '../api/modelservice.ts'
import type { Assessment, Observation } from './assess.ts'
import { limits } from '../limits.ts'
import type { Requeue } from '../requeue.ts'
import { failurePolicy, type Failure } from './failure.ts'

/** What was observed of the service in this pass, and what that is beside the spec. */
export type Comparison = { readonly observation: Observation; readonly assessment: Assessment }

export type Outcome =
  /** Nothing read yet: the first answer is slow in coming. */
  | { readonly kind: 'initializing' }
  | { readonly kind: 'invalid'; readonly reason: 'InvalidSpec' | 'UnknownPolicy'; readonly issues: readonly string[] }
  /** The spec refers to something that cannot be read. */
  | { readonly kind: 'unresolved'; readonly issues: readonly string[] }
  | { readonly kind: 'conflict'; readonly uuid: string; readonly winner: string }
  | { readonly kind: 'missing'; readonly uuid: string }
  | { readonly kind: 'inSync'; readonly comparison: Comparison }
  /** Something differs that the policy leaves as it is. */
  | { readonly kind: 'drifted'; readonly comparison: Comparison; readonly policy: Policy }
  | { readonly kind: 'suspended'; readonly comparison: Comparison }
  /** Sent, or about to be, and not yet read back equal. */
  | { readonly kind: 'updating'; readonly comparison: Comparison }
  /** `comparison` is absent where a former process began the job. */
  | { readonly kind: 'awaitingJob'; readonly comparison?: Comparison; readonly afterMs: number }
  | { readonly kind: 'ineffective'; readonly comparison: Comparison; readonly retryInMs: number }
  /** `retryInMs` where a refusal holds for a known time. `stale`: the last observation proves nothing any more. */
  | {
      readonly kind: 'failed'
      readonly failure: Failure
      readonly comparison?: Comparison
      readonly stale: boolean
      readonly retryInMs?: number
    }

/** An update that ZStack accepted in this pass. */
export type Update = { readonly fields: readonly FieldName[]; readonly cause: UpdateCause }

export function requeueAfter(outcome: Outcome): Requeue {
  switch (outcome.kind) {
    case 'initializing':
    case 'invalid':
    case 'unresolved':
    case 'conflict':
    case 'missing':
    case 'inSync':
    case 'drifted':
    case 'suspended':
      return { kind: 'awaitChange' }
    case 'updating':
      return { kind: 'backOff' }
    case 'awaitingJob':
      return { kind: 'after', ms: outcome.afterMs, keepsBackoff: true }
    case 'ineffective':
      return { kind: 'after', ms: outcome.retryInMs }
    case 'failed':
      return retry(outcome.failure, outcome.retryInMs)
  }
}

function retry(failure: Failure, ms: number | undefined): Requeue {
  const cure = failurePolicy[failure.kind]
  if (cure.retry === 'backOff')
    // A request that was held back counts as no try.
    return failure.isUnsent ? { kind: 'after', ms: limits.unsentRetryMs, keepsBackoff: true } : { kind: 'backOff' }
  // Credentials and the like: the connection wakes its objects when its Secret changes.
  if (cure.retry === 'change' && cure.scope === 'connection') return { kind: 'awaitChange' }
  return { kind: 'after', ms: ms ?? (cure.retry === 'slowly' ? limits.slowRetryMs : limits.ineffectiveRetryMs) }
}
