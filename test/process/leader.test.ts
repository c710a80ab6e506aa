import { describe, expect, it } from 'vitest'
import type { StandInApi } from '../support/kube-api/server.ts'
import { inPod, type OperatorProcess } from '../support/operator-process.ts'
import { startFixture } from '../support/process-fixture.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = 'a'.repeat(32)
const elected = { LEADER_ELECTION: 'true', LEADER_ELECTION_NAMESPACE: 'default' }
const isLeading = (operator: OperatorProcess) => operator.log.some(({ msg }) => msg === 'leading')
const leaseOf = ({ url }: StandInApi) =>
  `${url}/apis/coordination.k8s.io/v1/namespaces/default/leases/modelservice-operator`
const leading = (operator: OperatorProcess) => operator.logged(({ msg }) => msg === 'leading')

async function holder(api: StandInApi): Promise<string | undefined> {
  const lease = (await (await fetch(leaseOf(api))).json()) as { spec: { holderIdentity?: string } }
  return lease.spec.holderIdentity
}

/** As no process should: the lease is another's that did not wait for its end. */
async function takeLease(api: StandInApi): Promise<void> {
  await fetch(leaseOf(api), {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ spec: { holderIdentity: 'somebody-else' } }),
  })
}

async function twoReplicas() {
  const fixture = await startFixture({ services: [modelService({ uuid, requestCpu: 4 })] })
  await fixture.create('a', { uuid, requestCpu: 8 })
  const first = fixture.start(elected)
  await leading(first)
  const second = fixture.start(elected)
  await second.logged(({ msg }) => msg?.includes('waiting') === true)
  return { ...fixture, first, second }
}

describe('of two replicas', () => {
  it('one acts and the other waits, and logs in only to check the connection', async () => {
    const { converged, zstack, second } = await twoReplicas()
    await converged()
    expect(isLeading(second)).toBe(false)
    expect(zstack.requests('update')).toHaveLength(1)
    await expect.poll(() => zstack.counters.sessionsOpened).toBe(2)
  })

  it('the other takes over at once when the leader is stopped, for it gives up its lease', async () => {
    const { api, converged, edit, zstack, first, second } = await twoReplicas()
    await converged()
    const before = await holder(api)
    expect(await first.stop()).toBe(0)
    expect(await holder(api)).not.toBe(before)
    await leading(second)
    await edit('a', { requestCpu: 16 })
    await converged()
    expect(zstack.read(uuid)).toMatchObject({ requestCpu: 16 })
    expect(zstack.requests('update')).toHaveLength(2)
    expect(await second.stop()).toBe(0)
    expect(zstack.counters.openSessions).toBe(0)
  })

  it('the one that waits stops at once, and the leader goes on', async () => {
    const { converged, first, second, edit } = await twoReplicas()
    expect(await second.stop()).toBe(0)
    await edit('a', { requestCpu: 16 })
    await converged()
    expect(first.log.some(({ level }) => level === 'error')).toBe(false)
  })

  it('the leader that loses its lease to somebody else ends with 1, and says why', async () => {
    const { api, first, converged } = await twoReplicas()
    await converged()
    await takeLease(api)
    expect(await first.exited).toBe(1)
    expect(first.log.at(-1)).toMatchObject({ level: 'error', msg: expect.stringContaining('lease is lost') as string })
  })

  it('the first ends with 1 where a second is started in its pod: they never go on side by side', async () => {
    const { start, create } = await startFixture({ services: [modelService({ uuid, requestCpu: 4 })] })
    await create('a', { uuid, requestCpu: 8 })
    const first = start({ ...elected, ...inPod('one') })
    await leading(first)
    const second = start({ ...elected, ...inPod('one') })
    await leading(second)
    expect(await first.exited).toBe(1)
    expect(first.log).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'another process of the same identity took the lease' }),
    )
    expect(await second.stop()).toBe(0)
  })

  it('the leader that loses its lease while it is stopping ends in 0', async () => {
    const { api, first, converged, edit, zstack } = await twoReplicas()
    await converged()
    zstack.fault({ operation: 'update', fault: { kind: 'hang' } })
    await edit('a', { requestCpu: 16 })
    await expect.poll(() => zstack.requests('update').length, { timeout: 10_000 }).toBe(2)
    first.signal('SIGTERM')
    await first.logged(({ msg }) => msg === 'stopping')
    await takeLease(api)
    expect(await first.exited).toBe(0)
    expect(first.log.some(({ level }) => level === 'error')).toBe(false)
  })
})

describe('the lease of an API server that takes 3 s for each request', () => {
  it('is had all the same, for its look and its write have 5 s each', async () => {
    const { api, start } = await startFixture()
    api.faults.latency(3_000)
    await leading(start(elected))
  })
})
