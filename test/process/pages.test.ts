import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { setStage } from '../support/stage.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = 'a'.repeat(32)

async function withPages() {
  const stage = await setStage({ services: [modelService({ uuid, requestCpu: 4 })] })
  const [health, metrics] = [await freePort(), await freePort()]
  const page = async (path: string, port = health) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  }
  return {
    ...stage,
    page,
    metrics: async () => (await page('/metrics', metrics)).text,
    startWithPages: () =>
      stage.start({ HEALTH_PORT: String(health), METRICS_PORT: String(metrics), ZSTACK_REQUEST_TIMEOUT: '3s' }),
  }
}

describe('the pages of the operator', () => {
  it('say healthy from the start, and ready once ModelServices are listed and ZStack was polled', async () => {
    const { startWithPages, create, page, api, zstack } = await withPages()
    await create('a', { uuid, requestCpu: 8 })
    const mend = api.faults.refuse({ verb: 'list', resource: 'modelservices', status: 503 })
    zstack.fault({ operation: 'login', times: 1, fault: { kind: 'hang' } })
    const operator = startWithPages()
    await operator.logged(({ msg }) => msg === 'started')
    expect(await page('/healthz')).toEqual({ status: 200, text: 'ok\n' })
    expect(await page('/readyz')).toMatchObject({
      status: 503,
      text: expect.stringContaining('not listed yet') as string,
    })
    mend()
    await expect.poll(() => zstack.requests('login').length, { timeout: 10_000 }).toBe(1)
    expect(await page('/readyz')).toMatchObject({ status: 503 })
    await expect.poll(() => page('/readyz'), { timeout: 10_000 }).toEqual({ status: 200, text: 'ok\n' })
  })

  it('count what was done', async () => {
    const { startWithPages, create, converged, metrics } = await withPages()
    await create('a', { uuid, requestCpu: 8 })
    startWithPages()
    await converged()
    const text = await metrics()
    expect(text).toContain('zstack_operator_updates_total{result="verified"} 1\n')
    expect(text).toContain('zstack_api_requests_total{operation="update",code="200"} 1\n')
    expect(text).toContain('zstack_api_requests_total{operation="login",code="200"} 1\n')
    expect(text).toContain('zstack_operator_leader 1\n')
    expect(text).toContain('zstack_api_circuit_open 0\n')
    expect(text).toMatch(/controller_runtime_reconcile_total\{controller="modelservice",result="awaitChange"\} [1-9]/)
  })

  it('tell of trouble with ZStack', async () => {
    const { startWithPages, create, zstack, ready, metrics } = await withPages()
    zstack.setAccount('admin', 'another')
    await create('a', { uuid, requestCpu: 8 })
    startWithPages()
    await expect.poll(ready, { timeout: 10_000 }).toEqual(['False CredentialsRejected'])
    expect(await metrics()).toContain('zstack_api_circuit_open 1\n')
  })
})
