/** Every metric there is, with its help: what `/metrics` shows, README lists and the dashboard is checked against. */
import { limits, spellMs } from '../limits.ts'

export type Metric = {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly buckets?: readonly number[]
}

function metric<const L extends readonly string[]>(kind: Metric['kind'], name: string, help: string, labelNames: L) {
  return { kind, name, help, labelNames }
}

function histogram<const L extends readonly string[]>(
  name: string,
  help: string,
  labelNames: L,
  buckets: readonly number[],
) {
  return { ...metric('histogram', name, help, labelNames), buckets: [...buckets] }
}

/** From a pass without a request to the default limit of one. */
const short = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** From one quick update to an outage of an hour. */
const long = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600]

const queue = ['name', 'controller'] as const

/** The names that dashboards for controllers know come first, then ZStack, the objects, the operator, its process. */
export const catalogue = {
  reconciles: metric(
    'counter',
    'controller_runtime_reconcile_total',
    'Passes over an object by how they ended: success, requeue_after (to look again at a known time), requeue (not done, tried again ever later), error (an error of the operator or the API server)',
    ['controller', 'result'],
  ),
  reconcileErrors: metric(
    'counter',
    'controller_runtime_reconcile_errors_total',
    'Passes that ended in an error of the operator or the API server',
    ['controller'],
  ),
  reconcileSeconds: histogram('controller_runtime_reconcile_time_seconds', 'Time of a pass', ['controller'], short),
  activeWorkers: metric('gauge', 'controller_runtime_active_workers', 'Passes under way', ['controller']),
  maxWorkers: metric(
    'gauge',
    'controller_runtime_max_concurrent_reconciles',
    'MAX_CONCURRENT_RECONCILES: the maximum of passes at once',
    ['controller'],
  ),
  queueDepth: metric(
    'gauge',
    'workqueue_depth',
    "Objects that wait for a pass, by what woke them: change (a person's), retry, poll",
    [...queue, 'priority'],
  ),
  queueAdds: metric('counter', 'workqueue_adds_total', 'Objects put into the queue', queue),
  queueRetries: metric('counter', 'workqueue_retries_total', 'Objects put back to be tried again ever later', queue),
  queueSeconds: histogram(
    'workqueue_queue_duration_seconds',
    'Time an object waits in the queue before its pass begins',
    queue,
    short,
  ),
  workSeconds: histogram('workqueue_work_duration_seconds', 'Time an object is worked on', queue, short),
  unfinishedSeconds: metric(
    'gauge',
    'workqueue_unfinished_work_seconds',
    'Time spent so far on the passes under way, summed; what only grows is stuck',
    queue,
  ),
  longestSeconds: metric(
    'gauge',
    'workqueue_longest_running_processor_seconds',
    'Time spent so far on the longest pass under way',
    queue,
  ),
  apiRequests: metric(
    'counter',
    'zstack_api_requests_total',
    'Requests to ZStack by connection, operation (query, update, job, login, logout) and HTTP status; none where no answer came',
    ['connection', 'operation', 'code'],
  ),
  apiSeconds: histogram(
    'zstack_api_request_duration_seconds',
    'Time of a request to ZStack',
    ['connection', 'operation'],
    short,
  ),
  circuitOpen: metric(
    'gauge',
    'zstack_api_circuit_open',
    '1 while requests over the connection are held back because they cannot succeed: an outage, refused credentials, no session left',
    ['connection'],
  ),
  connectionVerdict: metric(
    'gauge',
    'zstack_api_connection_verdict',
    '1 for what is known of the connection, from the check at the start on: ok, or the step at which it fails (endpoint, tls, credentials, permission); none before the first check has ended',
    ['connection', 'verdict'],
  ),
  bodyShape: metric(
    'gauge',
    'zstack_api_body_shape',
    '1 for the shape in which the ZStack of the connection takes the body of an update, once that is known',
    ['connection', 'shape'],
  ),
  condition: metric(
    'gauge',
    'zstack_modelservice_condition',
    '1 for each condition of each ModelService as it is now; exported by the leader',
    ['namespace', 'name', 'type', 'status', 'reason'],
  ),
  driftedFields: metric(
    'gauge',
    'zstack_modelservice_drifted_fields',
    `Fields in which ZStack differs from the spec (${limits.maxDriftEntries} at most); exported by the leader`,
    ['namespace', 'name'],
  ),
  updates: metric(
    'counter',
    'zstack_operator_updates_total',
    'Updates by result: verified (read back equal), ineffective (accepted, yet ZStack shows another value), failed (refused, or no answer came)',
    ['result'],
  ),
  convergence: histogram(
    'zstack_operator_convergence_seconds',
    'Time until ZStack was read to be as declared: since a change of the spec, or a request, was seen (SpecChanged), or since the difference was (DriftCorrected)',
    ['cause'],
    long,
  ),
  observationAge: metric(
    'gauge',
    'zstack_operator_observation_age_seconds',
    'Time since a poll last read any service of the connection; exported by the leader',
    ['connection'],
  ),
  staleAfter: metric(
    'gauge',
    'zstack_operator_stale_after_seconds',
    `The age from which an observation proves nothing any more: ${limits.stalePolls} polls, at least ${spellMs(limits.minStaleMs)}`,
    [],
  ),
  watchRestarts: metric(
    'counter',
    'zstack_operator_watch_restarts_total',
    'Failures of a list or watch on Kubernetes, each followed by another try',
    [],
  ),
  watchBroken: metric(
    'gauge',
    'zstack_operator_watch_broken',
    '1 while the ModelServices of the scope (a namespace of WATCH_NAMESPACES, or all namespaces) cannot be listed or watched; `/readyz` tells why, and the other scopes work',
    ['scope'],
  ),
  foreignStatusWrites: metric(
    'counter',
    'zstack_operator_foreign_status_writes_total',
    'Changes of the status of a ModelService that somebody else made while this process leads: a second operator that watches the same objects, or a person',
    [],
  ),
  uncaughtErrors: metric(
    'counter',
    'zstack_operator_uncaught_errors_total',
    'Rejected promises that nobody handled: bugs. Each is logged with the object in whose pass it began, which is tried again; an uncaught exception ends the process instead',
    [],
  ),
  leader: metric('gauge', 'zstack_operator_leader', '1 in the process that acts, 0 in one that stands by', []),
  build: metric('gauge', 'zstack_operator_build_info', 'Always 1; the version is a label', ['version']),
  cpuSeconds: metric('counter', 'process_cpu_seconds_total', 'CPU time of the process, user and system', []),
  residentBytes: metric('gauge', 'process_resident_memory_bytes', 'Resident memory of the process', []),
  startTime: metric('gauge', 'process_start_time_seconds', 'When the process started, in seconds since the epoch', []),
  heapBytes: metric('gauge', 'nodejs_heap_size_used_bytes', 'Heap in use by JavaScript', []),
  loopLag: metric(
    'gauge',
    'nodejs_eventloop_lag_max_seconds',
    'The longest that the event loop was late within the last minute or two',
    [],
  ),
} satisfies Readonly<Record<string, Metric>>
