/** What a pass over one object needs of the world, with the promises it builds on. */
import type { StoredModelService } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import type { Observation } from '../decide/assess.ts'
import type { ObjectEvent } from '../decide/events.ts'
import type { Result, Failure } from '../decide/failure.ts'
import type { Patch } from '../decide/plan.ts'
import type { Priority, Turn } from '../priority.ts'
import type { ObjectRead, ObjectRef } from '../referenced-object.ts'

/** What was read of a service, and when by the monotonic clock. Without an observation, ZStack has no such service. */
export type CachedObservation = { readonly observation: Observation | undefined; readonly at: number }

/**
 * How ZStack took an update. `done` carries what a read showed afterwards: accepted is not applied. `running`: ZStack made
 * a job of it. `withdrawn`: when its turn came, nobody wanted it any more. It was then not sent, or only in one body shape
 * of which nobody knows whether ZStack takes it.
 */
export type UpdateOutcome =
  | { readonly kind: 'done'; readonly observation: Observation | undefined }
  | { readonly kind: 'running'; readonly job: JobRef }
  | { readonly kind: 'withdrawn' }

/** A job of ZStack's. */
export type JobRef = {
  readonly uuid: string
  /** The time that ZStack gives the job, counted from its start; absent if ZStack names none. */
  readonly timeoutMs?: number
}

/**
 * What a refresh learned of some of its services. `read`: these were read, and those that are `changed` look other than
 * what was cached of them. `unreadable`: the connection works, yet this one cannot be read; nothing is cached of it any
 * more. `failed`: these were not read, and nothing is known of the reason but that it is not theirs alone.
 */
export type Refreshed =
  | { readonly kind: 'read'; readonly uuids: readonly string[]; readonly changed: readonly string[] }
  | { readonly kind: 'unreadable'; readonly uuid: string; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly uuids: readonly string[]; readonly failure: Failure }

export type UpdateOptions = {
  /**
   * Asked immediately before each time that the update is sent, since it may have to wait for a log-in, and may be sent
   * once more in the other body shape.
   */
  readonly isWanted?: () => boolean
  /** How it waits for its turn. */
  readonly turn?: Turn
  /** Texts that no message may hold, beside those of write-only fields in the update itself. */
  readonly secrets?: readonly string[]
}

/** The model services of one ZStack. Failures are values; a rejection is a bug or an abort. */
export interface Inventory {
  /** The last observation, without asking ZStack; `undefined` where none is trustworthy. */
  cached(uuid: string): CachedObservation | undefined
  /**
   * Reads now. Calls of one moment and priority become one request, and share that of a refresh under way; with `isFresh`,
   * only one that leaves after this call.
   */
  read(
    uuid: string,
    signal: AbortSignal,
    options?: { readonly isFresh?: boolean; readonly priority?: Priority },
  ): Promise<Result<CachedObservation>>
  /**
   * Reads many, about a hundred a request, and tells what each query showed as it comes. A query that fails while others
   * work is split until what spoils it stands alone. What an earlier refresh is still asking for is left to that one.
   */
  refresh(uuids: readonly string[], signal: AbortSignal, onRefreshed?: (refreshed: Refreshed) => void): Promise<void>
  /** Sends one update with the fields of `patch` and no others. An update whose fate is unknown is not repeated. */
  update(uuid: string, patch: Patch, signal: AbortSignal, options?: UpdateOptions): Promise<Result<UpdateOutcome>>
  /**
   * How a job stands. An expired one is `done`, with what a read shows. One whose update was sent again in the other body
   * shape is `running`, with the job of that. After a failure that leaves the job undecided (`isJobUndecided`), it can be
   * asked after again. `secrets`: as for an update.
   */
  job(
    uuid: string,
    job: JobRef,
    signal: AbortSignal,
    options?: { readonly turn?: Turn; readonly secrets?: readonly string[] },
  ): Promise<Result<UpdateOutcome>>
  /** Drops what is known of services that nobody asks for any more. */
  retain(uuids: ReadonlySet<string>): void
}

/** `Environment`: the connection that the environment of the operator describes. */
export type ConnectionKind = 'Environment'

/** One ZStack with one set of credentials. */
export interface Connection {
  /** What describes it. */
  readonly kind: ConnectionKind
  /** By which objects, metrics and logs refer to it. */
  readonly name: string
  /** The base URL, free of credentials. */
  readonly endpoint: string
  readonly inventory: Inventory
  /** Why requests are not even tried at the moment, if so: an outage, refused credentials, no session. */
  currentFailure(): Failure | undefined
  /** Calls the listener at every event from now on. */
  subscribe(listener: (event: ConnectionEvent) => void): void
  /**
   * Asks ZStack now whether it answers, takes the credentials and lets them query. The client's own session serves for it.
   * While requests are held back, in the pause after refused credentials for instance, the reason is the answer, and
   * nothing is sent.
   */
  check(signal: AbortSignal): Promise<Result<void>>
  /** Gives the session back; the next request that needs one logs in. */
  logOut(): Promise<void>
  /** Logs out, and breaks what is under way. */
  close(): Promise<void>
}

/**
 * What happens to a connection. `heldBack`: requests are held back from now on, or for another reason than before. `restored`:
 * they are let through again.
 */
export type ConnectionEvent = 'heldBack' | 'restored'

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

/** Secrets and ConfigMaps by name, read again and again for as long as somebody refers to them. */
export interface ReferencedObjects {
  /** What the object of that key refers to from now on, in place of what it referred to before. */
  refer(key: string, refs: readonly ObjectRef[]): void
  /** Reads these now, without waiting for the interval, and resolves when all were read. */
  refresh(refs: readonly ObjectRef[]): Promise<void>
  /** The last read, the same one until something has changed; `undefined` where there is none yet. */
  get(ref: ObjectRef): ObjectRead | undefined
}

/** Records a Kubernetes event about an object; never fails and never waits. */
export type RecordEvent = (object: StoredModelService, event: ObjectEvent) => void

/** What became of an update: read back equal, accepted yet read back otherwise, or refused or not answered. */
export type UpdateResult = 'verified' | 'ineffective' | 'failed'
