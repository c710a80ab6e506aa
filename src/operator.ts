/** The composition root: builds every part by hand, starts them in order, stops them in reverse. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Logger } from 'pino'
import * as api from './api/modelservice.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { cures } from './decide/failure.ts'
import { createCluster, type Cluster } from './kube/cluster.ts'
import { runController } from './kube/controller.ts'
import { createEventRecorder } from './kube/events.ts'
import { createInformer } from './kube/informer.ts'
import { acquireLease, type Leadership } from './kube/lease.ts'
import { createQueue } from './kube/queue.ts'
import { createResource } from './kube/resource.ts'
import { createStatusWriter } from './kube/status.ts'
import { createStore } from './kube/store.ts'
import { createClaims } from './reconcile/claims.ts'
import { createPoller } from './reconcile/poll.ts'
import { createReconciler } from './reconcile/reconcile.ts'
import { isChangeForUs, urgencyOf } from './reconcile/wake.ts'
import { metered } from './telemetry/metered.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { checkPage, listen } from './telemetry/server.ts'
import { createConnections } from './zstack/connections.ts'
import { credentialsDirectory, fixedCredentials, type CredentialsSource } from './zstack/credentials.ts'
import { createHttp, type Http } from './zstack/http.ts'

const component = 'modelservice-operator'
/** Longer without a look proves nothing any more (design.md, Failures). */
const leastStaleMs = 300_000
/** Passes under way may end by themselves so long after the call to stop. */
const graceMs = 10_000
const kubeTimeoutMs = 15_000
/** A watch that has been broken this long is worth a restart of the process. */
const brokenLimitMs = 300_000

export type OperatorOptions = {
  readonly config: Config
  readonly kubeConfig: KubeConfig
  readonly version: string
  readonly log: Logger
}

/** Why an operator ended: because it was told to, or because it no longer may or can act. */
export type Ending = 'stopped' | 'leaseLost'

/**
 * Runs until `stop` is aborted. Rejects where it cannot start.
 */
