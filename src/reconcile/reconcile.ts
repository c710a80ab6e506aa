/**
 * One pass over one object: observe, decide, act, verify, report. What is to be sent, drift included, `decide/plan.ts`
 * decides, and `apply.ts` sends it.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { connectionNameOf, parse, statusOf, type ParsedSpec, type StoredModelService } from '../api/modelservice.ts'
import { reconcileRequestedAt } from '../api/names.ts'
import type { Status } from '../api/status.ts'
import { steadyTime, unlessAborted, withTimeout, type Clock } from '../clock.ts'
import type { Observation } from '../decide/assess.ts'
import { decide } from '../decide/decide.ts'
import { failurePolicy, stopsConnection, type Failure, type Result } from '../decide/failure.ts'
import { requeueAfter, type Outcome } from '../decide/outcome.ts'
import { resolve, referencesOf, type Declaration } from '../decide/resolve.ts'
import { hashesIn, statusAt } from '../decide/status.ts'
import { suspensionOf, type Suspension } from '../decide/suspension.ts'
import type { Priority, Turn } from '../priority.ts'
import type { ObjectRef } from '../referenced-object.ts'
import type { Requeue } from '../requeue.ts'
import { followJob, sendUpdate } from './apply.ts'
import type { Claims } from './claims.ts'
import { decisionState, noteJudged, ownerOf, type ReconcileContext } from './context.ts'
import { createObjectStates, previousStatus, type ObjectState } from './object-state.ts'
import type {
  CachedObservation,
  Connection,
  Connections,
  Objects,
  RecordEvent,
  ReferencedObjects,
  UpdateResult,
} from './ports.ts'
import type { PassOutcome } from './pass-outcome.ts'
import { isRelevantChange } from './predicates.ts'
import { createReporter, type PassReporter } from './reporter.ts'
import type { Stopwatch } from './stopwatch.ts'

/**
 * How long an object is left alone that the API server called deleted while the watch still shows it. A watch that stalls
 * is noticed sooner.
 */
const deletedPauseMs = 300_000

/** Objects whose status is of another endpoint are read so much later than that is written, so that all say so first. */
const otherEndpointMs = 500

/** So long a pass waits at most for the sources that a request to look now wants read. */
const requestedReadMs = 5_000

/** So often a pass that waits for a read looks whether the object has changed meanwhile. */
const currentCheckMs = 500

export type ReconcilerOptions = {
  readonly objects: Objects
  readonly claims: Claims
  readonly connections: Connections
  readonly references: ReferencedObjects
  readonly recordEvent: RecordEvent
  readonly onUpdate: (result: UpdateResult) => void
  /** Whether a status that somebody else wrote over may be written again already. */
  readonly mayRestoreStatus: (key: string) => boolean
  /** Times how long objects take to converge, if anybody wants to know. */
  readonly stopwatch?: Stopwatch
  readonly clock: Clock
  /** An observation older than this proves nothing while ZStack cannot be read. */
  readonly staleAfterMs: number
}

type PassContext = { readonly log: Logger; readonly signal: AbortSignal; readonly priority?: Priority }

export interface Reconciler {
  /** One pass. Resolves with when to look again; rejects for bugs, aborts, and when Kubernetes refuses the status. */
  reconcile(key: string, pass: PassContext): Promise<Requeue>
  /** The keys that wait for their connection, longest first. */
  waiting(): Iterable<string>
  /** Whether the last pass left the object as it should be, by what is known now, or one is under way. */
  isSettledOrActive(key: string): boolean
}

