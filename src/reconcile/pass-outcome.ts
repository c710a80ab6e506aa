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
  /** A request that came while a job ran is still to be dealt with. */
  readonly isRequestPending?: true
  /** An update was sent, and refused or left unanswered. */
  readonly isUpdateFailed?: true
}
