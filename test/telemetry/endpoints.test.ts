import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { serveEndpoints } from '../../src/telemetry/endpoints.ts'
import { createManualClock } from '../support/clock.ts'
import { startPages, well } from '../support/pages.ts'

const failing = (reason: RegExp) => ({ status: 503, text: expect.stringMatching(reason) as string })

describe('the endpoints', () => {
  it('report a watch that stalls on /healthz', async () => {
    const { get } = await startPages({ informer: { ...well.informer, silentForMs: () => 400_000 } })
    expect(await get('health', '/healthz')).toEqual(failing(/stalls: .* 400 s/))
    expect(await get('health', '/readyz')).toMatchObject({ status: 200 })
  })

  it('report a loop that was blocked on /healthz and in the metrics', async () => {
    const clock = createManualClock()
    const { get } = await startPages({}, clock)
    clock.jump(9_000)
    expect(await get('health', '/healthz')).toEqual(failing(/blocked for 8 s/))
    expect((await get('metrics', '/metrics')).text).toContain('nodejs_eventloop_lag_max_seconds 8\n')
  })

  it.each([
    ['what is not listed yet', { informer: { ...well.informer, hasSynced: () => false } }, /not listed yet/],
    ['a first poll to come', { poller: { ...well.poller, hasPolled: () => false } }, /not polled ZStack yet/],
    ['a lease out of reach', { isLeader: () => false, leaseProblem: () => 'no right to the lease' }, /no right/],
    ['its end', { isStopping: () => true }, /stopping/],
  ])('report %s on /readyz, and are healthy', async (_, state, reason) => {
    const { get } = await startPages(state)
    expect(await get('health', '/readyz')).toEqual(failing(reason))
    expect(await get('health', '/healthz')).toEqual({ status: 200, text: 'ok\n' })
  })

  it('name a namespace that cannot be listed on /readyz and in the metrics, and are ready all the same', async () => {
    const scopes = () => [
      { scope: 'a', problem: undefined },
      { scope: 'b', problem: 'refused' },
    ]
    const { get } = await startPages({ informer: { ...well.informer, scopes } })
    expect(await get('health', '/readyz')).toEqual({ status: 200, text: 'ok\nb: refused\n' })
    const { text } = await get('metrics', '/metrics')
    expect(text).toContain('zstack_operator_watch_broken{scope="a"} 0\n')
    expect(text).toContain('zstack_operator_watch_broken{scope="b"} 1\n')
  })

  it('give the metrics in seconds', async () => {
    const { get } = await startPages({
      queue: { waiting: (priority) => (priority === 'change' ? 3 : 0), working: () => [1_500, 500] },
      connections: () => [
        { name: 'default', trouble: 'ZStack is away', observationAgeMs: 61_000 },
        { name: 'lab', trouble: undefined, observationAgeMs: undefined },
      ],
    })
    const { text } = await get('metrics', '/metrics')
    for (const line of [
      /^workqueue_depth\{.*priority="change"\} 3$/m,
      /^workqueue_unfinished_work_seconds\{.*\} 2$/m,
      /^zstack_operator_observation_age_seconds\{connection="default"\} 61$/m,
      /^zstack_api_circuit_open\{connection="default"\} 1$/m,
      /^zstack_api_circuit_open\{connection="lab"\} 0$/m,
      /^process_cpu_seconds_total [\d.]+$/m,
    ])
      expect(text).toMatch(line)
  })

  it('leave no timer behind, neither at their end nor where a port is taken', async () => {
    const other = createServer().listen(0)
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const clock = createManualClock()
    const metrics = createMetrics({ version: '1', workers: 1, staleAfterMs: 300_000 })
    const none = { healthPort: 0, metricsPort: 0 }
    const pages = await serveEndpoints(none, metrics, well, clock)
    await pages.close()
    await expect(serveEndpoints({ ...none, healthPort: port }, metrics, well, clock)).rejects.toThrow(`port ${port}`)
    expect(clock.pending).toBe(0)
  })
})
