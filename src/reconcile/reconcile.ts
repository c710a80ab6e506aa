/** One pass over one object: observe, decide, act, verify, report. */
import type { Logger } from 'pino'
import { parse, reconcileRequestedAt, statusOf, type Spec, type StoredModelService } from '../api/modelservice.ts'
import type { Clock } from '../clock.ts'
import { assess, type Observation } from '../decide/assess.ts'
import { cures, type Failure } from '../decide/failure.ts'
import { desiredOf } from '../decide/fields.ts'
import { next, type Outcome, type Result } from '../decide/outcome.ts'
import { plan } from '../decide/plan.ts'
import { rememberedHashes } from '../decide/report.ts'
import { createCourier, type Case } from './courier.ts'
import type { Claims } from './claims.ts'
import { isSame, recall, subjectIn, type Memory } from './memory.ts'
import type { Stopwatch } from './stopwatch.ts'
import type { Announce, Connection, Connections, Known, Objects } from './ports.ts'
import { createReporter, type Report, type UpdateResult, type Verdict } from './reporter.ts'

/** The watch tells of a deletion sooner, a watch that stalls included. */
const goneRestMs = 300_000

export type ReconcilerOptions = {
  readonly objects: Objects
  readonly claims: Claims
  readonly connections: Connections
  readonly announce: Announce
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
  reconcile(key: string, pass: PassContext): Promise<Result>
  /** The keys that wait for the connection, longest first. */
  waiting(): Iterable<string>
  /** Whether the last pass left the object as it should be, or one is under way. */
  isCaredFor(key: string): boolean
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { objects, claims, connections, stopwatch, clock, staleAfterMs } = options
  const begin = createReporter(options)
  const courier = createCourier(clock)
  const memories = new Map<string, { readonly uid: string; readonly memory: Memory }>()
  /** What ZStack accepted and status does not tell yet, because Kubernetes would not have it. */
  const untold = new Map<string, { readonly object: StoredModelService; readonly verdict: Verdict }>()
  /** Deleted, said the API server, and the watch has told nothing since: what an update did could be written down nowhere. */
  const gone = new Map<string, { readonly object: StoredModelService; readonly until: number }>()
  const waiting = new Set<string>()
  const settled = new Set<string>()
  const underWay = new Set<string>()

  /** Nothing where the object changed meanwhile: what was judged of it then is not acted on. */
  async function judge(
    key: string,
    object: StoredModelService,
    report: Report,
    signal: AbortSignal,
  ): Promise<Verdict | undefined> {
    const parsed = parse(object)
    if (!parsed.ok) return { outcome: { kind: 'invalid', reason: parsed.reason, issues: parsed.issues } }
    const { spec } = parsed
    const winner = claims.winner(spec.uuid) ?? key
    if (winner !== key) return { outcome: { kind: 'conflict', uuid: spec.uuid, winner } }
    const connection = connections.open()
    if (!connection.ok) return { outcome: { kind: 'failed', failure: connection.failure, stale: false } }
    const memory = memoryOf(key, object)
    const open = caseOf(key, object, spec, connection.value, memory, report, signal)
    const followed = memory.job && (await courier.follow(open, memory.job))
    if (!followed) return look(open)
    if (memory.job || open.token === undefined) return followed
    // A request of a person's that came while the job ran is still to be dealt with.
    report.accepted(followed)
    return look(open)
  }

  async function look(open: Case): Promise<Verdict | undefined> {
    const known = await observe(open)
    if ('failure' in known) {
      const since = known.lastSeen ?? open.memory.unseenSince ?? clock.monotonic()
      open.memory.unseenSince = since
      return { outcome: { kind: 'failed', failure: known.failure, stale: isStale(since) } }
    }
    open.memory.unseenSince = undefined
    const handled = open.token === undefined ? {} : { handled: open.token }
    if (!known.seen) return { outcome: { kind: 'missing', uuid: open.spec.uuid }, ...handled }
    const verdict = await act(open, known.seen)
    return !verdict || isUnheard(verdict.outcome) ? verdict : { ...verdict, ...handled }
  }

  async function observe({
    connection,
    spec,
    token,
    report,
    previous,
    signal,
  }: Case): Promise<Known | { failure: Failure; lastSeen: number | undefined }> {
    const known = connection.inventory.known(spec.uuid)
    // One that no poll has renewed for so long is no observation any more.
    if (known && token === undefined && !isStale(known.at)) return known
    const reading = connection.inventory.read(spec.uuid, signal)
    const answer = await (previous?.conditions ? reading : report.during({ kind: 'initializing' }, reading))
    return answer.ok ? answer.value : { failure: answer.failure, lastSeen: known?.at }
  }

  async function act(open: Case, observation: Observation): Promise<Verdict | undefined> {
    const { desired, object, spec, memory, connection, isCurrent } = open
    const assessment = assess(desired, observation, rememberedHashes(open.previous), object.metadata.uid)
    const seen = { observation, assessment }
    const subject = subjectIn(assessment, object.metadata.generation)
    const hold = open.token === undefined && isSame(memory.hold?.subject, subject) ? memory.hold : undefined
    const decision = plan(desired, assessment, {
      policy: spec.policy ?? 'Enforce',
      suspend: spec.suspend === true,
      requested: open.token !== undefined,
      held: hold !== undefined && clock.now() < hold.until,
    })
    if (decision.kind === 'update') return isCurrent() ? courier.send(open, seen, decision) : undefined
    const trouble = connection.trouble()
    if (trouble && cures[trouble.kind].retry !== 'backOff')
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
    memory: Memory,
    report: Report,
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
      isCurrent: () => isCurrent(key, object) && claims.winner(spec.uuid) === key,
      token: isNew ? token : undefined,
    }
  }

  function memoryOf(key: string, object: StoredModelService): Memory {
    const { uid } = object.metadata
    const kept = memories.get(key)
    if (kept?.uid === uid) return kept.memory
    const memory = recall(statusOf(object), clock.now())
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

  async function pass(key: string, { log, signal }: PassContext): Promise<Result> {
    const reportOn = (object: StoredModelService) => {
      const { namespace, name, generation } = object.metadata
      return begin(key, object, log.child({ namespace, name, generation }), signal)
    }
    const conclude = async (report: Report, verdict: Verdict) => {
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
    return next(verdict.outcome)
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
    isCaredFor: (key) => settled.has(key) || underWay.has(key),
  }
}

const atRest: readonly Outcome['kind'][] = ['inSync', 'drifted', 'suspended', 'invalid', 'conflict']

/** Failed for the connection's sake: ZStack has not had its say on this object. */
function isUnheard(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && cures[outcome.failure.kind].scope === 'connection'
}
