import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { fillNamespace, taken, updatedAt, type FullNamespace } from '../support/full-namespace.ts'
import { inPod, type OperatorProcess } from '../support/operator-process.ts'
import { limits } from '../../src/limits.ts'

const size = 100
/** Promised, whatever hangs. */
const stopLimitMs = limits.shutdownGraceMs
/** How much later than its reason a takeover may be. */
const marginMs = 3_000
/** The start of a process is part of it. */
const againMs = 3_000

const leading = (operator: OperatorProcess) => operator.logged(({ msg }) => msg === 'leading')

async function twoReplicas() {
  const space = await fillNamespace({ size: 10 })
  const leader = space.start({ ...space.elected, ...inPod('one') })
  await leading(leader)
  const other = space.start({ ...space.elected, ...inPod('two') })
  await other.logged(({ msg }) => msg?.includes('waiting') === true)
  await space.converged()
  return { ...space, leader, other }
}

/** Edits an object; resolves with the time ZStack was asked to change accordingly. */
async function nextUpdate({ edit, uuids, zstack }: FullNamespace, timeout: number): Promise<number> {
  const sentAt = await edit(0, { requestCpu: 16 })
  await expect.poll(() => updatedAt(zstack, uuids[0], sentAt), { timeout }).toBeDefined()
  return updatedAt(zstack, uuids[0], sentAt)!
}

describe.skipIf(apiServerMissing() !== undefined)('a stop under load', () => {
  it('ends in 0 within its limit, logged out, with the lease released, and nothing is done twice', async ({
    annotate,
  }) => {
    const space = await fillNamespace({
      size,
      spec: () => ({ requestCpu: 8, userTags: ['x'] }),
      moods: { latencyMillis: 300 },
    })
    const { zstack, start, elected, converged, lease } = space
    const operator = start(elected)
    await expect.poll(() => taken(zstack).length, { timeout: 20_000 }).toBeGreaterThan(size / 10)
    const toldAt = Date.now()
    operator.signal('SIGTERM')
    expect(await operator.exited).toBe(0)
    const tookMs = Date.now() - toldAt
    await annotate(`ended after ${tookMs} ms, ${taken(zstack).length} of ${size} updates sent`)
    expect(tookMs).toBeLessThan(stopLimitMs)
    expect(taken(zstack).length).toBeLessThan(size)
    expect(zstack.counters.openSessions).toBe(0)
    expect((await lease()).holderIdentity).toBe('')
    expect(operator.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])

    zstack.set({ latencyMillis: 0 })
    start(elected)
    await converged()
    expect(taken(zstack)).toHaveLength(size)
  }, 90_000)
})

describe.skipIf(apiServerMissing() !== undefined)('of two replicas the other acts', () => {
  it(`within ${marginMs / 1000} s of a soft stop of the leader`, async ({ annotate }) => {
    const replicas = await twoReplicas()
    const toldAt = Date.now()
    expect(await replicas.leader.stop()).toBe(0)
    const tookMs = (await nextUpdate(replicas, 20_000)) - toldAt
    await annotate(`acted after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(marginMs)
    await replicas.converged()
    expect(taken(replicas.zstack)).toHaveLength(11)
  }, 60_000)

  it(`within the lease and ${marginMs / 1000} s of a hard kill of the leader, one right after a renewal too`, async ({
    annotate,
  }) => {
    const replicas = await twoReplicas()
    await nextRenewal(replicas)
    const killedAt = Date.now()
    replicas.leader.signal('SIGKILL')
    const tookMs = (await nextUpdate(replicas, 40_000)) - killedAt
    await annotate(`acted after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(limits.lease.durationMs + marginMs)
    await replicas.converged()
    expect(taken(replicas.zstack)).toHaveLength(11)
  }, 90_000)
})

describe.skipIf(apiServerMissing() !== undefined)('a leader that is killed hard and started again in its pod', () => {
  it(`acts within ${againMs / 1000} s, and the lease shows nothing of it`, async ({ annotate }) => {
    const space = await fillNamespace({ size: 10 })
    const pod = { ...space.elected, ...inPod('one') }
    const leader = space.start(pod)
    await leading(leader)
    await space.converged()
    await nextRenewal(space)
    const { holderIdentity, acquireTime, leaseTransitions } = await space.lease()
    leader.signal('SIGKILL')
    await leader.exited
    const startedAt = Date.now()
    space.start(pod)
    const tookMs = (await nextUpdate(space, 40_000)) - startedAt
    await annotate(`acted after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(againMs)
    await space.converged()
    expect(taken(space.zstack)).toHaveLength(11)
    expect(await space.lease()).toMatchObject({ holderIdentity, acquireTime, leaseTransitions })
  }, 60_000)
})

async function nextRenewal({ lease }: FullNamespace): Promise<void> {
  const { renewTime } = await lease()
  await expect.poll(async () => (await lease()).renewTime, { timeout: 10_000, interval: 20 }).not.toBe(renewTime)
}
