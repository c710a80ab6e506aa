import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startFixture } from '../support/process-fixture.ts'
import { modelService, startZStackSimulator } from '../support/zstack/simulator.ts'

const uuid = 'a'.repeat(32)

describe('a second operator that watches the same objects, with another ZStack', () => {
  it('is answered at the pace of a backoff; log, event and metric say that somebody else writes the status', async () => {
    const services = [modelService({ uuid, requestCpu: 4 })]
    const { start, create, api } = await startFixture({ services })
    const another = await startZStackSimulator({ services })
    onTestFinished(() => another.close())
    await create('a', { uuid, requestCpu: 4 })
    const metricsPort = await freePort()
    const first = start({ METRICS_PORT: String(metricsPort), POLL_INTERVAL: '60s' })
    start({ ZSTACK_ENDPOINT: another.url, POLL_INTERVAL: '60s' })
    const isForeignWarning = ({ level, msg }: { level?: string; msg?: string }) =>
      level === 'warn' && msg?.startsWith('somebody else goes on writing the status') === true
    expect(await first.logged(isForeignWarning)).toMatchObject({ namespace: 'default', name: 'a' })
    await sleep(5_000)
    const writes = api.requests().filter(({ subresource, verb }) => subresource === 'status' && verb === 'update')
    expect(writes.length).toBeLessThan(25)
    expect(first.log.filter(isForeignWarning)).toHaveLength(1)
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    expect(metrics).toMatch(/^zstack_operator_foreign_status_writes_total [2-9]\d*$/m)
    await expect
      .poll(
        async () => {
          const events = (await (await fetch(`${api.url}/api/v1/namespaces/default/events`)).json()) as {
            items: readonly { readonly reason: string; readonly type: string }[]
          }
          return events.items.filter(({ reason }) => reason === 'ForeignStatus').map(({ type }) => type)
        },
        { timeout: 10_000 },
      )
      .toContain('Warning')
  }, 60_000)
})
