/** What the dashboard shows, from the fleet down to the process: each panel with its queries. */

export type Query = { readonly expr: string; readonly legend: string }

export type Panel = {
  readonly kind: 'stat' | 'timeseries' | 'stacked' | 'table'
  readonly title: string
  /** How to read it. */
  readonly help: string
  /** In Grafana's names. */
  readonly unit: string
  readonly queries: readonly Query[]
  /** Of 24 columns. */
  readonly width: number
  /** Of a stat: from where on it is red. */
  readonly alarm?: number
}

export type Row = { readonly title: string; readonly panels: readonly Panel[] }

const job = 'job=~"$job"'
const chosen = `${job}, namespace=~"$namespace"`
const queue = `${job}, name="modelservice"`
const passes = `${job}, controller="modelservice"`

const q = (legend: string, expr: string): Query => ({ expr, legend })

/** One series per object, whichever replica tells of it. */
const objects = (matchers: string, by = '') =>
  `max by (namespace, name${by}) (zstack_modelservice_condition{${chosen}, ${matchers}})`
const drifted = `max by (namespace, name) (zstack_modelservice_drifted_fields{${chosen}})`

function quantiles(metric: string, matchers: string, by: string, legend: string): readonly Query[] {
  return [0.5, 0.95, 0.99].map((quantile) =>
    q(
      `p${quantile * 100} ${legend}`.trim(),
      `histogram_quantile(${quantile}, sum by (${by}) (rate(${metric}_bucket{${matchers}}[$__rate_interval])))`,
    ),
  )
}

const stat = (title: string, help: string, unit: string, expr: string, alarm?: number): Panel => ({
  kind: 'stat',
  title,
  help,
  unit,
  queries: [q('', expr)],
  width: 3,
  ...(alarm !== undefined && { alarm }),
})

const graph = (
  title: string,
  help: string,
  unit: string,
  queries: readonly Query[],
  { width = 8, kind = 'timeseries' }: Partial<Pick<Panel, 'width' | 'kind'>> = {},
): Panel => ({ kind, title, help, unit, queries, width })

