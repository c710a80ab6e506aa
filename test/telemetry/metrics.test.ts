import { describe, expect, it } from 'vitest'
import { metered } from '../../src/telemetry/metered.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'

const atRest = { depth: 0, isLeader: false, hasTrouble: false }

/** The sample of a series, by name and labels as the page has them. */
async function sample(metrics: ReturnType<typeof createMetrics>, series: string, now = atRest) {
  const { text } = await metrics.page(now)
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

describe('the metrics', () => {
  it('are text that Prometheus reads, each with its help', async () => {
    const { status, type, text } = await createMetrics('1.2.3').page(atRest)
    expect(status).toBe(200)
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/)
    const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
    expect(names).toEqual([
      'controller_runtime_reconcile_total',
      'controller_runtime_reconcile_time_seconds',
      'workqueue_depth',
      'workqueue_adds_total',
      'zstack_api_requests_total',
      'zstack_api_request_duration_seconds',
      'zstack_api_circuit_open',
      'zstack_operator_updates_total',
      'zstack_operator_watch_restarts_total',
      'zstack_operator_leader',
      'zstack_operator_build_info',
    ])
    expect([...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name)).toEqual(names)
  })

  it('tell the version', async () => {
    expect(await sample(createMetrics('1.2.3'), 'zstack_operator_build_info{version="1.2.3"}')).toBe(1)
  })

  it('have every series that can be named in advance from the start, at zero', async () => {
    const metrics = createMetrics('1')
    for (const result of ['awaitChange', 'after', 'backOff', 'error'])
      expect(
        await sample(metrics, `controller_runtime_reconcile_total{controller="modelservice",result="${result}"}`),
      ).toBe(0)
    for (const result of ['verified', 'ineffective'])
      expect(await sample(metrics, `zstack_operator_updates_total{result="${result}"}`)).toBe(0)
  })

  it('count passes by how they ended, updates by whether they took effect, adds and watches', async () => {
    const metrics = createMetrics('1')
    metrics.observePass('error', 0.3)
    metrics.countUpdate(true)
    metrics.countUpdate(false)
    metrics.countAdd()
    metrics.countWatchRestart()
    const counted = [
      'controller_runtime_reconcile_total{controller="modelservice",result="error"}',
      'controller_runtime_reconcile_time_seconds_sum{controller="modelservice"}',
      'zstack_operator_updates_total{result="verified"}',
      'zstack_operator_updates_total{result="ineffective"}',
      'workqueue_adds_total{name="modelservice"}',
      'zstack_operator_watch_restarts_total',
    ]
    expect(await Promise.all(counted.map((series) => sample(metrics, series)))).toEqual([1, 0.3, 1, 1, 1, 1])
  })

  it('tell of queue, leadership and circuit as they are when somebody looks', async () => {
    const metrics = createMetrics('1')
    const now = { depth: 7, isLeader: true, hasTrouble: true }
    expect(await sample(metrics, 'workqueue_depth{name="modelservice"}', now)).toBe(7)
    expect(await sample(metrics, 'zstack_operator_leader', now)).toBe(1)
    expect(await sample(metrics, 'zstack_api_circuit_open', now)).toBe(1)
    expect(await sample(metrics, 'zstack_operator_leader')).toBe(0)
  })

  it('of two operators in one process are apart', async () => {
    const [one, other] = [createMetrics('1'), createMetrics('1')]
    one.countAdd()
    expect(await sample(other, 'workqueue_adds_total{name="modelservice"}')).toBeUndefined()
  })
})

describe('a metered sender', () => {
  const signal = new AbortController().signal

  it.each([
    ['PUT', '/v1/accounts/login', 'login'],
    ['DELETE', '/v1/accounts/sessions/some', 'logout'],
    ['GET', '/v1/api-jobs/some', 'job'],
    ['GET', '/v1/ai/model-services?q=uuid=some', 'query'],
    ['PUT', '/v1/ai/model-services/some', 'update'],
  ])('counts %s %s as %s, by status', async (method, path, operation) => {
    const metrics = createMetrics('1')
    const send = metered(() => Promise.resolve({ status: 503 }), metrics)
    expect(await send({ method, path }, signal)).toEqual({ status: 503 })
    expect(await sample(metrics, `zstack_api_requests_total{operation="${operation}",code="503"}`)).toBe(1)
    expect(await sample(metrics, `zstack_api_request_duration_seconds_count{operation="${operation}"}`)).toBe(1)
  })

  it('counts silence and a rejection as none, and hands them on', async () => {
    const metrics = createMetrics('1')
    const request = { method: 'GET', path: '/v1/ai/model-services' }
    await metered(() => Promise.resolve({}), metrics)(request, signal)
    const failing = metered(() => Promise.reject(new Error('aborted')), metrics)
    await expect(failing(request, signal)).rejects.toThrow('aborted')
    expect(await sample(metrics, 'zstack_api_requests_total{operation="query",code="none"}')).toBe(2)
  })
})
