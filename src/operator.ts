/** The composition root: builds every part by hand, starts them in order, stops them in reverse. */
import type { Logger } from 'pino'
import type { StoredModelService } from './api/modelservice.ts'
import * as names from './api/names.ts'
import { withTimeout } from './clock.ts'
import type { Config } from './config.ts'
import { guarded } from './leader-guard.ts'
import type { Cluster } from './kube/cluster.ts'
import { runController } from './kube/controller.ts'
import { createEventRecorder } from './kube/events.ts'
import { createInformer } from './kube/informer.ts'
import { acquireLease, type Leadership } from './kube/lease.ts'
import { createQueue } from './kube/queue.ts'
import { createResource } from './kube/resource.ts'
import { createStatusWriter } from './kube/status.ts'
import { createStore } from './kube/store.ts'
import { limits } from './limits.ts'
import type { Dependencies } from './dependencies.ts'
import { connectionNameOf, defaultConnection } from './api/modelservice.ts'
import { createConnections } from './reconcile/connections.ts'
import { createConnectionEventHandler } from './reconcile/connection-events.ts'
import { createClaims } from './reconcile/claims.ts'
import { createStopwatch } from './reconcile/stopwatch.ts'
import { createPoller } from './reconcile/poll.ts'
import { createReconciler } from './reconcile/reconcile.ts'
import { isRelevantChange, isForeignStatus, priorityOf } from './reconcile/predicates.ts'
import { instrumented } from './telemetry/instrument.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { serveEndpoints, type OperatorState } from './telemetry/endpoints.ts'
import type { UncaughtErrors } from './telemetry/uncaught.ts'
import { createConnection } from './zstack/connection.ts'
import { credentialsDirectory, fixedCredentials } from './zstack/credentials.ts'

export const component = 'modelservice-operator'
const flushMs = 1_000

export type OperatorOptions = {
  readonly config: Config
  readonly outside: Dependencies
  readonly version: string
  readonly log: Logger
  readonly uncaughtErrors: UncaughtErrors
}

/** Why an operator ended: because it was told to, or because it no longer may act. */
export type StopReason = 'stopped' | 'leaseLost'

/** Runs until `stop` is aborted or the lease is lost. Rejects where it cannot start. */
export async function runOperator(options: OperatorOptions, stop: AbortSignal): Promise<StopReason> {
  const { config, outside, log, uncaughtErrors } = options
  const { clock, cluster } = outside
  let leadership: Leadership | undefined
  const mayWrite = () => !config.leaderElection || leadership?.isHeld() === true
  const parts = build(options, mayWrite)
  const { queue, informer, poller, connections, recorder, metrics } = parts
  const pages = await serveEndpoints(config, metrics, stateOf(parts, mayWrite, stop), clock)
  uncaughtErrors.onRejection((key) => {
    metrics.countUncaughtError()
    if (key !== undefined) queue.addBackedOff(key)
  })
  const background = new AbortController()
  const abort = new AbortController()
  const watching = informer.run(background.signal)
  log.info({ version: options.version, kubernetes: cluster.server, zstack: config.endpoint }, 'started')
  try {
    await Promise.race([informer.synced, aborted(stop), watching])
    if (config.leaderElection) leadership = await acquireLease(leaseOf(options), stop)
    if (stop.aborted) return 'stopped'
    const lost = leadership?.lost ?? new AbortController().signal
    lost.addEventListener('abort', () => abort.abort(lost.reason))
    const polling = poller.run(background.signal)
    const working = runController(
      {
        queue,
        pass: (key, context) => uncaughtErrors.runInPass(key, () => parts.reconciler.reconcile(key, context)),
        workers: config.maxConcurrentReconciles,
        clock,
        log: log.child({ controller: metrics.controller }),
        observe: metrics.observePass,
      },
      abort.signal,
    )
    await Promise.race([aborted(stop), aborted(lost), working, watching])
    // A lease that goes while a stop is under way is no reason any more.
    const ending: StopReason = lost.aborted ? 'leaseLost' : 'stopped'
    queue.shutDown()
    const cancel = clock.after(limits.shutdownGraceMs, () => abort.abort(new Error('the time to stop is up')))
    await working
    cancel()
    background.abort()
    await polling
    return ending
  } finally {
    queue.shutDown()
    background.abort()
    await connections.close()
    await withTimeout(clock, flushMs, (signal) => recorder.flush(signal))
    await leadership?.release()
    await watching
    await Promise.all([pages.close(), cluster.close()])
  }
}

type Parts = ReturnType<typeof build>