/** What a pass has at hand before anything is known of the object but that it is there. */
type Subject = {
  readonly key: string
  readonly object: StoredModelService
  readonly suspension: Suspension | undefined
  /** The status that the object has, whichever connection it is of. */
  readonly stored: Status | undefined
  readonly connection: Result<Connection>
  readonly state: ObjectState
  readonly reporter: PassReporter
  readonly log: Logger
  readonly signal: AbortSignal
  readonly turn: Turn
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { objects, claims, connections, references, stopwatch, clock, staleAfterMs } = options
  const reporterOf = createReporter(options)
  const holdTime = steadyTime(clock)
  const states = createObjectStates(clock, holdTime)

  async function reconcileKey(key: string, pass: PassContext): Promise<Requeue> {
    await reportLate(key, pass)
    const object = objects.get(key)
    if (!object || object.metadata.deletionTimestamp !== undefined) {
      states.drop(key)
      references.refer(key, [])
      stopwatch?.forget(key)
      return { kind: 'awaitChange' }
    }
    const subject = subjectOf(key, object, pass)
    const { state, reporter } = subject
    if (state.deleted?.object === object && clock.monotonic() < state.deleted.until)
      return { kind: 'after', ms: state.deleted.until - clock.monotonic() }
    const end = stopwatch?.begin(key)
    const passOutcome = await judge(subject)
    if (!passOutcome) return { kind: 'after', ms: 0 }
    // What the object refers to is being read, and the end of that is a change of its own.
    if (passOutcome === 'pending') return { kind: 'awaitChange' }
    const { outcome, update, handled } = passOutcome
    reporter.recordUpdate(passOutcome)
    end?.(outcome, update !== undefined)
    if (update !== undefined || handled !== undefined) state.unreported = { object, outcome: passOutcome }
    await report(subject, passOutcome)
    states.setPhase(key, phaseAfter(passOutcome))
    if (passOutcome.nextPassMs !== undefined) return { kind: 'after', ms: passOutcome.nextPassMs }
    return endingSuspension(requeueAfter(outcome), subject.suspension, clock.now())
  }

  /**
   * What ZStack accepted in the last pass comes first, if Kubernetes would not have its status then. Without that status
   * the same would be sent again and again, so that an object waits here until Kubernetes takes it, or a person wants
   * something else.
   */
  async function reportLate(key: string, pass: PassContext): Promise<void> {
    const state = states.get(key)
    const late = state?.unreported
    const now = objects.get(key)
    if (!late || now?.metadata.uid !== late.object.metadata.uid) return
    try {
      await report(subjectOf(key, late.object, pass), late.outcome)
    } catch (error) {
      if (pass.signal.aborted || !isRelevantChange(late.object, now)) throw error
      pass.log.warn({ err: error }, 'Kubernetes does not take the status of an update; a later change goes on without')
      state.unreported = undefined
    }
  }

  async function report({ key, state, reporter }: Subject, outcome: PassOutcome): Promise<void> {
    const object = objects.get(key)
    const result = await reporter.report(outcome)
    if (result === 'deleted' && object) state.deleted = { object, until: clock.monotonic() + deletedPauseMs }
    state.unreported = undefined
  }

  function subjectOf(
    key: string,
    object: StoredModelService,
    { log, signal, priority = 'change' }: PassContext,
  ): Subject {
    const { namespace, name, generation } = object.metadata
    const connection = connections.get(connectionNameOf(object))
    const known = connection.ok ? connection.value : undefined
    const stored = statusOf(object)
    const state = states.of(key, object, statusAt(known?.endpoint, stored))
    const ownLog = log.child({ namespace, name, generation })
    const suspension = suspensionOf(object, clock.now())
    const reporter = reporterOf({ key, object, stored, state, suspension, connection: known, log: ownLog, signal })
    const turn = { priority, flow: namespace }
    return { key, object, stored, suspension, connection, state, reporter, log: ownLog, signal, turn }
  }

  /** Resolves to nothing where the object changed meanwhile: what was decided of it then is not acted upon. */
  async function judge(subject: Subject): Promise<PassOutcome | 'pending' | undefined> {
    const { key, object, connection, state } = subject
    state.isStillSo = undefined
    const parsed = parse(object)
    if (!parsed.ok || !connection.ok) references.refer(key, [])
    if (!parsed.ok) return { outcome: { kind: 'invalid', reason: parsed.reason, issues: parsed.issues } }
    if (!connection.ok) return { outcome: { kind: 'failed', failure: connection.failure, stale: false } }
    const { spec } = parsed
    const { endpoint } = connection.value
    const winner = claims.winner(endpoint, spec.uuid) ?? key
    if (winner !== key) {
      references.refer(key, [])
      state.isStillSo = () => claims.winner(endpoint, spec.uuid) === winner
      return { outcome: { kind: 'conflict', uuid: spec.uuid, winner } }
    }
    const refs = referencesOf(spec, object.metadata.namespace)
    references.refer(key, refs)
    if (refs.length > 0 && isRequested(object)) {
      const isRead = await whileCurrent(() => isCurrent(key, subject), readAgain(refs, subject.signal))
      if (isRead === undefined) return undefined
    }
    const resolution = resolve(spec, object.metadata.namespace, (ref) => references.get(ref))
    if (resolution.kind === 'pending') return 'pending'
    if (resolution.kind === 'unresolved') return { outcome: resolution }
    const context = contextOf(subject, spec, connection.value, resolution.declaration)
    // Status of another endpoint is no status any more. That is written before anything is read, for reads may hang.
    const isOfOtherEndpoint = !context.previous && subject.stored?.conditions !== undefined
    if (isOfOtherEndpoint && !connection.value.inventory.cached(spec.uuid))
      return { outcome: { kind: 'initializing' }, nextPassMs: otherEndpointMs }
    const followed = state.job && (await followJob(context, state.job))
    if (!followed) return look(context)
    // A request of a person's that came while the job ran is dealt with once the end of the job is reported.
    return state.job || context.token === undefined ? followed : { ...followed, nextPassMs: 0 }
  }

  /** Reads what a request to look now wants read before anything is sent, unless the API server takes too long. */
  async function readAgain(refs: readonly ObjectRef[], signal: AbortSignal): Promise<true> {
    try {
      await withTimeout(clock, requestedReadMs, (limit) => unlessAborted(references.refresh(refs), limit), signal)
    } catch (error) {
      if (signal.aborted) throw error
    }
    return true
  }

  async function look(context: ReconcileContext): Promise<PassOutcome | undefined> {
    const { state, spec, token } = context
    const cached = await observe(context)
    if (!cached) return undefined
    if ('failure' in cached) {
      const since = cached.lastRead ?? state.unreadSince ?? clock.monotonic()
      state.unreadSince = since
      return { outcome: { kind: 'failed', failure: cached.failure, stale: isStale(since) } }
    }
    state.unreadSince = undefined
    const handled = token === undefined ? {} : { handled: token }
    if (!cached.observation) return { outcome: { kind: 'missing', uuid: spec.uuid }, ...handled }
    const outcome = await act(context, cached.observation)
    return !outcome || isConnectionFailure(outcome.outcome) ? outcome : { ...outcome, ...handled }
  }

  async function observe(
    context: ReconcileContext,
  ): Promise<CachedObservation | { failure: Failure; lastRead: number | undefined } | undefined> {
    const { connection, spec, token, reporter, previous, object, signal, turn } = context
    const cached = connection.inventory.cached(spec.uuid)
    // One that no poll has renewed for so long is no observation any more.
    if (cached && token === undefined && !isStale(cached.at)) return cached
    const reading = whileCurrent(
      context.isCurrent,
      connection.inventory.read(spec.uuid, signal, { isFresh: token !== undefined, priority: turn.priority }),
    )
    const isReported = previous?.conditions !== undefined && previous.observedGeneration === object.metadata.generation
    const result = await (isReported ? reading : reporter.during(beforeRead(context, cached), reading))
    if (!result) return undefined
    return result.ok ? result.value : { failure: result.failure, lastRead: cached?.at }
  }

  /**
   * What a read shows, or nothing as soon as the object is another than it was, so that an edit does not wait for a read
   * that hangs.
   */
  async function whileCurrent<T>(isCurrent: () => boolean, reading: Promise<T>): Promise<T | undefined> {
    const { promise: changed, resolve } = Promise.withResolvers<undefined>()
    let cancel: () => void = () => undefined
    const lookLater = () => {
      cancel = clock.after(currentCheckMs, () => (isCurrent() ? lookLater() : resolve(undefined)))
    }
    lookLater()
    try {
      return await Promise.race([reading, changed])
    } finally {
      cancel()
    }
  }

  /** What is said of an object that is new or was edited, while ZStack is slow to be read. */
  function beforeRead(context: ReconcileContext, cached: CachedObservation | undefined): Outcome {
    if (!cached?.observation) return { kind: 'initializing' }
    const { comparison, next } = decide(context.declaration.desired, cached.observation, decisionState(context, {}))
    return next.kind === 'update' ? { kind: 'updating', comparison } : { kind: 'initializing' }
  }

  async function act(context: ReconcileContext, observation: Observation): Promise<PassOutcome | undefined> {
    const { declaration, state, connection, token, isCurrent } = context
    noteJudged(context, observation)
    const connectionFailure = connection.currentFailure()
    const before = decisionState(context, { requested: token !== undefined, connectionFailure })
    const { comparison, hold, next } = decide(declaration.desired, observation, before)
    state.hold = hold
    if (next.kind === 'report') return { outcome: next.outcome }
    return isCurrent() ? sendUpdate(context, comparison, next) : undefined
  }

  function contextOf(
    subject: Subject,
    spec: ParsedSpec,
    connection: Connection,
    declaration: Declaration,
  ): ReconcileContext {
    const { key, object, stored, suspension, state, reporter, log, signal, turn } = subject
    const previous = previousStatus(state, statusAt(connection.endpoint, stored))
    const token = object.metadata.annotations?.[reconcileRequestedAt]
    const isNew = token !== undefined && token !== previous?.lastHandledReconcileAt
    state.sourceMemory.note(declaration, ownerOf(object, connection.endpoint, spec.uuid))
    return {
      object,
      spec,
      suspension,
      declaration,
      hashes: state.sourceMemory.renew(hashesIn(previous)),
      connection,
      state,
      previous,
      reporter,
      log,
      clock,
      holdTime,
      signal,
      turn,
      secrets: state.sourceMemory.texts(),
      isCurrent: () =>
        isCurrent(key, subject) &&
        claims.winner(connection.endpoint, spec.uuid) === key &&
        isSameDeclaration(object, spec, declaration),
      token: isNew ? token : undefined,
    }
  }

  /** Whether what the object refers to still holds what its declaration was made of, be it written anew or not. */
  function isSameDeclaration({ metadata }: StoredModelService, spec: ParsedSpec, before: Declaration): boolean {
    if (before.sources.size === 0) return true
    const now = resolve(spec, metadata.namespace, (ref) => references.get(ref))
    return now.kind === 'resolved' && isDeepStrictEqual(now.declaration.desired, before.desired)
  }

  /** Whether the object is still as it was, however long a read or a log-in took, and nobody has suspended it since. */
  function isCurrent(key: string, { object, suspension }: Subject): boolean {
    const { uid, generation } = object.metadata
    const current = objects.get(key)
    if (current?.metadata.uid !== uid || current.metadata.generation !== generation) return false
    if (current.metadata.deletionTimestamp !== undefined) return false
    return suspension !== undefined || suspensionOf(current, clock.now()) === undefined
  }

  function isStale(since: number): boolean {
    return clock.monotonic() - since > staleAfterMs
  }

  return {
    async reconcile(key, pass) {
      states.setPhase(key, 'active')
      try {
        return await reconcileKey(key, pass)
      } finally {
        if (states.get(key)?.phase === 'active') states.setPhase(key, 'unsettled')
      }
    },
    waiting: () => states.waiting(),
    isSettledOrActive(key) {
      const state = states.get(key)
      // A job is asked after at a pace of its own.
      const isActive = state?.phase === 'active' || state?.job !== undefined
      return isActive || (state?.phase === 'settled' && state.isStillSo?.() !== false)
    },
  }
}

