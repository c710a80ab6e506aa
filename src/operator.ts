/** The composition root: builds every part by hand, starts them in order, and stops them in one place. */
import type { Logger } from 'pino'
import { connectionNameOf, defaultConnection, type StoredModelService } from './api/modelservice.ts'
import * as names from './api/names.ts'
import { connectionStepOf, failurePolicy } from './decide/failure.ts'
import { untilAborted, withTimeout, type Clock } from './clock.ts'
import { effectiveSettings, type Config } from './config.ts'
import { createDefaultConnection } from './default-connection.ts'
import type { Dependencies } from './dependencies.ts'
import type { Cluster } from './kube/cluster.ts'
import { runController, sharesOf } from './kube/controller.ts'
import { createEventRecorder, type EventText } from './kube/events.ts'
import { createInformer } from './kube/informer.ts'
import { acquireLease, type Leadership } from './kube/lease.ts'
import { createQueue } from './kube/queue.ts'
import { createReferencedObjects } from './kube/referenced-objects.ts'
import { createResource } from './kube/resource.ts'
import { createStatusWriter } from './kube/status.ts'
import { createStore } from './kube/store.ts'
import { guarded } from './leader-guard.ts'
import { limits } from './limits.ts'
import { createClaims } from './reconcile/claims.ts'
import { createConnectionCheck, type ConnectionCheck } from './reconcile/connection-check.ts'
import { connectionWorks, createConnectionEventHandler } from './reconcile/connection-events.ts'
import { createConnections } from './reconcile/connections.ts'
import { createForeignStatus } from './reconcile/foreign-status.ts'
import { createObjectChangeHandler } from './reconcile/object-changes.ts'
import { priorityOf } from './reconcile/predicates.ts'
import { createPoller, type Poller } from './reconcile/poll.ts'
import type { Connection, Connections } from './reconcile/ports.ts'
import { createReconciler } from './reconcile/reconcile.ts'
import { createStopwatch } from './reconcile/stopwatch.ts'
import { serveEndpoints, type OperatorState } from './telemetry/endpoints.ts'
import { instrumented } from './telemetry/instrument.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import type { UncaughtErrors } from './telemetry/uncaught.ts'

export const component = 'modelservice-operator'
/** Events that are still unsent at the end are given up after this time. */
const eventFlushMs = 1_000
/**
 * Until when the steps of a stop are waited for that follow the passes, counted from its start. The last is over before
 * `limits.shutdownGraceMs`, which is thus kept even if each of them hangs.
 */
const stopBy = { passesAbortedMs: 6_500, loggedOutMs: 8_000, leaseReleasedMs: 9_000, closedMs: 9_500 } as const

export type OperatorOptions = {
  readonly config: Config
  readonly dependencies: Dependencies
  readonly version: string
  readonly log: Logger
  readonly uncaughtErrors: UncaughtErrors
}

/** Why an operator ended: a signal asked it to, or it may no longer act. */
export type StopReason = 'stopped' | 'leaseLost'

/** What all parts are built with. */
type Parts = {
  readonly options: OperatorOptions
  readonly metrics: Metrics
  readonly staleAfterMs: number
  /** Whether this process may write at this very moment. */
  readonly isLeader: () => boolean
}

