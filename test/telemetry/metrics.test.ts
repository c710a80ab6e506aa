import { describe, expect, it } from 'vitest'
import { catalogue } from '../../src/telemetry/catalogue.ts'
import { instrumented } from '../../src/telemetry/instrument.ts'
import { createMetrics, type Metrics, type Snapshot } from '../../src/telemetry/metrics.ts'

const atRest: Snapshot = {
  waiting: { change: 0, retry: 0, poll: 0 },
  working: [],
  isLeader: true,
  connections: [{ name: 'default', isDown: false, observationAge: 0 }],
  scopes: [],
  loopLag: 0,
  objects: () => [],
  process: { cpuSeconds: 0, residentBytes: 0, heapBytes: 0, startTime: 0 },
}

const create = (version = '1') => createMetrics({ version, workers: 32, staleAfterMs: 300_000 })

async function pageOf(metrics: Metrics, now: Partial<Snapshot> = {}): Promise<string> {
  const { text } = await metrics.page({ ...atRest, ...now })
  return [...text].join('')
}

/** The sample of a series, by name and labels as the page has them. */
async function sample(metrics: Metrics, series: string, now: Partial<Snapshot> = {}) {
  const line = (await pageOf(metrics, now)).split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

async function samples(metrics: Metrics, wanted: Readonly<Record<string, number>>, now: Partial<Snapshot> = {}) {
  const found = Object.keys(wanted).map(async (series) => [series, await sample(metrics, series, now)])
  return Object.fromEntries(await Promise.all(found)) as Record<string, number | undefined>
}

const queue = 'name="modelservice",controller="modelservice"'

describe('the metrics', () => {
  it('are those of the catalogue, each with its kind and help, as text that Prometheus reads', async () => {
    const { status, type } = await create().page(atRest)
    expect(status).toBe(200)
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await pageOf(create())
    const all = Object.values(catalogue)
    const kinds = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`)
    expect(kinds.sort()).toEqual(all.map(({ name, kind }) => `${name} ${kind}`).sort())
    for (const { name, help } of all) expect(text).toContain(`# HELP ${name} ${help}\n`)
  })

  it('show the version, the limit of passes at once and when an observation is stale', async () => {
    const wanted = {
      'zstack_operator_build_info{version="1.2.3"}': 1,
      'controller_runtime_max_concurrent_reconciles{controller="modelservice"}': 32,
      zstack_operator_stale_after_seconds: 300,
    }
    expect(await samples(create('1.2.3'), wanted)).toEqual(wanted)
  })

  it('have every series that can be named in advance from the start, at zero', async () => {
    const of = (name: string, label: string, values: readonly string[]) =>
      values.map((value) => [`${name}${label}="${value}"}`, 0] as const)
    const wanted = Object.fromEntries([
      ...of('controller_runtime_reconcile_total{controller="modelservice",', 'result', [
        'success',
        'requeue_after',
        'requeue',
        'error',
      ]),
      ...of('zstack_operator_updates_total{', 'result', ['verified', 'ineffective', 'failed']),
      ...of('zstack_operator_convergence_seconds_count{', 'cause', ['SpecChanged', 'DriftCorrected']),
      ...of(`workqueue_depth{${queue},`, 'priority', ['change', 'retry', 'poll']),
      ['controller_runtime_reconcile_errors_total{controller="modelservice"}', 0],
      [`workqueue_adds_total{${queue}}`, 0],
      [`workqueue_retries_total{${queue}}`, 0],
      [`workqueue_queue_duration_seconds_count{${queue}}`, 0],
      [`workqueue_work_duration_seconds_count{${queue}}`, 0],
      ['zstack_operator_watch_restarts_total', 0],
    ])
    expect(await samples(create(), wanted)).toEqual(wanted)
  })

  it('count passes by how they ended, in the words of other controllers', async () => {
    const metrics = create()
    for (const kind of ['awaitChange', 'after', 'backOff', 'error'] as const) metrics.observePass(kind, 0.25)
    const of = (result: string) => `controller_runtime_reconcile_total{controller="modelservice",result="${result}"}`
    const wanted = {
      [of('success')]: 1,
      [of('requeue_after')]: 1,
      [of('requeue')]: 1,
      [of('error')]: 1,
      'controller_runtime_reconcile_errors_total{controller="modelservice"}': 1,
      'controller_runtime_reconcile_time_seconds_sum{controller="modelservice"}': 1,
    }
    expect(await samples(metrics, wanted)).toEqual(wanted)
  })

  it('count what the queue does, updates, convergence and broken watches', async () => {
    const metrics = create()
    metrics.queue.added()
    metrics.queue.retried()
    metrics.queue.taken(0.5)
    metrics.queue.finished(0.75)
    for (const result of ['verified', 'ineffective', 'failed'] as const) metrics.countUpdate(result)
    metrics.observeConvergence('DriftCorrected', 3)
    metrics.countWatchRestart()
    metrics.countUncaughtError()
    const wanted = {
      [`workqueue_adds_total{${queue}}`]: 1,
      [`workqueue_retries_total{${queue}}`]: 1,
      [`workqueue_queue_duration_seconds_sum{${queue}}`]: 0.5,
      [`workqueue_work_duration_seconds_sum{${queue}}`]: 0.75,
      'zstack_operator_updates_total{result="verified"}': 1,
      'zstack_operator_updates_total{result="ineffective"}': 1,
      'zstack_operator_updates_total{result="failed"}': 1,
      'zstack_operator_convergence_seconds_sum{cause="DriftCorrected"}': 3,
      zstack_operator_watch_restarts_total: 1,
      zstack_operator_uncaught_errors_total: 1,
    }
    expect(await samples(metrics, wanted)).toEqual(wanted)
  })

  it('show queue, passes, leadership, connections and process as they are at the scrape', async () => {
    const metrics = create()
    const now = {
      waiting: { change: 1, retry: 2, poll: 3 },
      working: [4, 6],
      connections: [
        { name: 'default', isDown: true, observationAge: 61 },
        { name: 'lab', isDown: false, observationAge: 5 },
      ],
      loopLag: 0.25,
      process: { cpuSeconds: 7, residentBytes: 8, heapBytes: 9, startTime: 10 },
    }
    const wanted = {
      [`workqueue_depth{${queue},priority="change"}`]: 1,
      [`workqueue_depth{${queue},priority="retry"}`]: 2,
      [`workqueue_depth{${queue},priority="poll"}`]: 3,
      'controller_runtime_active_workers{controller="modelservice"}': 2,
      [`workqueue_unfinished_work_seconds{${queue}}`]: 10,
      [`workqueue_longest_running_processor_seconds{${queue}}`]: 6,
      zstack_operator_leader: 1,
      'zstack_api_circuit_open{connection="default"}': 1,
      'zstack_api_circuit_open{connection="lab"}': 0,
      'zstack_operator_observation_age_seconds{connection="default"}': 61,
      'zstack_operator_observation_age_seconds{connection="lab"}': 5,
      nodejs_eventloop_lag_max_seconds: 0.25,
      process_cpu_seconds_total: 7,
      process_resident_memory_bytes: 8,
      nodejs_heap_size_used_bytes: 9,
      process_start_time_seconds: 10,
    }
    expect(await samples(metrics, wanted, now)).toEqual(wanted)
    expect(await sample(metrics, 'process_cpu_seconds_total', now)).toBe(7)
    expect(await sample(metrics, 'zstack_api_circuit_open{connection="default"}')).toBe(0)
  })

  it('of a connection that is gone are gone', async () => {
    const metrics = create()
    const lab = { name: 'lab', isDown: true, observationAge: 5 }
    expect(await pageOf(metrics, { connections: [lab] })).toContain('{connection="lab"}')
    expect(await pageOf(metrics)).not.toContain('{connection="lab"}')
  })

  it('of one that stands by are without objects and without the age of an observation it does not make', async () => {
    const metrics = create()
    const objects = () => [{ metadata: { namespace: 'default', name: 'a' }, status: { conditions: [{}] } }]
    const standby = await pageOf(metrics, { isLeader: false, objects, waiting: { change: 9, retry: 0, poll: 0 } })
    expect(standby).toContain(`workqueue_depth{${queue},priority="change"} 0\n`)
    expect(standby).toContain('zstack_operator_leader 0\n')
    expect(standby).not.toMatch(/^zstack_modelservice_|^zstack_operator_observation_age_seconds/m)
    const connections = (observationAge: number | undefined) => [{ name: 'default', isDown: false, observationAge }]
    expect(await pageOf(metrics, { objects, connections: connections(undefined) })).not.toMatch(
      /^zstack_operator_observation_age_seconds/m,
    )
    const age = 'zstack_operator_observation_age_seconds{connection="default"}'
    expect(await sample(metrics, age, { connections: connections(5) })).toBe(5)
  })

  it('name one body shape of a connection at a time, and none before it is known', async () => {
    const metrics = create()
    expect(await pageOf(metrics)).not.toMatch(/^zstack_api_body_shape/m)
    metrics.noteBodyShape('default', 'envelope')
    metrics.noteBodyShape('lab', 'envelope')
    metrics.noteBodyShape('default', 'flat')
    expect((await pageOf(metrics)).match(/^zstack_api_body_shape.*$/gm)?.sort()).toEqual([
      'zstack_api_body_shape{connection="default",shape="flat"} 1',
      'zstack_api_body_shape{connection="lab",shape="envelope"} 1',
    ])
  })

  it('of two operators in one process are apart', async () => {
    const [one, other] = [create(), create()]
    one.queue.added()
    expect(await sample(other, `workqueue_adds_total{${queue}}`)).toBe(0)
  })
})

describe('an instrumented sender', () => {
  const signal = new AbortController().signal

  it.each([
    ['PUT', '/v1/accounts/login', 'login'],
    ['DELETE', '/v1/accounts/sessions/some', 'logout'],
    ['GET', '/v1/api-jobs/some', 'job'],
    ['GET', '/v1/ai/model-services?q=uuid=some', 'query'],
    ['PUT', '/v1/ai/model-services/some', 'update'],
  ])('counts %s %s as %s, by connection and status', async (method, path, operation) => {
    const metrics = create()
    const send = instrumented(() => Promise.resolve({ status: 503 }), metrics, 'lab')
    expect(await send({ method, path }, signal)).toEqual({ status: 503 })
    expect(
      await sample(metrics, `zstack_api_requests_total{connection="lab",operation="${operation}",code="503"}`),
    ).toBe(1)
    expect(
      await sample(metrics, `zstack_api_request_duration_seconds_count{connection="lab",operation="${operation}"}`),
    ).toBe(1)
  })

  it('counts silence and a rejection as none, and hands them on', async () => {
    const metrics = create()
    const request = { method: 'GET', path: '/v1/ai/model-services' }
    await instrumented(() => Promise.resolve({}), metrics, 'lab')(request, signal)
    const failing = instrumented(() => Promise.reject(new Error('aborted')), metrics, 'lab')
    await expect(failing(request, signal)).rejects.toThrow('aborted')
    expect(await sample(metrics, 'zstack_api_requests_total{connection="lab",operation="query",code="none"}')).toBe(2)
  })
})
