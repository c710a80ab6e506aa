/** What a pass over one object needs of the world, with the promises it builds on. */
import type { StoredModelService } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import type { Observation } from '../decide/assess.ts'
import type { ObjectEvent } from '../decide/events.ts'
import type { Result, Failure } from '../decide/failure.ts'
import type { Patch } from '../decide/plan.ts'

/** What was read of a service, and when by the monotonic clock: `seen` is absent where ZStack has no such service. */
export type CachedObservation = { readonly observation: Observation | undefined; readonly at: number }

/**
 * How ZStack took an update. `done` carries what a read showed afterwards: accepted is not applied. `withdrawn`: nobody
 * wanted it any more when its turn came; ZStack has not seen it, or not in a form of which anybody knows that it takes it.
 */
export type UpdateOutcome =
  | { readonly kind: 'done'; readonly observation: Observation | undefined }
  | { readonly kind: 'running'; readonly job: JobRef }
  | { readonly kind: 'withdrawn' }

/** A job of ZStack's. */
export type JobRef = {
  /** Below the base URL. */
  readonly path: string
  readonly uuid: string
  /** The time that ZStack gives the job, counted from its start; absent if ZStack names none. */
  readonly timeoutMs?: number
}

/** The model services of one ZStack. Failures are values; a rejection is a bug or an abort. */
export interface Inventory {
  /** The last observation, without asking ZStack; `undefined` where none is trustworthy. */
  cached(uuid: string): CachedObservation | undefined
  /** Reads now. Calls of one moment become one request. */
  read(uuid: string, signal: AbortSignal): Promise<Result<CachedObservation>>
  /**
   * Reads many, about a hundred a request, and tells which of them look other than what was known of them.
   * What was read before a failure counts as read.
   */
  refresh(uuids: readonly string[], signal: AbortSignal): Promise<Result<readonly string[]>>
  /**
   * Sends one update with the fields of `patch` and no others. Never repeated by itself when its fate is unknown. It may
   * have to wait, for a log-in say, or to leave a second time in another form, if need be at a look at its job: `isWanted`
   * is asked immediately before it leaves.
   */
  update(uuid: string, patch: Patch, signal: AbortSignal, isWanted?: () => boolean): Promise<Result<UpdateOutcome>>
  /**
   * How a job stands; an expired one is `done`, with what a read shows. One that goes on as another job is `running`, with
   * that other. A failure that leaves it as it was (`leavesOpen`) is no end: it can be asked after again.
   */
  job(uuid: string, job: JobRef, signal: AbortSignal): Promise<Result<UpdateOutcome>>
  /** Drops what is known of services that nobody asks for any more. */
  retain(uuids: ReadonlySet<string>): void
}

/** One ZStack with one set of credentials. */
export interface Connection {
  /** By which objects, metrics and logs refer to it. */
  readonly name: string
  /** The base URL, free of credentials. */
  readonly endpoint: string
  readonly inventory: Inventory
  /** Why requests are not even tried at the moment, if so: an outage, refused credentials, no session. */
  currentFailure(): Failure | undefined
  /** Tells of every event from now on. */
  subscribe(listener: (event: ConnectionEvent) => void): void
  /** Logs out, and breaks what is under way. */
  close(): Promise<void>
}

/**
 * What happens to a connection. `open`: requests are held back from now on. `trial`: one request would be let through.
 * `closed`: all are let through again.
 */
export type ConnectionEvent = 'open' | 'trial' | 'closed'

/** The connections of this process, by name: today one that the environment describes. */
export interface Connections {
  /** The connection of that name; a failure says why there is none. */
  get(name: string): Result<Connection>
  all(): readonly Connection[]
  /** Closes every connection. */
  close(): Promise<void>
}

/** The ModelServices as the watch last saw them, the operator's own writes included. */
export interface Objects {
  get(key: string): StoredModelService | undefined
  /** Writes `status` alone, and only if the object is still the one of that uid. `false` if it is gone or was replaced. */
  writeStatus(object: StoredModelService, status: Status, signal: AbortSignal): Promise<boolean>
}

/** Tells people; never fails and never waits. */
export type RecordEvent = (object: StoredModelService, announcement: ObjectEvent) => void

/** What became of an update: read back equal, accepted yet read back otherwise, or refused or not answered. */
export type UpdateResult = 'verified' | 'ineffective' | 'failed'
