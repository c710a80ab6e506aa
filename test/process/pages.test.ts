import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import type { OperatorEnvironment } from '../support/operator-process.ts'
import { startFixture, type ProcessFixture } from '../support/process-fixture.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = 'a'.repeat(32)

/** Starts one with pages on ports of its own. */
async function startWithPages(fixture: ProcessFixture, env: OperatorEnvironment = {}) {
  const [health, metrics] = [await freePort(), await freePort()]
  const operator = fixture.start({ HEALTH_PORT: String(health), METRICS_PORT: String(metrics), ...env })
  const page = async (path: string, port = health) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  }
  return { operator, page, metrics: async () => (await page('/metrics', metrics)).text }
}

const ok = { status: 200, text: 'ok\n' }
const notYet = (reason: RegExp) => ({ status: 503, text: expect.stringMatching(reason) as string })

async function oneService() {
  const fixture = await startFixture({ services: [modelService({ uuid, requestCpu: 4 })] })
  await fixture.create('a', { uuid, requestCpu: 8 })
  return fixture
}

describe('the probes', () => {
  it('say healthy from the start, and ready once ModelServices are listed and ZStack was polled', async () => {
    const fixture = await oneService()
    const { api, zstack } = fixture
    const lift = api.faults.refuse({ verb: 'list', resource: 'modelservices', status: 503 })
    zstack.fault({ operation: 'login', times: 1, fault: { kind: 'hang' } })
    const { operator, page } = await startWithPages(fixture, { ZSTACK_REQUEST_TIMEOUT: '6s' })
    await operator.logged(({ msg }) => msg === 'started')
    expect(await page('/healthz')).toEqual(ok)
    expect(await page('/readyz')).toEqual(notYet(/not listed yet/))
    lift()
    await expect.poll(() => page('/readyz'), { timeout: 6_000 }).toEqual(notYet(/not polled ZStack yet/))
    await expect.poll(() => page('/readyz'), { timeout: 20_000 }).toEqual(ok)
    expect(zstack.requests('login').length).toBeGreaterThan(1)
  }, 30_000)

  it('say that the event loop was blocked until a moment ago', async () => {
    const { operator, page } = await startWithPages(await oneService())
    await expect.poll(() => page('/readyz'), { timeout: 10_000 }).toEqual(ok)
    operator.signal('SIGSTOP')
    await setTimeout(6_500)
    operator.signal('SIGCONT')
    expect(await page('/healthz')).toEqual(notYet(/^the event loop was blocked for \d s \(limit 5 s\)$/m))
  })

  it('call one that stands by ready, though it never polls', async () => {
    const fixture = await oneService()
    const elected = { LEADER_ELECTION: 'true', LEADER_ELECTION_NAMESPACE: 'default' }
    const leader = await startWithPages(fixture, elected)
    await leader.operator.logged(({ msg }) => msg === 'leading')
    const standby = await startWithPages(fixture, elected)
    await expect.poll(() => standby.page('/readyz').catch(() => undefined), { timeout: 10_000 }).toEqual(ok)
    await fixture.converged()
    expect(await standby.metrics()).toContain('zstack_operator_leader 0\n')
    expect(await standby.metrics()).not.toMatch(/^zstack_modelservice_/m)
    expect(await leader.metrics()).toMatch(/^zstack_modelservice_condition\{.*type="Ready".*\} 1$/m)
  })
})

describe('a namespace that may not be listed', () => {
  it('keeps the others from nothing; probe, metric and log tell of it, and it heals when the right comes', async () => {
    const fixture = await oneService()
    const { api } = fixture
    const grant = api.faults.refuse({ verb: 'list', resource: 'modelservices', namespace: 'kube-public', status: 403 })
    const { operator, page, metrics } = await startWithPages(fixture, { WATCH_NAMESPACES: 'kube-public,default' })
    await fixture.converged()
    expect(await page('/readyz')).toEqual({
      status: 200,
      text: expect.stringMatching(/^ok\nkube-public: the API server refuses to list .* RBAC .*\n$/) as string,
    })
    expect(await metrics()).toContain('zstack_operator_watch_broken{scope="kube-public"} 1\n')
    expect(await metrics()).toContain('zstack_operator_watch_broken{scope="default"} 0\n')
    grant()
    await operator.logged(({ msg, scope }) => msg === 'watching again' && scope === 'kube-public')
    expect(await page('/readyz')).toEqual(ok)
    expect(operator.log.filter(({ scope, level }) => scope === 'kube-public' && level === 'warn')).toHaveLength(1)
  })
})