/** Runs until `stop` is aborted or the lease is lost. Rejects where it cannot start. */
export async function runOperator(options: OperatorOptions, stop: AbortSignal): Promise<StopReason> {
  const { config, dependencies, version, log, uncaughtErrors } = options
  const { clock, cluster } = dependencies
  const staleAfterMs = Math.max(limits.stalePolls * config.pollIntervalMs, limits.minStaleMs)
  const metrics = createMetrics({ version, workers: config.maxConcurrentReconciles, staleAfterMs })
  let leadership: Leadership | undefined
  let leaseProblem: string | undefined
  const isLeader = () => !config.leaderElection || leadership?.isHeld() === true
  const parts: Parts = { options, metrics, staleAfterMs, isLeader }
  const connections = buildZStack(parts)
  const kube = buildKube(parts)
  const { reconciler, pollers, checks } = buildReconciler(parts, connections, kube)
  const { queue, informer, references } = kube
  uncaughtErrors.onRejection((key) => {
    metrics.countUncaughtError()
    if (key !== undefined) queue.addBackedOff(key)
  })
  const state = {
    ...stateOf(kube, pollers, checks, connections),
    isLeader,
    leaseProblem: () => leaseProblem,
    isStopping: () => stop.aborted,
  }
  const endpoints = await serveEndpoints(config, metrics, state, clock)

  const watches = new AbortController()
  const polls = new AbortController()
  /** Cuts passes short. */
  const passes = new AbortController()
  let polling: Promise<unknown> = Promise.resolve()
  let working: Promise<unknown> = Promise.resolve()
  const watching = informer.run(watches.signal)
  const checking = Promise.all([untilAborted(polls.signal), ...checks.map((check) => check.run(polls.signal))])
  log.info(
    { version, kubernetes: cluster.server, zstack: config.endpoint, settings: effectiveSettings(config) },
    'started',
  )
  try {
    await Promise.race([informer.synced, untilAborted(stop), watching, checking])
    if (config.leaderElection) {
      const onProblem = (problem: string | undefined) => (leaseProblem = problem)
      leadership = await acquireLease({ ...leaseOf(options), onProblem }, stop)
    }
    if (stop.aborted) return 'stopped'
    const lost = leadership?.lost ?? new AbortController().signal
    lost.addEventListener('abort', () => passes.abort(lost.reason), { once: true })
    polling = Promise.all([...pollers.values(), references].map((poller) => poller.run(polls.signal)))
    working = runController(
      {
        queue,
        pass: (key, context) => uncaughtErrors.runInPass(key, () => reconciler.reconcile(key, context)),
        workers: config.maxConcurrentReconciles,
        clock,
        log: log.child({ controller: metrics.controller }),
        observe: metrics.observePass,
      },
      passes.signal,
    )
    await Promise.race([untilAborted(stop), untilAborted(lost), working, watching, checking])
    // Judged now: a lease that goes while a stop is under way is no reason any more.
    return lost.aborted ? 'leaseLost' : 'stopped'
  } finally {
    await shutDown()
  }

  /** Takes no new work, lets passes end, logs out, and hands the lease over: in this order, for each needs the next. */
  async function shutDown(): Promise<void> {
    const waitFor = createStopSteps(clock, log)
    queue.shutDown()
    polls.abort()
    if (!(await waitFor('the passes under way', limits.shutdownPassesMs, working))) {
      passes.abort(new Error('the time to stop is up'))
      await waitFor('passes that were aborted', stopBy.passesAbortedMs, working)
    }
    await Promise.all([
      // A poll may still wait for a log-in, which no abort ends: the log-out ends both.
      waitFor('the log-out of ZStack', stopBy.loggedOutMs, connections.close()),
      waitFor(
        'unsent events',
        stopBy.loggedOutMs,
        withTimeout(clock, eventFlushMs, (signal) => kube.flushEvents(signal)),
      ),
    ])
    await waitFor('the release of the lease', stopBy.leaseReleasedMs, leadership?.release())
    watches.abort()
    const closed = Promise.all([polling, checking, watching, endpoints.close(), cluster.close()])
    await waitFor('what only reads', stopBy.closedMs, closed)
  }
}

/**
 * Waits for one step of the stop until a time that is counted from the start of the stop, so that a step that hangs takes
 * nothing from the ones that follow, and what a quick one leaves is theirs. Resolves to whether the step has ended.
 */
function createStopSteps(clock: Clock, log: Logger) {
  const began = clock.monotonic()
  return async (what: string, byMs: number, work: Promise<unknown> | undefined): Promise<boolean> => {
    const { promise: late, resolve } = Promise.withResolvers<false>()
    const cancel = clock.after(Math.max(0, began + byMs - clock.monotonic()), () => resolve(false))
    try {
      const ended = await Promise.race([late, (work ?? Promise.resolve()).then(() => true)])
      if (!ended) log.warn(`the stop does not wait any longer for ${what}`)
      return ended
    } catch (error) {
      log.warn({ err: error }, `the stop goes on, though this failed: ${what}`)
      return true
    } finally {
      cancel()
    }
  }
}

/**
 * The connections to ZStack: one, which the environment describes. A second one needs a configuration of its own beside
 * that of `config.ts`, and a name that `connectionNameOf` gives to its objects.
 */
