/** The composition root: builds every part by hand, starts them in order, stops them in reverse. */
import type { Logger } from 'pino'
import * as api from './api/modelservice.ts'
import { inTime } from './clock.ts'
import type { Config } from './config.ts'
import { fenced } from './fence.ts'
import type { Cluster } from './kube/cluster.ts'
import { runController } from './kube/controller.ts'
import { createEventRecorder } from './kube/events.ts'
import { createInformer } from './kube/informer.ts'
import { acquireLease, type Leadership } from './kube/lease.ts'
import { createQueue } from './kube/queue.ts'
import { createResource } from './kube/resource.ts'
import { createStatusWriter } from './kube/status.ts'
import { createStore } from './kube/store.ts'
import type { Outside } from './outside.ts'
import { createClaims } from './reconcile/claims.ts'
import { createStopwatch } from './reconcile/stopwatch.ts'
import { createPoller } from './reconcile/poll.ts'
import { createReconciler } from './reconcile/reconcile.ts'
import { createAlarm, isChangeForUs, isOthersStatus, urgencyOf } from './reconcile/wake.ts'
import { metered } from './telemetry/metered.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { servePages, type Told } from './telemetry/pages.ts'
import type { UncaughtErrors } from './telemetry/uncaught.ts'
import { createConnections } from './zstack/connections.ts'
import { credentialsDirectory, fixedCredentials } from './zstack/credentials.ts'

export const component = 'modelservice-operator'
/** Longer without a look proves nothing any more (design.md, Failures). */
const leastStaleMs = 300_000
/** Passes under way may end by themselves so long after the call to stop. */
const graceMs = 10_000
const flushMs = 1_000

export type OperatorOptions = {
  readonly config: Config
  readonly outside: Outside
  readonly version: string
  readonly log: Logger
  readonly uncaughtErrors: UncaughtErrors
}

/** Why an operator ended: because it was told to, or because it no longer may act. */
export type Ending = 'stopped' | 'leaseLost'

/** Runs until `stop` is aborted or the lease is lost. Rejects where it cannot start. */
export async function runOperator(options: OperatorOptions, stop: AbortSignal): Promise<Ending> {
  const { config, outside, log, uncaughtErrors } = options
  const { clock, cluster } = outside
  let leadership: Leadership | undefined
  const mayWrite = () => !config.leaderElection || leadership?.isHeld() === true
  const parts = build(options, mayWrite)
  const { queue, informer, poller, connections, recorder, metrics } = parts
  const pages = await servePages(config, metrics, told(parts, mayWrite, stop), clock)
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
    const ending: Ending = lost.aborted ? 'leaseLost' : 'stopped'
    queue.shutDown()
    const cancel = clock.after(graceMs, () => abort.abort(new Error('the time to stop is up')))
    await working
    cancel()
    background.abort()
    await polling
    return ending
  } finally {
    queue.shutDown()
    background.abort()
    await connections.close()
    await inTime(clock, flushMs, (signal) => recorder.flush(signal))
    await leadership?.release()
    await watching
    await Promise.all([pages.close(), cluster.close()])
  }
}

type Parts = ReturnType<typeof build>

function build({ config, outside, version, log }: OperatorOptions, mayWrite: () => boolean) {
  const staleAfterMs = Math.max(3 * config.pollIntervalMs, leastStaleMs)
  const metrics = createMetrics({ version, workers: config.maxConcurrentReconciles, staleAfterMs })
  if (config.requestBody !== 'auto') metrics.noteBodyShape(config.requestBody)
  const { endpoint } = config
  const { clock, random, cluster, http } = outside
  const queue = createQueue({ clock, random, observer: metrics.queue })
  const claims = createClaims()
  const stopwatch = createStopwatch(clock, (cause, seconds) => metrics.observeConvergence(cause, seconds))
  const store = createStore<api.StoredModelService>((key, before, after, isOwn) => {
    for (const other of claims.note(key, after)) queue.add(other, 'change')
    const urgency = isChangeForUs(before, after) && urgencyOf(before, after)
    if (urgency === 'change') stopwatch.changed(key)
    if (urgency) queue.add(key, urgency)
    else if (isOthersStatus(before, after, isOwn)) queue.add(key, 'poll')
  })
  const send: Cluster['send'] = fenced((request, signal) => cluster.send(request, signal), mayWrite)
  const resources = resourcesOf({ ...cluster, send }, config)
  const [anyResource] = resources.values()
  if (!anyResource) throw new Error('nothing to watch')
  const informer = createInformer({ resources, store, clock, random, log, onBroken: metrics.countWatchRestart })
  const connections = createConnections({
    endpoint,
    http: { ...http, send: fenced(metered(http.send, metrics), mayWrite) },
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
    onChange: (change) => alarm(change),
  })
  const recorder = createEventRecorder({
    cluster,
    clock,
    log,
    component,
    instance: outside.host,
    apiVersion: `${api.group}/${api.version}`,
    kind: api.kind,
  })
  const reconciler = createReconciler({
    objects: { get: (key) => store.get(key), writeStatus: createStatusWriter(anyResource, store) },
    claims,
    connections,
    announce: (object, announcement) => recorder.record(object, announcement),
    onUpdate: metrics.countUpdate,
    stopwatch,
    clock,
    endpoint,
    staleAfterMs,
  })
  const poller = createPoller({
    claims,
    connections,
    isCaredFor: (key) => reconciler.isCaredFor(key),
    enqueue: (key) => queue.add(key, 'poll'),
    clock,
    random,
    log,
    intervalMs: config.pollIntervalMs,
    staleAfterMs,
  })
  const alarm = createAlarm({
    connections,
    enqueue: (key, priority) => queue.add(key, priority),
    keys: () => store.keys(),
    waiting: () => reconciler.waiting(),
    hurryPoll: () => poller.hurry(),
    log: log.child({ zstack: endpoint }),
  })
  return { metrics, queue, store, informer, connections, recorder, reconciler, poller }
}

/** What the pages tell of. */
function told(
  { queue, informer, poller, store, connections }: Parts,
  isLeader: () => boolean,
  stop: AbortSignal,
): Told {
  return {
    queue,
    informer,
    poller,
    objects: () => store.all(),
    hasTrouble() {
      const connection = connections.open()
      return !connection.ok || connection.value.trouble() !== undefined
    },
    isLeader,
    isStopping: () => stop.aborted,
  }
}

function resourcesOf(cluster: Cluster, { watchNamespaces, watchLabelSelector }: Config) {
  const { group, version, plural, kind } = api
  const scopes = watchNamespaces.length > 0 ? watchNamespaces : [undefined]
  return new Map(
    scopes.map((namespace) => [
      namespace ?? 'all namespaces',
      createResource<api.StoredModelService>(cluster, {
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
