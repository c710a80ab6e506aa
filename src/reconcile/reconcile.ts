/** One pass over one object: observe, decide, act, verify, report. */
import type { Logger } from 'pino'
import { connectionNameOf, parse, statusOf, type Spec, type StoredModelService } from '../api/modelservice.ts'
import { reconcileRequestedAt } from '../api/names.ts'
import type { Clock } from '../clock.ts'
import { assess, type Observation } from '../decide/assess.ts'
import { failurePolicy, type Failure } from '../decide/failure.ts'
import { desiredOf } from '../api/fields.ts'
import { requeueAfter, type Outcome } from '../decide/outcome.ts'
import { plan } from '../decide/plan.ts'
import { hashesIn } from '../decide/status.ts'
import type { Requeue } from '../requeue.ts'
import { createCourier, type Case } from './apply.ts'
import type { Claims } from './claims.ts'
import { isSame, restore, driftKeyOf, type RetryState } from './retry-state.ts'
import type { Stopwatch } from './stopwatch.ts'
import type { UpdateResult, RecordEvent, Connection, Connections, CachedObservation, Objects } from './ports.ts'
import { createReporter, type PassReporter, type PassOutcome } from './reporter.ts'

/** The watch tells of a deletion sooner, a watch that stalls included. */
const goneRestMs = 300_000

export type ReconcilerOptions = {
  readonly objects: Objects
  readonly claims: Claims
  readonly connections: Connections
  readonly recordEvent: RecordEvent
  readonly onUpdate: (result: UpdateResult) => void
  /** Times how long objects take to converge, if anybody wants to know. */
  readonly stopwatch?: Stopwatch
  readonly clock: Clock
  readonly endpoint: string
  /** An observation older than this proves nothing while ZStack cannot be read. */
  readonly staleAfterMs: number
}

type PassContext = { readonly log: Logger; readonly signal: AbortSignal }

export interface Reconciler {
  /** One pass. Resolves with when to look again; rejects for bugs, aborts, and when Kubernetes refuses the status. */
  reconcile(key: string, pass: PassContext): Promise<Requeue>
  /** The keys that wait for the connection, longest first. */
  waiting(): Iterable<string>
  /** Whether the last pass left the object as it should be, or one is under way. */
  isSettledOrActive(key: string): boolean
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { objects, claims, connections, stopwatch, clock, staleAfterMs } = options
  const begin = createReporter(options)
  const courier = createCourier(clock)
  const memories = new Map<string, { readonly uid: string; readonly memory: RetryState }>()
  /** What ZStack accepted and status does not tell yet, because Kubernetes would not have it. */
  const untold = new Map<string, { readonly object: StoredModelService; readonly verdict: PassOutcome }>()
  /** Deleted, said the API server, and the watch has told nothing since: what an update did could be written down nowhere. */
  const gone = new Map<string, { readonly object: StoredModelService; readonly until: number }>()
  const waiting = new Set<string>()
  const settled = new Set<string>()
  const underWay = new Set<string>()

  /** Nothing where the object changed meanwhile: what was judged of it then is not acted on. */
  async function judge(
    key: string,
    object: StoredModelService,
    report: PassReporter,
    signal: AbortSignal,
  ): Promise<PassOutcome | undefined> {
    const parsed = parse(object)
    if (!parsed.ok) return { outcome: { kind: 'invalid', reason: parsed.reason, issues: parsed.issues } }
    const { spec } = parsed
    const connection = connections.get(connectionNameOf(object))
    if (!connection.ok) return { outcome: { kind: 'failed', failure: connection.failure, stale: false } }
    const winner = claims.winner(connection.value.endpoint, spec.uuid) ?? key
    if (winner !== key) return { outcome: { kind: 'conflict', uuid: spec.uuid, winner } }
    const memory = memoryOf(key, object)
    const open = caseOf(key, object, spec, connection.value, memory, report, signal)
    const followed = memory.job && (await courier.follow(open, memory.job))
    if (!followed) return look(open)
    if (memory.job || open.token === undefined) return followed
    // A request of a person's that came while the job ran is still to be dealt with.
    report.accepted(followed)
    return look(open)
  }

  async function look(open: Case): Promise<PassOutcome | undefined> {
    const known = await observe(open)
    if ('failure' in known) {
      const since = known.lastSeen ?? open.memory.unseenSince ?? clock.monotonic()
      open.memory.unseenSince = since
      return { outcome: { kind: 'failed', failure: known.failure, stale: isStale(since) } }
    }
    open.memory.unseenSince = undefined
    const handled = open.token === undefined ? {} : { handled: open.token }
    if (!known.observation) return { outcome: { kind: 'missing', uuid: open.spec.uuid }, ...handled }
    const verdict = await act(open, known.observation)
    return !verdict || isUnheard(verdict.outcome) ? verdict : { ...verdict, ...handled }
  }

  async function observe({
    connection,
    spec,
    token,
    report,
    previous,
    signal,
  }: Case): Promise<CachedObservation | { failure: Failure; lastSeen: number | undefined }> {
    const known = connection.inventory.cached(spec.uuid)
    // One that no poll has renewed for so long is no observation any more.
    if (known && token === undefined && !isStale(known.at)) return known
    const reading = connection.inventory.read(spec.uuid, signal)
    const answer = await (previous?.conditions ? reading : report.during({ kind: 'initializing' }, reading))
    return answer.ok ? answer.value : { failure: answer.failure, lastSeen: known?.at }
  }