function buildZStack({ options, metrics, isLeader }: Parts): Connections {
  const { config, dependencies, log } = options
  const { requestBody } = config
  if (requestBody !== 'auto') metrics.noteBodyShape(defaultConnection, requestBody)
  const connection = createDefaultConnection(config, dependencies, {
    wrap: (send) => guarded(instrumented(send, metrics, defaultConnection), isLeader),
    onShapeLearned: (shape) => {
      metrics.noteBodyShape(defaultConnection, shape)
      log.info({ shape }, `ZStack takes the ${shape} body`)
    },
  })
  return createConnections([connection])
}

type Kube = ReturnType<typeof buildKube>

/** What is watched in Kubernetes, what waits for a pass, and what is written. */
function buildKube({ options, metrics, isLeader }: Parts) {
  const { config, dependencies, log } = options
  const { clock, random, cluster, host } = dependencies
  const { group, version, kind } = names
  const events = { cluster, clock, log, component, instance: host }
  const recorder = createEventRecorder({ ...events, apiVersion: `${group}/${version}`, kind })
  const podRecorder = createEventRecorder({ ...events, apiVersion: 'v1', kind: 'Pod' })
  const pod = podOf(options)
  const writer: Cluster = { ...cluster, send: guarded((request, signal) => cluster.send(request, signal), isLeader) }
  const store = createStore<StoredModelService>()
  const resource = createResource<StoredModelService>(writer, names)
  return {
    queue: createQueue({ clock, random, observer: metrics.queue, shares: sharesOf(config.maxConcurrentReconciles) }),
    store,
    references: createReferencedObjects({ cluster, clock, random }),
    objects: { get: (key: string) => store.get(key), writeStatus: createStatusWriter(resource, store) },
    informer: createInformer({
      resources: scopesOf(cluster, config),
      store,
      clock,
      random,
      log,
      onBroken: metrics.countWatchRestart,
    }),
    recorder,
    recordOfPod: (event: EventText) => {
      if (pod) podRecorder.record(pod, event)
    },
    flushEvents: (signal: AbortSignal) => Promise.all([recorder.flush(signal), podRecorder.flush(signal)]),
  }
}

/** The pod of this process: there, those who look for the reason why it is not ready find its events. */
function podOf({ config: { pod, podNamespace }, dependencies: { cluster } }: OperatorOptions) {
  const namespace = podNamespace ?? cluster.namespace
  return pod && namespace !== undefined ? { metadata: { ...pod, namespace } } : undefined
}

/** What is watched: all namespaces at once, or each of those that are named. */
function scopesOf(cluster: Cluster, { watchNamespaces, watchLabelSelector }: Config) {
  const scopes = watchNamespaces.length > 0 ? watchNamespaces : [undefined]
  return new Map(
    scopes.map((namespace) => [
      namespace ?? 'all namespaces',
      createResource<StoredModelService>(cluster, {
        ...names,
        ...(watchLabelSelector !== undefined && { labelSelector: watchLabelSelector }),
        ...(namespace !== undefined && { namespace }),
      }),
    ]),
  )
}

