import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { limits } from '../../src/limits.ts'
import { kubeconfigFor } from '../support/kube-api/kubeconfig.ts'
import type { OperatorProcess } from '../support/operator-process.ts'
import { startFixture } from '../support/process-fixture.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { modelService } from '../support/zstack/simulator.ts'

function services(count: number) {
  return Array.from({ length: count }, (_, i) =>
    modelService({ uuid: i.toString(16).padStart(32, '0'), requestCpu: 4 }),
  )
}

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s at rest ends in 0, logged out', async (signal) => {
    const [service] = services(1)
    const { start, create, converged, zstack } = await startFixture({ services: [service!] })
    await create('a', { uuid: service!.uuid, requestCpu: 4 })
    const operator = start()
    await converged()
    expect(zstack.counters.openSessions).toBe(1)
    operator.signal(signal)
    expect(await operator.exited).toBe(0)
    expect(zstack.counters.openSessions).toBe(0)
    expect(operator.log.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' })
  })

  it('in the middle of 50 slow updates finishes those under way, logs out and ends in 0; the next start does the rest', async () => {
    const all = services(50)
    const { start, create, converged, zstack, ready } = await startFixture({
      services: all,
      moods: { latencyMillis: 300 },
    })
    await Promise.all(all.map(({ uuid }, i) => create(`s${i}`, { uuid, requestCpu: 8, userTags: ['x'] })))
    const operator = start({ ZSTACK_MAX_IN_FLIGHT: '8', MAX_CONCURRENT_RECONCILES: '8' })
    await expect.poll(() => zstack.requests('update').length, { timeout: 15_000 }).toBeGreaterThanOrEqual(8)
    expect(await operator.stop()).toBe(0)
    expect(zstack.counters.openSessions).toBe(0)
    const sent = zstack.requests('update').length
    expect(sent).toBeLessThan(50)
    // Whatever was sent is known: status tells it, and nobody sends it again.
    expect((await ready()).filter((one) => one === 'True InSync')).toHaveLength(sent)
    expect(operator.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])

    zstack.set({ latencyMillis: 0 })
    start()
    await converged()
    expect(zstack.requests('update')).toHaveLength(50)
  })

  it('while the API server does not answer ends in 0', async () => {
    const { start, api } = await startFixture()
    api.faults.refuse({ verb: 'list', status: 503 })
    const operator = start()
    await operator.logged(({ level }) => level === 'warn')
    expect(await operator.stop()).toBe(0)
  })
})

const elected = { LEADER_ELECTION: 'true', LEADER_ELECTION_NAMESPACE: 'default' }

/** A leader at rest over one service, which reaches the API server through a proxy. */
async function leaderAtRest() {
  const [service] = services(1)
  const fixture = await startFixture({ services: [service!] })
  await fixture.create('a', { uuid: service!.uuid, requestCpu: 4 })
  const proxy = await startTcpProxy(Number(new URL(fixture.api.url).port))
  onTestFinished(() => proxy.close())
  const file = join(fixture.directory, 'kubeconfig-of-the-proxy')
  await writeFile(file, kubeconfigFor(`http://127.0.0.1:${proxy.port}`))
  const operator = fixture.start({ ...elected, KUBECONFIG: file })
  await fixture.converged()
  const holder = async () => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/modelservice-operator'
    const lease = (await (await fetch(fixture.api.url + path)).json()) as { spec: { holderIdentity: string } }
    return lease.spec.holderIdentity
  }
  expect(await holder()).not.toBe('')
  return { ...fixture, operator, proxy, holder }
}

/** Stops it; it must end in 0 within the promised time. */
async function expectStopInTime(operator: OperatorProcess) {
  const toldAt = Date.now()
  expect(await operator.stop()).toBe(0)
  expect(Date.now() - toldAt).toBeLessThan(limits.shutdownGraceMs)
}

describe('a stop ends in 0 in time', () => {
  it('while a poll hangs: logged out, the lease released', async () => {
    const { operator, zstack, holder } = await leaderAtRest()
    const asked = zstack.requests('query').length
    zstack.fault({ operation: 'query', fault: { kind: 'hang' } })
    await expect.poll(() => zstack.requests('query').length, { timeout: 10_000 }).toBeGreaterThan(asked)
    await expectStopInTime(operator)
    expect(zstack.counters.openSessions).toBe(0)
    expect(await holder()).toBe('')
    expect(operator.log.filter(({ level }) => level !== 'info')).toEqual([])
  }, 30_000)

  it('while a pass hangs: logged out, the lease released', async () => {
    const { operator, zstack, holder, edit } = await leaderAtRest()
    zstack.fault({ operation: 'update', fault: { kind: 'hang' } })
    await edit('a', { requestCpu: 8 })
    await expect.poll(() => zstack.requests('update').length, { timeout: 10_000 }).toBe(1)
    await expectStopInTime(operator)
    expect(zstack.counters.openSessions).toBe(0)
    expect(await holder()).toBe('')
  }, 30_000)

  it('while forty PUTs hang: logged out, the lease released', async () => {
    const { operator, zstack, holder, create } = await leaderAtRest()
    zstack.fault({ operation: 'update', fault: { kind: 'hang' } })
    const more = services(41).slice(1)
    zstack.add(...more)
    await Promise.all(more.map(({ uuid }, i) => create(`more-${i}`, { uuid, requestCpu: 8 })))
    await expect.poll(() => zstack.requests('update').length, { timeout: 15_000 }).toBe(40)
    await expectStopInTime(operator)
    expect(zstack.counters.openSessions).toBe(0)
    expect(await holder()).toBe('')
  }, 30_000)

  it('while the log-out hangs: the lease released', async () => {
    const { operator, zstack, holder } = await leaderAtRest()
    zstack.fault({ operation: 'logout', fault: { kind: 'hang' } })
    await expectStopInTime(operator)
    expect(await holder()).toBe('')
  }, 30_000)

  it('while the API server hangs: logged out', async () => {
    const { operator, zstack, api, proxy } = await leaderAtRest()
    api.faults.latency(60_000)
    proxy.silence()
    await expectStopInTime(operator)
    expect(zstack.counters.openSessions).toBe(0)
  }, 30_000)

  it('while a pass, a poll, the log-out and the API server hang at once', async () => {
    const { operator, zstack, api, proxy, edit } = await leaderAtRest()
    zstack.fault({ operation: 'update', fault: { kind: 'hang' } })
    await edit('a', { requestCpu: 8 })
    await expect.poll(() => zstack.requests('update').length, { timeout: 10_000 }).toBe(1)
    zstack.fault({ fault: { kind: 'hang' } })
    api.faults.latency(60_000)
    proxy.silence()
    await expectStopInTime(operator)
    expect(operator.log.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' })
  }, 30_000)
})