async function createIn(url: string, namespace: string) {
  const body = { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata: { name: 'b' }, spec: { uuid } }
  await fetch(`${url}/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

describe('a namespace that may not be listed any more while the operator runs', () => {
  it('keeps the others from nothing; probe, metric and log tell of it, once, and it heals when the right comes back', async () => {
    const fixture = await oneService()
    const { api } = fixture
    const { operator, page, metrics } = await startWithPages(fixture, { WATCH_NAMESPACES: 'kube-public,default' })
    await fixture.converged()
    await expect.poll(() => page('/readyz'), { timeout: 10_000 }).toEqual(ok)
    const grants = (['list', 'watch'] as const).map((verb) =>
      api.faults.refuse({ verb, resource: 'modelservices', namespace: 'kube-public', status: 403 }),
    )
    // Watches that are open may go on; whoever opens one anew is refused.
    api.faults.dropWatches()
    for (const cpu of [9, 10, 11]) {
      await fixture.edit('a', { requestCpu: cpu })
      await expect.poll(() => fixture.zstack.read(uuid)?.requestCpu, { timeout: 2_000 }).toBe(cpu)
    }
    const isRefused = expect.stringMatching(/^ok\nkube-public: the API server refuses to .* RBAC .*\n$/) as string
    await expect.poll(() => page('/readyz'), { timeout: 10_000 }).toEqual({ status: 200, text: isRefused })
    expect(await metrics()).toContain('zstack_operator_watch_broken{scope="kube-public"} 1\n')
    expect(await metrics()).toContain('zstack_operator_watch_broken{scope="default"} 0\n')
    for (const grant of grants) grant()
    await createIn(api.url, 'kube-public')
    await operator.logged(({ msg, scope }) => msg === 'watching again' && scope === 'kube-public')
    expect(await page('/readyz')).toEqual(ok)
    expect(operator.log.filter(({ scope, level }) => scope === 'kube-public' && level === 'warn')).toHaveLength(1)
  })
})

describe('a hundred namespaces', () => {
  it('ask an API server that is starting some dozen times a second, not nine hundred times', async () => {
    const fixture = await oneService()
    const { api } = fixture
    const message = 'the request has been made before all known HTTP paths have been installed, please try again'
    const started = api.faults.refuse({ resource: 'modelservices', status: 503, message })
    const namespaces = Array.from({ length: 99 }, (_, i) => `tenant-${i}`)
    const { operator } = await startWithPages(fixture, { WATCH_NAMESPACES: ['default', ...namespaces].join(',') })
    await operator.logged(({ msg }) => msg === 'started')
    const [before, since] = [api.requests().length, Date.now()]
    await setTimeout(3_000)
    const perSecond = ((api.requests().length - before) / (Date.now() - since)) * 1_000
    expect(perSecond).toBeGreaterThan(0)
    expect(perSecond).toBeLessThan(60)
    started()
    await fixture.converged()
  })
})

describe('a lease that may not be read', () => {
  it('makes no replica ready; probe and log tell why, once, and it heals when the right comes', async () => {
    const fixture = await oneService()
    const grant = fixture.api.faults.refuse({ verb: 'get', resource: 'leases', status: 403 })
    const elected = { LEADER_ELECTION: 'true', LEADER_ELECTION_NAMESPACE: 'default' }
    const { operator, page } = await startWithPages(fixture, elected)
    await operator.logged(
      ({ level, msg }) =>
        level === 'warn' && (msg ?? '').includes('grant get, create and update of leases in the namespace default'),
    )
    await expect.poll(() => page('/readyz')).toEqual(notYet(/^nobody can lead through this process: .*leases/))
    expect(await page('/healthz')).toEqual(ok)
    grant()
    await fixture.converged()
    await expect.poll(() => page('/readyz'), { timeout: 10_000 }).toEqual(ok)
    expect(operator.log.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })
})

describe('the metrics page', () => {
  it('counts what was done', async () => {
    const fixture = await oneService()
    const { operator, metrics } = await startWithPages(fixture)
    await fixture.converged()
    await fixture.edit('a', { requestCpu: 16 })
    await operator.logged(({ msg, generation }) => msg === 'updated' && generation === 2)
    await fixture.converged()
    const text = await metrics()
    for (const line of [
      'zstack_operator_updates_total{result="verified"} 2',
      'zstack_api_requests_total{connection="default",operation="update",code="200"} 2',
      'zstack_api_requests_total{connection="default",operation="login",code="200"} 1',
      'zstack_operator_leader 1',
      'zstack_api_circuit_open{connection="default"} 0',
      'zstack_api_body_shape{connection="default",shape="envelope"} 1',
      'zstack_operator_convergence_seconds_count{cause="SpecChanged"} 2',
      'controller_runtime_active_workers{controller="modelservice"} 0',
      'workqueue_depth{name="modelservice",controller="modelservice",priority="change"} 0',
    ])
      expect(text).toContain(`${line}\n`)
    expect(text).toMatch(/controller_runtime_reconcile_total\{controller="modelservice",result="success"\} [2-9]/)
    expect(text).toMatch(/workqueue_queue_duration_seconds_count\{.*\} [2-9]/)
    expect(text).toMatch(/zstack_operator_observation_age_seconds\{connection="default"\} [01]/)
    expect(text).toMatch(/process_resident_memory_bytes \d{8}/)
  })

  it('has the series of each object for as long as there is the object', async () => {
    const fixture = await oneService()
    const { metrics } = await startWithPages(fixture)
    await fixture.converged()
    const own = async () => (await metrics()).match(/^zstack_modelservice_.*name="a".*$/gm) ?? []
    expect(await own()).toEqual([
      'zstack_modelservice_condition{namespace="default",name="a",type="Ready",status="True",reason="InSync"} 1',
      'zstack_modelservice_condition{namespace="default",name="a",type="Connected",status="True",reason="InSync"} 1',
      'zstack_modelservice_condition{namespace="default",name="a",type="Synced",status="True",reason="InSync"} 1',
      'zstack_modelservice_drifted_fields{namespace="default",name="a"} 0',
    ])
    await fixture.edit('a', { policy: 'Observe' })
    fixture.zstack.drift(uuid, { requestCpu: 2 })
    const drifted = 'zstack_modelservice_drifted_fields{namespace="default",name="a"} 1'
    await expect.poll(own, { timeout: 10_000 }).toContain(drifted)
    await fixture.remove('a')
    await expect.poll(own, { timeout: 10_000 }).toEqual([])
  })

  it('tells of trouble with ZStack', async () => {
    const fixture = await oneService()
    fixture.zstack.setAccount('admin', 'another')
    const { metrics } = await startWithPages(fixture)
    await expect.poll(fixture.ready, { timeout: 10_000 }).toEqual(['False CredentialsRejected'])
    expect(await metrics()).toContain('zstack_api_circuit_open{connection="default"} 1\n')
  })
})