/** Whether somebody wants the object looked at now, and no status says yet that it was. */
function isRequested(object: StoredModelService): boolean {
  const token = object.metadata.annotations?.[reconcileRequestedAt]
  return token !== undefined && token !== statusOf(object)?.lastHandledReconcileAt
}

const settledOutcomes: readonly Outcome['kind'][] = [
  'inSync',
  'drifted',
  'suspended',
  'invalid',
  'unresolved',
  'conflict',
]

function phaseAfter(passOutcome: PassOutcome): 'waiting' | 'settled' | 'unsettled' {
  const { outcome } = passOutcome
  if (awaitsConnection(passOutcome)) return 'waiting'
  return settledOutcomes.includes(outcome.kind) ? 'settled' : 'unsettled'
}

/** A suspension that ends at a time brings the object back then, if nothing else does before. */
function endingSuspension(requeue: Requeue, suspension: Suspension | undefined, now: number): Requeue {
  if (suspension?.kind !== 'until' || requeue.kind === 'backOff') return requeue
  const ms = Math.max(0, suspension.until - now)
  return requeue.kind === 'after' && requeue.ms <= ms ? requeue : { kind: 'after', ms }
}

/** Failed for the connection's sake: ZStack has not had its say on this object. */
function isConnectionFailure(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && failurePolicy[outcome.failure.kind].scope === 'connection'
}

/**
 * Whether the end of the connection's trouble is worth another pass. An update that ZStack answered badly, or not at all,
 * is trouble of its object's own, which waits out a backoff of its own.
 */
function awaitsConnection({ outcome, isOwnFailure }: PassOutcome): boolean {
  if (outcome.kind !== 'failed' || !isConnectionFailure(outcome)) return false
  const { failure } = outcome
  return isOwnFailure !== true || failure.isUnsent === true || stopsConnection(failure.kind)
}