export const rows: readonly Row[] = [
  {
    title: 'Fleet',
    panels: [
      stat('ModelServices', 'Objects the operator keeps.', 'short', `count(${objects('type="Ready"')}) or vector(0)`),
      stat(
        'Not ready',
        'Ready is not True. A suspension counts; drift that the policy leaves alone does not.',
        'short',
        `count(${objects('type="Ready", status!="True"')}) or vector(0)`,
        1,
      ),
      stat(
        'Stalled',
        'Objects that need a person.',
        'short',
        `count(${objects('type="Stalled", status="True"')}) or vector(0)`,
        1,
      ),
      stat('Drifted', 'Objects that ZStack differs from.', 'short', `count(${drifted} > 0) or vector(0)`, 1),
      stat(
        'Connections down',
        'Connections whose requests are held back.',
        'short',
        `sum(max by (job, connection) (zstack_api_circuit_open{${job}}))`,
        1,
      ),
      stat(
        'Last observation',
        'How long ago a poll last read any service; of the connection where that is longest.',
        's',
        `max(zstack_operator_observation_age_seconds{${job}})`,
        300,
      ),
      stat('Leaders', 'One per deployment.', 'short', `sum(zstack_operator_leader{${job}})`),
      stat('Replicas', 'Processes that report.', 'short', `count(zstack_operator_build_info{${job}})`),
      graph(
        'Objects by reason',
        'The reason of Ready. deploy/README.md, Conditions, says what each one asks for.',
        'short',
        [q('{{reason}}', `sum by (reason) (${objects('type="Ready"', ', reason')})`)],
        { width: 12, kind: 'stacked' },
      ),
      graph(
        'Drift',
        'Differences between ZStack and the specs: objects concerned, and fields.',
        'short',
        [q('objects', `count(${drifted} > 0) or vector(0)`), q('fields', `sum(${drifted})`)],
        { width: 12 },
      ),
      graph(
        'Objects that are not ready',
        'kubectl describe zms tells more.',
        'short',
        [q('', `${objects('type="Ready", status!="True"', ', status, reason')} == 1`)],
        { width: 24, kind: 'table' },
      ),
    ],
  },
  {
    title: 'Changes',
    panels: [
      graph('Updates', 'PUTs a minute by what became of them.', 'short', [
        q('{{result}}', `sum by (result) (rate(zstack_operator_updates_total{${job}}[$__rate_interval])) * 60`),
      ]),
      graph('Time to converge: spec changes', 'From the change as seen to a read that shows it.', 's', [
        ...quantiles('zstack_operator_convergence_seconds', `${job}, cause="SpecChanged"`, 'le', ''),
      ]),
      graph('Time to converge: drift', 'From the difference as seen to a read that shows it gone.', 's', [
        ...quantiles('zstack_operator_convergence_seconds', `${job}, cause="DriftCorrected"`, 'le', ''),
      ]),
    ],
  },
  {
    title: 'ZStack',
    panels: [
      graph('Requests', 'Requests a second by connection and operation.', 'reqps', [
        q(
          '{{connection}} {{operation}}',
          `sum by (connection, operation) (rate(zstack_api_requests_total{${job}}[$__rate_interval]))`,
        ),
      ]),
      graph('Failed requests', 'By status; none where no answer came.', 'reqps', [
        q(
          '{{connection}} {{operation}} {{code}}',
          `sum by (connection, operation, code) (rate(zstack_api_requests_total{${job}, code!~"2.."}[$__rate_interval]))`,
        ),
      ]),
      graph('Time of a request', 'All operations; failures count.', 's', [
        ...quantiles('zstack_api_request_duration_seconds', job, 'connection, le', '{{connection}}'),
      ]),
      graph('Time of a request, p95 by operation', 'Where ZStack is slow.', 's', [
        q(
          '{{connection}} {{operation}}',
          `histogram_quantile(0.95, sum by (connection, operation, le) (rate(zstack_api_request_duration_seconds_bucket{${job}}[$__rate_interval])))`,
        ),
      ]),
      graph('Circuit', '1 while requests are held back, and for the step at which the connection fails.', 'short', [
        q('{{connection}}', `max by (connection) (zstack_api_circuit_open{${job}})`),
        q(
          '{{connection}} fails: {{verdict}}',
          `max by (connection, verdict) (zstack_api_connection_verdict{${job}, verdict!="ok"})`,
        ),
      ]),
      graph('Age of the last observation', 'Beyond the limit an observation proves nothing any more.', 's', [
        q('{{connection}}', `max by (connection) (zstack_operator_observation_age_seconds{${job}})`),
        q('limit', `max(zstack_operator_stale_after_seconds{${job}})`),
      ]),
    ],
  },
  {
    title: 'Controller',
    panels: [
      graph('Passes', 'Passes a second by how they ended.', 'ops', [
        q('{{result}}', `sum by (result) (rate(controller_runtime_reconcile_total{${passes}}[$__rate_interval]))`),
      ]),
      graph('Errors', "Passes that ended in an error of the operator's or the API server's, and bugs.", 'ops', [
        q('errors', `sum(rate(controller_runtime_reconcile_errors_total{${passes}}[$__rate_interval]))`),
        q('uncaught', `sum(rate(zstack_operator_uncaught_errors_total{${job}}[$__rate_interval]))`),
      ]),
      graph('Time of a pass', 'Waiting for ZStack included.', 's', [
        ...quantiles('controller_runtime_reconcile_time_seconds', passes, 'le', ''),
      ]),
      graph('Queue', "Objects that wait, by what woke them: a person's change goes first.", 'short', [
        q('{{priority}}', `sum by (priority) (workqueue_depth{${queue}})`),
      ]),
      graph('Wait in the queue', 'Before the pass begins.', 's', [
        ...quantiles('workqueue_queue_duration_seconds', queue, 'le', ''),
      ]),
      graph('Passes under way', 'At the limit, changes wait: raise MAX_CONCURRENT_RECONCILES.', 'short', [
        q('under way', `sum(controller_runtime_active_workers{${passes}})`),
        q('limit', `max(controller_runtime_max_concurrent_reconciles{${passes}})`),
      ]),
    ],
  },
  {
    title: 'Process',
    panels: [
      graph('Leader', 'Which process acts.', 'short', [q('{{instance}}', `zstack_operator_leader{${job}}`)]),
      graph('Watch restarts', 'Failed lists and watches a minute, and which scope fails now.', 'short', [
        q('{{instance}}', `rate(zstack_operator_watch_restarts_total{${job}}[$__rate_interval]) * 60`),
        q('{{scope}}', `max by (scope) (zstack_operator_watch_broken{${job}}) > 0`),
      ]),
      graph('Status written by others', 'A minute. More than now and then: a second operator.', 'short', [
        q('{{instance}}', `rate(zstack_operator_foreign_status_writes_total{${job}}[$__rate_interval]) * 60`),
      ]),
      graph('Event loop lag', 'The longest of the last minute or two.', 's', [
        q('{{instance}}', `nodejs_eventloop_lag_max_seconds{${job}}`),
      ]),
      graph('CPU', 'Cores in use.', 'short', [
        q('{{instance}}', `rate(process_cpu_seconds_total{${job}}[$__rate_interval])`),
      ]),
      graph('Memory', 'Resident, and the heap in use.', 'bytes', [
        q('{{instance}} resident', `process_resident_memory_bytes{${job}}`),
        q('{{instance}} heap', `nodejs_heap_size_used_bytes{${job}}`),
      ]),
      graph('Versions', 'Processes by version.', 'short', [
        q('{{version}}', `count by (version) (zstack_operator_build_info{${job}})`),
      ]),
    ],
  },
]
