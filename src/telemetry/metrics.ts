/** The metrics: some are counted as things happen, the others are looked up at each scrape. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { UpdateResult } from '../reconcile/ports.ts'
import { catalogue } from './catalogue.ts'
import { objectSeries, type ObservedObject } from './object-metrics.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** How things stand at the moment of a scrape; times are seconds. */
export type Snapshot = {
  readonly waiting: Readonly<Record<'change' | 'retry' | 'poll', number>>
  /** For how long each pass under way has run. */
  readonly working: readonly number[]
  readonly isLeader: boolean
  readonly connections: readonly {
    readonly name: string
    /** Whether requests over it are held back. */
    readonly isDown: boolean
    /** Absent until a poll of it has begun. */
    readonly observationAge: number | undefined
  }[]
  readonly scopes: readonly { readonly scope: string; readonly problem: string | undefined }[]
  readonly loopLag: number
  readonly objects: () => Iterable<ObservedObject>
  readonly process: {
    readonly cpuSeconds: number
    readonly residentBytes: number
    readonly heapBytes: number
    readonly startTime: number
  }
}

const controller = 'modelservice'
const queue = { name: controller, controller }

/** The controller's results, in the words that dashboards know. */
const results = { awaitChange: 'success', after: 'requeue_after', backOff: 'requeue', error: 'error' } as const

export type MetricsOptions = {
  readonly version: string
  /** The maximum of passes at once. */
  readonly workers: number
  /** An older observation proves nothing any more. */
  readonly staleAfterMs: number
}

export function createMetrics({ version, workers, staleAfterMs }: MetricsOptions) {
  const registry = new Registry()
  const registers = [registry]
  const m = create(registers)
  const shapes = new Map<string, string>()
  const verdicts = new Map<string, string>()
  m.build.set({ version }, 1)
  m.maxWorkers.set({ controller }, workers)
  m.staleAfter.set(staleAfterMs / 1000)
  startAtZero(m)
  return {
    controller,
    queue: {
      added: () => m.queueAdds.inc(queue),
      retried: () => m.queueRetries.inc(queue),
      taken: (seconds: number) => m.queueSeconds.observe(queue, seconds),
      finished: (seconds: number) => m.workSeconds.observe(queue, seconds),
    },
    countWatchRestart: () => m.watchRestarts.inc(),
    countForeignStatusWrite: () => m.foreignStatusWrites.inc(),
    countUncaughtError: () => m.uncaughtErrors.inc(),
    countUpdate: (result: UpdateResult) => m.updates.inc({ result }),
    observeConvergence: (cause: 'SpecChanged' | 'DriftCorrected', seconds: number) =>
      m.convergence.observe({ cause }, seconds),
    noteBodyShape(connection: string, shape: string) {
      const former = shapes.get(connection)
      if (former !== undefined) m.bodyShape.remove({ connection, shape: former })
      shapes.set(connection, shape)
      m.bodyShape.set({ connection, shape }, 1)
    },
    noteConnectionVerdict(connection: string, verdict: string) {
      const former = verdicts.get(connection)
      if (former !== undefined) m.connectionVerdict.remove({ connection, verdict: former })
      verdicts.set(connection, verdict)
      m.connectionVerdict.set({ connection, verdict }, 1)
    },
    observePass: (kind: keyof typeof results, seconds: number) => {
      m.reconciles.inc({ controller, result: results[kind] })
      if (kind === 'error') m.reconcileErrors.inc({ controller })
      m.reconcileSeconds.observe({ controller }, seconds)
    },
    observeRequest(connection: string, operation: string, code: string, seconds: number) {
      m.apiRequests.inc({ connection, operation, code })
      m.apiSeconds.observe({ connection, operation }, seconds)
    },
    /** The text exposition, in pieces: the objects' part is made while it is sent, and never held as a whole. */
    async page(now: Snapshot) {
      setGauges(m, now)
      const counted = await registry.metrics()
      function* text() {
        yield `${counted.trimEnd()}\n`
        if (now.isLeader) yield* objectSeries(now.objects)
      }
      return { status: 200, type: registry.contentType, text: text() }
    },
  }
}

type Instruments = ReturnType<typeof create>

