/**
 * What to do about one object, or what to say of it: a pure function of what is declared, what was observed, and what is
 * remembered. It is asked before an update and again after it, so what an observation comes to is decided in one place.
 */
import { isDeepStrictEqual } from 'node:util'
import type { FieldName, Policy } from '../api/modelservice.ts'
import type { UpdateCause } from '../api/status.ts'
import {
  assess,
  reassess,
  type Assessment,
  type Difference,
  type Equality,
  type Hashes,
  type Observation,
} from './assess.ts'
import { failurePolicy, type Failure } from './failure.ts'
import type { Desired, Sources } from '../api/fields.ts'
import { driftKeyOf, holdAfterIneffective, isSameDrift, type UpdateHold } from './hold.ts'
import type { Comparison, Outcome } from './outcome.ts'
import { plan, type Patch, type Plan } from './plan.ts'

/** An update that was sent: its fields and values, and the differences that it was to end. */
export type UpdateAttempt = {
  readonly patch: Patch
  readonly cause: UpdateCause
  readonly expected: readonly Difference[]
}

/** All that a decision rests on beside declaration and observation. */
export type DecisionState = {
  readonly generation: number
  /** The object and the service it speaks for, which salt the hashes. */
  readonly owner: string
  /** Which fields have values from elsewhere. */
  readonly sources: Sources
  /** Of the values that are in effect, as far as it is known. */
  readonly hashes: Hashes
  readonly hold: UpdateHold | undefined
  /** What tells whether ZStack holds a declared value; in the passes over an object, one that remembers what it judged. */
  readonly equality: Equality
  readonly policy: Policy
  readonly suspend: boolean
  /** A person asked for a look now, and for write-only fields to be sent again. */
  readonly requested: boolean
  /** The update that ZStack accepted before this observation, if there was one. */
  readonly attempt?: UpdateAttempt | undefined
  /** Why the connection sends nothing, if so. */
  readonly connectionFailure?: Failure | undefined
  /** Milliseconds since the epoch, by the clock of the holds. */
  readonly now: number
}

export type Decision = {
  readonly comparison: Comparison
  /** What to remember of updates in vain. */
  readonly hold: UpdateHold | undefined
  /** Updates without effect since the last that had one, that of `attempt` included; 0 where it had its effect. */
  readonly attempts: number
  readonly next: (Plan & { readonly kind: 'update' }) | { readonly kind: 'report'; readonly outcome: Outcome }
}

export function decide(desired: Desired, observation: Observation, state: DecisionState): Decision {
  const assessment = assessmentOf(desired, observation, state)
  const comparison = { observation, assessment }
  const hold = holdAfter(desired, assessment, state)
  const isHeld = hold !== undefined && !state.requested && state.now < hold.until
  const { policy, suspend, requested } = state
  const planned = plan(desired, assessment, { policy, suspend, requested, held: isHeld })
  const attempts = state.attempt ? (hold?.attempts ?? 0) : 0
  return {
    comparison,
    hold,
    attempts,
    next: planned.kind === 'update' ? planned : report(planned, comparison, hold, state),
  }
}

function report(
  { kind }: Exclude<Plan, { readonly kind: 'update' }>,
  comparison: Comparison,
  hold: UpdateHold | undefined,
  { policy, connectionFailure, now }: DecisionState,
): { readonly kind: 'report'; readonly outcome: Outcome } {
  const reported = (outcome: Outcome) => ({ kind: 'report', outcome }) as const
  // What a person must correct shows on every object of the connection, on those in sync too.
  if (connectionFailure && failurePolicy[connectionFailure.kind].retry !== 'backOff')
    return reported({ kind: 'failed', failure: connectionFailure, comparison, stale: false })
  switch (kind) {
    case 'nothing':
      return reported({ kind: 'inSync', comparison })
    case 'leave':
      return reported({ kind: 'drifted', comparison, policy })
    case 'suspended':
      return reported({ kind: 'suspended', comparison })
    case 'hold': {
      const retryInMs = Math.max(0, (hold?.until ?? now) - now)
      return hold?.failure
        ? reported({ kind: 'failed', failure: hold.failure, comparison, stale: false, retryInMs })
        : reported({ kind: 'ineffective', comparison, retryInMs })
    }
  }
}

function assessmentOf(desired: Desired, observation: Observation, state: DecisionState): Assessment {
  const { hashes, owner, attempt, equality, sources } = state
  if (!attempt) return assess(desired, observation, hashes, owner, { equality, sources })
  const believed = believedFields(desired, observation, attempt, equality)
  return reassess(desired, observation, hashes, believed, owner, { equality, sources })
}

/**
 * The fields of the update that count as carried out. If a field that can be read is not as it was sent, the fields that
 * cannot be read do not count as carried out either; the fields that are as sent may be somebody else's work.
 */
function believedFields(
  desired: Desired,
  { live }: Observation,
  attempt: UpdateAttempt,
  equality: Equality,
): readonly FieldName[] {
  const isShownAsSent = attempt.expected.every((expected) =>
    equality(expected.field, expected.desired, live.values.get(expected.field)),
  )
  return isShownAsSent ? stillDeclared(desired, attempt) : []
}

/** While a job ran, the spec may have changed: what was sent then says nothing of what is declared now. */
function stillDeclared(desired: Desired, { patch }: UpdateAttempt): readonly FieldName[] {
  return (Object.keys(patch) as FieldName[]).filter((field) => isDeepStrictEqual(patch[field], desired.get(field)))
}

function holdAfter(desired: Desired, assessment: Assessment, state: DecisionState): UpdateHold | undefined {
  const { attempt, hold, generation, now } = state
  const key = driftKeyOf(assessment, generation)
  if (attempt) {
    const sent = stillDeclared(desired, attempt)
    const isIneffective = assessment.differences.some(({ field }) => sent.includes(field))
    // The count begins anew where a person asked for the update.
    return isIneffective ? holdAfterIneffective(attempt.cause === 'Requested' ? undefined : hold, key, now) : undefined
  }
  const isEverythingEqual = assessment.differences.length === 0 && assessment.unsent.length === 0
  return isSameDrift(hold?.key, key) && !isEverythingEqual ? hold : undefined
}
