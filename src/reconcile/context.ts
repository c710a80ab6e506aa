/** All that one pass works on. */
import type { Logger } from 'pino'
import type { ParsedSpec, StoredModelService } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import type { Clock } from '../clock.ts'
import type { Hashes, Observation } from '../decide/assess.ts'
import type { DecisionState, UpdateAttempt } from '../decide/decide.ts'
import type { Failure } from '../decide/failure.ts'
import type { UpdateHold } from '../decide/hold.ts'
import type { Declaration } from '../decide/resolve.ts'
import type { Turn } from '../priority.ts'
import type { Suspension } from '../decide/suspension.ts'
import { serviceAt } from './claims.ts'
import type { ObjectState } from './object-state.ts'
import type { Connection } from './ports.ts'
import type { PassReporter } from './reporter.ts'
import type { SourceMemory } from './source-memory.ts'

export type ReconcileContext = {
  readonly object: StoredModelService
  readonly spec: ParsedSpec
  readonly suspension: Suspension | undefined
  readonly declaration: Declaration
  /** Hashes of the values that are in effect, as far as it is known. */
  readonly hashes: Hashes
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
  /** Texts that ZStack may know and no message may hold. */
  readonly secrets: readonly string[]
  /** Whether the object, and what it refers to, is still as it was judged, and it still speaks for its service. */
  readonly isCurrent: () => boolean
  /** The token of a person's request to look now that no pass has handled yet. */
  readonly token: string | undefined
}

/** The object and the service that it speaks for. */
export function ownerOf(object: StoredModelService, endpoint: string, uuid: string): string {
  return `${object.metadata.uid}\n${serviceAt(endpoint, uuid)}`
}

/** What {@link decide} is asked with: before an update with the request, after it with the attempt. */
export function decisionState(
  { object, spec, suspension, declaration, hashes, connection, state, holdTime }: ReconcileContext,
  situation: {
    readonly requested?: boolean
    readonly attempt?: UpdateAttempt | undefined
    readonly connectionFailure?: Failure | undefined
  },
): DecisionState {
  return {
    generation: object.metadata.generation,
    owner: ownerOf(object, connection.endpoint, spec.uuid),
    sources: declaration.sources,
    hashes,
    hold: state.hold && renewHold(state.hold, state.sourceMemory),
    equality: state.equality,
    policy: spec.policy,
    suspend: suspension !== undefined,
    requested: false,
    now: holdTime(),
    ...situation,
  }
}

/** A Secret that is written anew with the same data ends no hold. */
function renewHold(hold: UpdateHold, memory: SourceMemory): UpdateHold {
  return { ...hold, key: { ...hold.key, sources: memory.renew(hold.key.sources) } }
}

/** Notes that the pass decides by this observation. */
export function noteJudged({ state, spec, connection }: ReconcileContext, { live }: Observation): void {
  state.isStillSo = () => connection.inventory.cached(spec.uuid)?.observation?.live === live
}