function create(registers: Registry[]) {
  const c = catalogue
  return {
    reconciles: new Counter({ ...c.reconciles, registers }),
    reconcileErrors: new Counter({ ...c.reconcileErrors, registers }),
    reconcileSeconds: new Histogram({ ...c.reconcileSeconds, registers }),
    activeWorkers: new Gauge({ ...c.activeWorkers, registers }),
    maxWorkers: new Gauge({ ...c.maxWorkers, registers }),
    queueDepth: new Gauge({ ...c.queueDepth, registers }),
    queueAdds: new Counter({ ...c.queueAdds, registers }),
    queueRetries: new Counter({ ...c.queueRetries, registers }),
    queueSeconds: new Histogram({ ...c.queueSeconds, registers }),
    workSeconds: new Histogram({ ...c.workSeconds, registers }),
    unfinishedSeconds: new Gauge({ ...c.unfinishedSeconds, registers }),
    longestSeconds: new Gauge({ ...c.longestSeconds, registers }),
    apiRequests: new Counter({ ...c.apiRequests, registers }),
    apiSeconds: new Histogram({ ...c.apiSeconds, registers }),
    circuitOpen: new Gauge({ ...c.circuitOpen, registers }),
    connectionVerdict: new Gauge({ ...c.connectionVerdict, registers }),
    bodyShape: new Gauge({ ...c.bodyShape, registers }),
    updates: new Counter({ ...c.updates, registers }),
    convergence: new Histogram({ ...c.convergence, registers }),
    observationAge: new Gauge({ ...c.observationAge, registers }),
    staleAfter: new Gauge({ ...c.staleAfter, registers }),
    watchRestarts: new Counter({ ...c.watchRestarts, registers }),
    watchBroken: new Gauge({ ...c.watchBroken, registers }),
    foreignStatusWrites: new Counter({ ...c.foreignStatusWrites, registers }),
    uncaughtErrors: new Counter({ ...c.uncaughtErrors, registers }),
    leader: new Gauge({ ...c.leader, registers }),
    build: new Gauge({ ...c.build, registers }),
    cpuSeconds: new Counter({ ...c.cpuSeconds, registers }),
    residentBytes: new Gauge({ ...c.residentBytes, registers }),
    startTime: new Gauge({ ...c.startTime, registers }),
    heapBytes: new Gauge({ ...c.heapBytes, registers }),
    loopLag: new Gauge({ ...c.loopLag, registers }),
  }
}

/** A series that starts at zero shows on a dashboard, and counts for `rate`, before the first event. */
function startAtZero(m: Instruments) {
  for (const result of Object.values(results)) m.reconciles.inc({ controller, result }, 0)
  for (const result of ['verified', 'ineffective', 'failed']) m.updates.inc({ result }, 0)
  for (const cause of ['SpecChanged', 'DriftCorrected']) m.convergence.zero({ cause })
  m.reconcileErrors.inc({ controller }, 0)
  m.reconcileSeconds.zero({ controller })
  for (const counter of [m.queueAdds, m.queueRetries]) counter.inc(queue, 0)
  for (const times of [m.queueSeconds, m.workSeconds]) times.zero(queue)
}

function setGauges(m: Instruments, now: Snapshot) {
  // The queue of a process that stands by does not count, for the leader does that work.
  for (const [priority, depth] of Object.entries(now.waiting))
    m.queueDepth.set({ ...queue, priority }, now.isLeader ? depth : 0)
  m.activeWorkers.set({ controller }, now.working.length)
  m.unfinishedSeconds.set(
    queue,
    now.working.reduce((sum, seconds) => sum + seconds, 0),
  )
  m.longestSeconds.set(queue, Math.max(0, ...now.working))
  m.leader.set(now.isLeader ? 1 : 0)
  // A connection that is gone takes its series with it.
  m.circuitOpen.reset()
  m.observationAge.reset()
  for (const { name, isDown, observationAge } of now.connections) {
    m.circuitOpen.set({ connection: name }, isDown ? 1 : 0)
    // While the age is unknown there is no series, for zero would be wrong.
    if (observationAge !== undefined && now.isLeader) m.observationAge.set({ connection: name }, observationAge)
  }
  for (const { scope, problem } of now.scopes) m.watchBroken.set({ scope }, problem === undefined ? 0 : 1)
  m.loopLag.set(now.loopLag)
  m.cpuSeconds.reset()
  m.cpuSeconds.inc(now.process.cpuSeconds)
  m.residentBytes.set(now.process.residentBytes)
  m.heapBytes.set(now.process.heapBytes)
  m.startTime.set(now.process.startTime)
}