  async function act(open: Case, observation: Observation): Promise<PassOutcome | undefined> {
    const { desired, object, spec, memory, connection, isCurrent } = open
    const assessment = assess(desired, observation, hashesIn(open.previous), object.metadata.uid)
    const seen = { observation, assessment }
    const subject = driftKeyOf(assessment, object.metadata.generation)
    const hold = open.token === undefined && isSame(memory.hold?.subject, subject) ? memory.hold : undefined
    const decision = plan(desired, assessment, {
      policy: spec.policy ?? 'Enforce',
      suspend: spec.suspend === true,
      requested: open.token !== undefined,
      held: hold !== undefined && clock.now() < hold.until,
    })
    if (decision.kind === 'update') return isCurrent() ? courier.send(open, seen, decision) : undefined
    const trouble = connection.currentFailure()
    if (trouble && failurePolicy[trouble.kind].retry !== 'backOff')
      return { outcome: { kind: 'failed', failure: trouble, seen, stale: false } }
    switch (decision.kind) {
      case 'nothing':
        return { outcome: { kind: 'inSync', seen } }
      case 'report':
        return { outcome: { kind: 'drifted', seen, policy: spec.policy ?? 'Enforce' } }
      case 'suspended':
        return { outcome: { kind: 'suspended', seen } }
      case 'hold': {
        const retryInMs = Math.max(0, (hold?.until ?? 0) - clock.now())
        return hold?.failure
          ? { outcome: { kind: 'failed', failure: hold.failure, seen, stale: false, retryInMs } }
          : { outcome: { kind: 'ineffective', seen, retryInMs } }
      }
    }
  }

  function caseOf(
    key: string,
    object: StoredModelService,
    spec: Spec,
    connection: Connection,
    memory: RetryState,
    report: PassReporter,
    signal: AbortSignal,
  ): Case {
    const previous = statusOf(object)
    const token = object.metadata.annotations?.[reconcileRequestedAt]
    const isNew = token !== undefined && token !== previous?.lastHandledReconcileAt
    return {
      object,
      spec,
      desired: desiredOf(spec),
      connection,
      memory,
      previous,
      report,
      signal,
      isCurrent: () => isCurrent(key, object) && claims.winner(connection.endpoint, spec.uuid) === key,
      token: isNew ? token : undefined,
    }
  }

  function memoryOf(key: string, object: StoredModelService): RetryState {
    const { uid } = object.metadata
    const kept = memories.get(key)
    if (kept?.uid === uid) return kept.memory
    const memory = restore(statusOf(object), clock.now())
    memories.set(key, { uid, memory })
    return memory
  }

  /** Whether the object is still as it was, or a read took so long that it changed meanwhile. */
  function isCurrent(key: string, { metadata: { uid, generation } }: StoredModelService): boolean {
    const now = objects.get(key)?.metadata
    return now?.uid === uid && now.generation === generation && now.deletionTimestamp === undefined
  }

  function isStale(since: number): boolean {
    return clock.monotonic() - since > staleAfterMs
  }

  async function pass(key: string, { log, signal }: PassContext): Promise<Requeue> {
    const reportOn = (object: StoredModelService) => {
      const { namespace, name, generation } = object.metadata
      return begin(key, object, log.child({ namespace, name, generation }), signal)
    }
    const conclude = async (report: PassReporter, verdict: PassOutcome) => {
      const object = objects.get(key)
      const told = await report.conclude(verdict)
      if (told === 'gone' && object) gone.set(key, { object, until: clock.monotonic() + goneRestMs })
      untold.delete(key)
    }
    const late = untold.get(key)
    if (late) await conclude(reportOn(late.object), late.verdict)
    const object = objects.get(key)
    if (object?.metadata.deletionTimestamp !== undefined || !object) {
      memories.delete(key)
      gone.delete(key)
      stopwatch?.forget(key)
      return { kind: 'awaitChange' }
    }
    const rest = gone.get(key)
    if (rest?.object === object && clock.monotonic() < rest.until)
      return { kind: 'after', ms: rest.until - clock.monotonic() }
    const end = stopwatch?.begin(key)
    const report = reportOn(object)
    const verdict = await judge(key, object, report, signal)
    if (!verdict) return { kind: 'after', ms: 0 }
    report.accepted(verdict)
    end?.(verdict.outcome, verdict.update !== undefined)
    if (verdict.update !== undefined || verdict.handled !== undefined) untold.set(key, { object, verdict })
    await conclude(report, verdict)
    if (isUnheard(verdict.outcome)) waiting.add(key)
    if (atRest.includes(verdict.outcome.kind)) settled.add(key)
    return requeueAfter(verdict.outcome)
  }

  return {
    async reconcile(key, context) {
      waiting.delete(key)
      settled.delete(key)
      underWay.add(key)
      try {
        return await pass(key, context)
      } finally {
        underWay.delete(key)
      }
    },
    waiting: () => waiting.values(),
    isSettledOrActive: (key) => settled.has(key) || underWay.has(key),
  }
}

const atRest: readonly Outcome['kind'][] = ['inSync', 'drifted', 'suspended', 'invalid', 'conflict']

/** Failed for the connection's sake: ZStack has not had its say on this object. */
function isUnheard(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && failurePolicy[outcome.failure.kind].scope === 'connection'
}