function build({ config, outside, version, log }: OperatorOptions, mayWrite: () => boolean) {
  const staleAfterMs = Math.max(limits.stalePolls * config.pollIntervalMs, limits.minStaleMs)
  const metrics = createMetrics({ version, workers: config.maxConcurrentReconciles, staleAfterMs })
  if (config.requestBody !== 'auto') metrics.noteBodyShape(config.requestBody)
  const { endpoint } = config
  const { clock, random, cluster, http } = outside
  const queue = createQueue({ clock, random, observer: metrics.queue })
  const claims = createClaims()
  const stopwatch = createStopwatch(clock, (cause, seconds) => metrics.observeConvergence(cause, seconds))
  const store = createStore<StoredModelService>((key, before, after, isOwn) => {
    for (const other of claims.note(key, after, connectionOf(after))) queue.add(other, 'change')
    const urgency = isRelevantChange(before, after) && priorityOf(before, after)
    if (urgency === 'change') stopwatch.changed(key)
    if (urgency) queue.add(key, urgency)
    else if (isForeignStatus(before, after, isOwn)) queue.add(key, 'poll')
  })
  const send: Cluster['send'] = guarded((request, signal) => cluster.send(request, signal), mayWrite)
  const resources = resourcesOf({ ...cluster, send }, config)
  const [anyResource] = resources.values()
  if (!anyResource) throw new Error('nothing to watch')
  const informer = createInformer({ resources, store, clock, random, log, onBroken: metrics.countWatchRestart })
  const connection = createConnection({
    name: defaultConnection,
    endpoint,
    http: { ...http, send: guarded(instrumented(http.send, metrics), mayWrite) },
    credentials:
      config.credentials.kind === 'directory'
        ? credentialsDirectory(config.credentials.directory)
        : fixedCredentials(config.credentials),
    requestBody: config.requestBody,
    maxInFlight: config.maxInFlight,
    clock,
    random,
    onShapeLearned: (shape) => {
      metrics.noteBodyShape(shape)
      log.info({ shape }, `ZStack takes the ${shape} body`)
    },
    onEvent: (event) => onConnectionEvent(connection, event),
  })
  const connections = createConnections([connection])
  const connectionOf = (object: StoredModelService | undefined) => {
    const found = object && connections.get(connectionNameOf(object))
    return found?.ok === true ? found.value : undefined
  }
  const recorder = createEventRecorder({
    cluster,
    clock,
    log,
    component,
    instance: outside.host,
    apiVersion: `${names.group}/${names.version}`,
    kind: names.kind,
  })
  const reconciler = createReconciler({
    objects: { get: (key) => store.get(key), writeStatus: createStatusWriter(anyResource, store) },
    claims,
    connections,
    recordEvent: (object, announcement) => recorder.record(object, announcement),
    onUpdate: metrics.countUpdate,
    stopwatch,
    clock,
    staleAfterMs,
  })
  const poller = createPoller({
    claims,
    connection,
    isSettledOrActive: (key) => reconciler.isSettledOrActive(key),
    enqueue: (key) => queue.add(key, 'poll'),
    clock,
    random,
    log,
    intervalMs: config.pollIntervalMs,
    staleAfterMs,
  })
  const onConnectionEvent = createConnectionEventHandler({
    enqueue: (key, priority) => queue.add(key, priority),
    keys: () => store.keys(),
    waiting: () => reconciler.waiting(),
    pollNow: () => poller.pollNow(),
    log,
  })
  return { metrics, queue, store, informer, connections, recorder, reconciler, poller }
}

/** What the pages tell of. */
function stateOf(
  { queue, informer, poller, store, connections }: Parts,
  isLeader: () => boolean,
  stop: AbortSignal,
): OperatorState {
  return {
    queue,
    informer,
    poller,
    objects: () => store.all(),
    isConnectionDown() {
      return connections.all().some((connection) => connection.currentFailure() !== undefined)
    },
    isLeader,
    isStopping: () => stop.aborted,
  }
}

function resourcesOf(cluster: Cluster, { watchNamespaces, watchLabelSelector }: Config) {
  const { group, version, plural, kind } = names
  const scopes = watchNamespaces.length > 0 ? watchNamespaces : [undefined]
  return new Map(
    scopes.map((namespace) => [
      namespace ?? 'all namespaces',
      createResource<StoredModelService>(cluster, {
        group,
        version,
        plural,
        kind,
        ...(watchLabelSelector !== undefined && { labelSelector: watchLabelSelector }),
        ...(namespace !== undefined && { namespace }),
      }),
    ]),
  )
}

function leaseOf({ config, outside, log }: OperatorOptions) {
  const { cluster, identity, clock, random } = outside
  const namespace = config.leaderElectionNamespace ?? cluster.namespace ?? 'default'
  return { cluster, namespace, name: component, identity, clock, random, log }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