export async function runOperator(
  { config, kubeConfig, version, log }: OperatorOptions,
  stop: AbortSignal,
): Promise<Ending> {
  const clock = systemClock
  const random = Math.random
  const metrics = createMetrics(version)
  const userAgent = `${component}/${version}`
  const cluster = createCluster(kubeConfig, { userAgent, requestTimeoutMs: kubeTimeoutMs })
  let leadership: Leadership | undefined
  const mayWrite = () => !config.leaderElection || leadership?.isHeld() === true

  const queue = createQueue({ clock, random, onAdd: () => metrics.queueAdds.inc({ name: metrics.controller }) })
  const claims = createClaims()
  const store = createStore<api.StoredModelService>((key, before, after) => {
    for (const other of claims.note(key, after)) queue.add(other, 'change')
    if (isChangeForUs(before, after)) queue.add(key, urgencyOf(before, after))
  })
  const resources = resourcesOf(cluster, config)
  const informer = createInformer({ resources, store, clock, random, log, onBroken: () => metrics.watchRestarts.inc() })

  const connections = createConnections({
    endpoint: config.endpoint,
    http: fenced(httpOf(config, userAgent, metrics), mayWrite),
    credentials: credentialsOf(config),
    requestBody: config.requestBody,
    maxInFlight: config.maxInFlight,
    clock,
    random,
    onShapeLearned: (shape) => log.info({ shape }, `ZStack takes the ${shape} body`),
    onChange: (change) => onCircuit(change),
  })
  const recorder = createEventRecorder({
    cluster,
    clock,
    log,
    component,
    instance: hostname(),
    apiVersion: `${api.group}/${api.version}`,
    kind: api.kind,
  })
  const [anyResource] = resources.values()
  if (!anyResource) throw new Error('nothing to watch')
  const writeStatus = createStatusWriter(anyResource, store, mayWrite)
  const staleAfterMs = Math.max(3 * config.pollIntervalMs, leastStaleMs)
  const reconciler = createReconciler({
    objects: { get: (key) => store.get(key), writeStatus },
    claims,
    connections,
    announce: (object, announcement) => recorder.record(object, announcement),
    onUpdate: (isVerified) => metrics.updates.inc({ result: isVerified ? 'verified' : 'ineffective' }),
    clock,
    endpoint: config.endpoint,
    staleAfterMs,
  })
  const poller = createPoller({
    claims,
    connections,
    isSettled: (key) => reconciler.isSettled(key),
    enqueue: (key) => queue.add(key, 'poll'),
    clock,
    random,
    log,
    intervalMs: config.pollIntervalMs,
    staleAfterMs,
  })

  function onCircuit(change: 'open' | 'trial' | 'closed') {
    const opened = connections.open()
    const trouble = opened.ok ? opened.value.trouble() : opened.failure
    metrics.circuitOpen.set(trouble ? 1 : 0)
    const [first] = reconciler.waiting()
    if (change === 'open') {
      if (trouble) log.warn({ reason: cures[trouble.kind].reason }, trouble.message)
      // An outage that passes by itself changes no status of objects in sync; what a person must mend shows on all.
      if (trouble && cures[trouble.kind].retry !== 'backOff') for (const key of store.keys()) queue.add(key, 'poll')
    } else if (change === 'trial' && first !== undefined) {
      queue.add(first, 'retry')
    } else {
      if (change === 'closed') log.info({ endpoint: config.endpoint }, 'ZStack answers again')
      for (const key of reconciler.waiting()) queue.add(key, 'retry')
      poller.hurry()
    }
  }

  const isReady = () =>
    informer.hasSynced() && (leadership === undefined && config.leaderElection ? true : poller.hasPolled())
  const health = await listen(config.healthPort, {
    '/healthz': checkPage(() =>
      informer.brokenForMs() > brokenLimitMs ? ['the watch on ModelServices is broken'] : [],
    ),
    '/readyz': checkPage(() => (isReady() ? [] : ['ModelServices are not listed yet, or ZStack was not polled yet'])),
  })
  const exposition = await listen(config.metricsPort, {
    '/metrics': async () => {
      metrics.queueDepth.set({ name: metrics.controller }, queue.depth)
      metrics.leader.set(mayWrite() ? 1 : 0)
      return { status: 200, type: metrics.contentType, text: await metrics.text() }
    },
  })

  const background = new AbortController()
  const abort = new AbortController()
  const watching = informer.run(background.signal)
  log.info(
    { version, kubernetes: cluster.server, zstack: config.endpoint, namespaces: config.watchNamespaces },
    'started',
  )
  try {
    await Promise.race([informer.synced, aborted(stop), watching])
    if (config.leaderElection && !stop.aborted) {
      leadership = await acquireLease(
        {
          cluster,
          namespace: leaseNamespace(config, cluster),
          name: component,
          identity: `${hostname()}_${randomUUID()}`,
          clock,
          random,
          log,
        },
        stop,
      )
      leadership?.lost.addEventListener('abort', () => abort.abort(leadership?.lost.reason))
    }
    if (stop.aborted) return 'stopped'
    const lost = leadership?.lost ?? new AbortController().signal
    const polling = poller.run(background.signal)
    const working = runController(
      {
        queue,
        pass: (key, context) => reconciler.reconcile(key, context),
        workers: config.maxConcurrentReconciles,
        clock,
        log: log.child({ controller: metrics.controller }),
        observe: (result, seconds) => {
          metrics.reconciles.inc({ controller: metrics.controller, result })
          metrics.reconcileSeconds.observe({ controller: metrics.controller }, seconds)
        },
      },
      abort.signal,
    )
    await Promise.race([aborted(stop), aborted(lost), working, watching])
    queue.shutDown()
    const cancel = clock.after(graceMs, () => abort.abort(new Error('time to stop is up')))
    await working
    cancel()
    background.abort()
    await polling
    return lost.aborted ? 'leaseLost' : 'stopped'
  } finally {
    queue.shutDown()
    background.abort()
    await connections.close()
    await recorder.flush(AbortSignal.timeout(1_000))
    await leadership?.release()
    await watching
    await Promise.all([health.close(), exposition.close(), cluster.close()])
  }
}

function resourcesOf(cluster: Cluster, { watchNamespaces, watchLabelSelector }: Config) {
  const { group, version, plural } = api
  const selector = watchLabelSelector === undefined ? {} : { labelSelector: watchLabelSelector }
  const scopes = watchNamespaces.length > 0 ? watchNamespaces : [undefined]
  return new Map(
    scopes.map((namespace) => [
      namespace ?? 'all namespaces',
      createResource<api.StoredModelService>(cluster, {
        group,
        version,
        plural,
        ...selector,
        ...(namespace !== undefined && { namespace }),
      }),
    ]),
  )
}

function httpOf(config: Config, userAgent: string, metrics: ReturnType<typeof createMetrics>): Http {
  const http = createHttp({
    baseUrl: config.endpoint,
    timeoutMs: config.requestTimeoutMs,
    connections: config.maxInFlight,
    userAgent,
    insecureSkipTlsVerify: config.insecureSkipTlsVerify,
    ...(config.ca !== undefined && { ca: config.ca }),
  })
  return { ...http, send: metered(http.send, metrics) }
}

/** Nothing is written to ZStack by a process that may not, however long the request waited for its turn. */
function fenced(http: Http, mayWrite: () => boolean): Http {
  return {
    ...http,
    async send(request, signal) {
      if (request.method === 'PUT' && !mayWrite()) throw new Error('not the leader any more: nothing is written')
      return http.send(request, signal)
    },
  }
}

function credentialsOf({ credentials }: Config): CredentialsSource {
  return credentials.kind === 'directory' ? credentialsDirectory(credentials.directory) : fixedCredentials(credentials)
}

function leaseNamespace(config: Config, cluster: Cluster): string {
  return config.leaderElectionNamespace ?? cluster.namespace ?? 'default'
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
