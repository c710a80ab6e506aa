/** Every metric in one list, name beside help. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** From a loopback answer to the default request time limit. */
const seconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function createMetrics(version: string) {
  const registry = new Registry()
  const registers = [registry]
  const metrics = {
    reconciles: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Passes by how they ended',
      labelNames: ['controller', 'result'] as const,
      registers,
    }),
    reconcileSeconds: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Time of a pass',
      labelNames: ['controller'] as const,
      buckets: seconds,
      registers,
    }),
    queueDepth: new Gauge({
      name: 'workqueue_depth',
      help: 'Keys that wait for a worker',
      labelNames: ['name'] as const,
      registers,
    }),
    queueAdds: new Counter({
      name: 'workqueue_adds_total',
      help: 'Keys added to the queue',
      labelNames: ['name'] as const,
      registers,
    }),
    apiRequests: new Counter({
      name: 'zstack_api_requests_total',
      help: 'Requests to ZStack by operation and HTTP status; none where no answer came',
      labelNames: ['operation', 'code'] as const,
      registers,
    }),
    apiSeconds: new Histogram({
      name: 'zstack_api_request_duration_seconds',
      help: 'Time of a request to ZStack',
      labelNames: ['operation'] as const,
      buckets: seconds,
      registers,
    }),
    circuitOpen: new Gauge({
      name: 'zstack_api_circuit_open',
      help: '1 while requests to ZStack are held back because they cannot succeed',
      registers,
    }),
    updates: new Counter({
      name: 'zstack_operator_updates_total',
      help: 'Updates that ZStack accepted: verified by a read, or without effect',
      labelNames: ['result'] as const,
      registers,
    }),
    watchRestarts: new Counter({
      name: 'zstack_operator_watch_restarts_total',
      help: 'Watches on Kubernetes that broke',
      registers,
    }),
    leader: new Gauge({ name: 'zstack_operator_leader', help: '1 in the process that leads', registers }),
    build: new Gauge({
      name: 'zstack_operator_build_info',
      help: 'Always 1; the version is a label',
      labelNames: ['version'] as const,
      registers,
    }),
  }
  metrics.build.set({ version }, 1)
  // A series that starts at zero shows on a dashboard before the first event.
  for (const result of ['awaitChange', 'after', 'backOff', 'error']) metrics.reconciles.inc({ controller, result }, 0)
  for (const result of ['verified', 'ineffective']) metrics.updates.inc({ result }, 0)
  return {
    controller,
    countAdd: () => metrics.queueAdds.inc({ name: controller }),
    countWatchRestart: () => metrics.watchRestarts.inc(),
    countUpdate: (isVerified: boolean) => metrics.updates.inc({ result: isVerified ? 'verified' : 'ineffective' }),
    observePass: (result: string, seconds: number) => {
      metrics.reconciles.inc({ controller, result })
      metrics.reconcileSeconds.observe({ controller }, seconds)
    },
    observeRequest: (operation: string, code: string, seconds: number) => {
      metrics.apiRequests.inc({ operation, code })
      metrics.apiSeconds.observe({ operation }, seconds)
    },
    /** The text exposition, with what is only known when somebody looks. */
    async page(now: { readonly depth: number; readonly isLeader: boolean; readonly hasTrouble: boolean }) {
      metrics.queueDepth.set({ name: controller }, now.depth)
      metrics.leader.set(now.isLeader ? 1 : 0)
      metrics.circuitOpen.set(now.hasTrouble ? 1 : 0)
      return { status: 200, type: registry.contentType, text: await registry.metrics() }
    },
  }
}

const controller = 'modelservice'
