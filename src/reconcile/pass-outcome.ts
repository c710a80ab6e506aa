/** What a pass hands to its reporter: the outcome, and what ZStack accepted on the way. */
import type { Difference } from '../decide/assess.ts'
import type { Outcome, Update } from '../decide/outcome.ts'

/** How a pass ended, and what ZStack accepted on the way. */
export type PassOutcome = {
  readonly outcome: Outcome
  /** The update that ZStack accepted; `attempts` counts those without effect up to now, 0 where it had its effect. */
  readonly update?: Update & { readonly attempts: number }
  /** The differences that the update was to end, to be named with both values. */
  readonly corrected?: readonly Difference[]
  /** The reconcile-requested-at token that the pass dealt with. */
  readonly handled?: string
  /** More is to be done, in a pass of its own after this time. */
  readonly nextPassMs?: number
  /** A request about this object alone failed: an update, or a look at its job. */
  readonly isOwnFailure?: true
  /** An update was sent, and refused or left unanswered. */
  readonly isUpdateFailed?: true
}