/** The passes, the polls, and what wakes either. */
function buildReconciler({ options, metrics, staleAfterMs, isLeader }: Parts, connections: Connections, kube: Kube) {
  const { config, dependencies, log } = options
  const { clock, random } = dependencies
  const { queue, store, objects, recorder, recordOfPod, references } = kube
  const claims = createClaims()
  const stopwatch = createStopwatch(clock, (cause, seconds) => metrics.observeConvergence(cause, seconds))
  const connectionOf = (object: StoredModelService) => {
    const found = connections.get(connectionNameOf(object))
    return found.ok ? found.value : undefined
  }
  const foreignStatus = createForeignStatus({
    clock,
    random,
    enqueue: (key) => queue.add(key, 'poll'),
    enqueueAfter: (key, ms) => queue.addAfter(key, ms),
    isLeader,
    onWrite: metrics.countForeignStatusWrite,
    onRepeated: (key) => warnOfForeignStatus(key, kube, log),
  })
  const reconciler = createReconciler({
    objects,
    claims,
    connections,
    references,
    recordEvent: (object, event) => recorder.record(object, event),
    onUpdate: metrics.countUpdate,
    mayRestoreStatus: (key) => foreignStatus.mayAnswer(key),
    stopwatch,
    clock,
    staleAfterMs,
  })
  const pollers = new Map(
    connections.all().map((connection) => [
      connection.name,
      createPoller({
        claims,
        connection,
        isSettledOrActive: (key) => reconciler.isSettledOrActive(key),
        enqueue(key, isChanged) {
          // Another observation ends the backoff of an object.
          if (isChanged) queue.forget(key)
          queue[isChanged ? 'wake' : 'add'](key, 'poll')
        },
        clock,
        random,
        log,
        intervalMs: config.pollIntervalMs,
        staleAfterMs,
      }),
    ]),
  )
  const speaksThrough = (connection: Connection) => (key: string) => {
    const object = store.get(key)
    return object !== undefined && connectionNameOf(object) === connection.name
  }
  const connectionEvents = createConnectionEventHandler({
    enqueue: (key, priority) => (priority === 'retry' ? queue.wake(key, priority) : queue.add(key, priority)),
    keys: (connection) => [...store.keys()].filter(speaksThrough(connection)),
    waiting: (connection) => [...reconciler.waiting()].filter(speaksThrough(connection)),
    pollNow: ({ name }) => pollers.get(name)?.pollNow(),
    onVerdict({ name, endpoint }, failure) {
      metrics.noteConnectionVerdict(name, failure ? connectionStepOf(failure.kind) : 'ok')
      const { reason } = failure ? failurePolicy[failure.kind] : { reason: 'Connected' }
      const message = failure ? failure.message : `${endpoint}: ${connectionWorks}`
      recordOfPod({ type: failure ? 'Warning' : 'Normal', reason, message })
    },
    clock,
    log,
  })
  store.subscribe(
    createObjectChangeHandler({
      claims,
      connectionOf,
      enqueue: (key, priority) => queue.add(key, priority),
      onChanged: (key) => stopwatch.changed(key),
      foreignStatus,
    }),
  )
  references.subscribe((keys, isFirst) => {
    for (const key of keys) {
      const object = store.get(key)
      // What a former process has dealt with waits behind people's changes.
      if (isFirst && priorityOf(undefined, object, object && connectionOf(object)?.endpoint) === 'poll')
        queue.wake(key, 'poll')
      else {
        stopwatch.changed(key)
        queue.add(key, 'change')
      }
    }
  })
  for (const connection of connections.all())
    connection.subscribe((event) => connectionEvents.onEvent(connection, event))
  const checks = connections.all().map((connection) =>
    createConnectionCheck({
      connection,
      isLeader,
      onChecked: (result) => connectionEvents.onChecked(connection, result),
      clock,
    }),
  )
  return { reconciler, pollers, checks }
}

function warnOfForeignStatus(key: string, { store, recorder }: Kube, log: Logger) {
  const object = store.get(key)
  if (!object) return
  const message =
    'somebody else goes on writing the status of this object, so it may be untrue for minutes; look for a second operator that watches it (metadata.managedFields names who writes)'
  const { namespace, name } = object.metadata
  log.warn({ namespace, name }, message)
  recorder.record(object, { type: 'Warning', reason: 'ForeignStatus', message })
}

/** What the endpoints tell of. */
function stateOf(
  { queue, informer, store }: Kube,
  pollers: ReadonlyMap<string, Poller>,
  checks: readonly ConnectionCheck[],
  connections: Connections,
): Omit<OperatorState, 'isLeader' | 'leaseProblem' | 'isStopping'> {
  return {
    queue,
    informer,
    poller: { hasPolled: () => [...pollers.values()].every((poller) => poller.hasPolled()) },
    objects: () => store.all(),
    connectionProblems: () => checks.map((check) => check.problem()).filter((problem) => problem !== undefined),
    connections: () =>
      connections.all().map((connection) => ({
        name: connection.name,
        trouble: connection.currentFailure()?.message,
        observationAgeMs: pollers.get(connection.name)?.observationAgeMs(),
      })),
  }
}

function leaseOf({ config, dependencies, log }: OperatorOptions) {
  const { cluster, identity, clock, random } = dependencies
  const namespace = config.leaderElectionNamespace ?? cluster.namespace ?? 'default'
  return { cluster, namespace, name: component, identity, clock, random, log }
}
