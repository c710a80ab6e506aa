/** All that one pass works on. */
import type { Logger } from 'pino'
import type { ParsedSpec, StoredModelService } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import type { Clock } from '../clock.ts'
import type { Observation } from '../decide/assess.ts'
import type { DecisionState, UpdateAttempt } from '../decide/decide.ts'
import type { Failure } from '../decide/failure.ts'
import type { Desired } from '../api/fields.ts'
import type { Turn } from '../priority.ts'
import { hashesIn } from '../decide/status.ts'
import type { Suspension } from '../decide/suspension.ts'
import { serviceAt } from './claims.ts'
import type { ObjectState } from './object-state.ts'
import type { Connection } from './ports.ts'
import type { PassReporter } from './reporter.ts'

export type ReconcileContext = {
  readonly object: StoredModelService
  readonly spec: ParsedSpec
  readonly suspension: Suspension | undefined
  readonly desired: Desired
  readonly connection: Connection
  readonly state: ObjectState
  /** The status as the last pass left it, if it speaks of the same ZStack. */
  readonly previous: Status | undefined
  readonly reporter: PassReporter
  readonly log: Logger
  readonly clock: Clock
  /** Milliseconds since the epoch, by the clock of the holds. */
  readonly holdTime: () => number
  readonly signal: AbortSignal
  /** How its requests wait. */
  readonly turn: Turn
  /** Whether the object is still as it was judged, and still speaks for its service. */
  readonly isCurrent: () => boolean
  /** The token of a person's request to look now that no pass has handled yet. */
  readonly token: string | undefined
}

/** What {@link decide} is asked with: before an update with the request, after it with the attempt. */
export function decisionState(
  { object, spec, suspension, connection, state, previous, holdTime }: ReconcileContext,
  situation: {
    readonly requested?: boolean
    readonly attempt?: UpdateAttempt | undefined
    readonly connectionFailure?: Failure | undefined
  },
): DecisionState {
  const { uid, generation } = object.metadata
  return {
    generation,
    owner: hashOwner(uid, connection.endpoint, spec.uuid),
    hashes: hashesIn(previous),
    hold: state.hold,
    equality: state.equality,
    policy: spec.policy,
    suspend: suspension !== undefined,
    requested: false,
    now: holdTime(),
    ...situation,
  }
}

/** Whose values hashes are of: the object, and the service that it speaks for. */
export function hashOwner(uid: string, endpoint: string, uuid: string): string {
  return `${uid}\n${serviceAt(endpoint, uuid)}`
}

/** Notes that the pass decides by this observation. */
export function noteJudged({ state, spec, connection }: ReconcileContext, { live }: Observation): void {
  state.isStillSo = () => connection.inventory.cached(spec.uuid)?.observation?.live === live
}
