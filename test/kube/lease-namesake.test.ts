import { describe, expect, it } from 'vitest'
import type { ApiRequest } from '../../src/kube/cluster.ts'
import { limits } from '../../src/limits.ts'
import { candidate, createLeaseWorld, specOf } from '../support/candidate.ts'
import type { Fate } from '../support/lease-api.ts'

/** A process of a pod that leads, and the world in which another of the same pod may come. */
async function leader(fate?: (request: ApiRequest) => Fate) {
  const world = createLeaseWorld()
  const first = candidate('pod', { ...world, ...(fate && { fate }) })
  await world.clock.advance(0)
  expect(first.isHeld()).toBe(true)
  await world.clock.advance(7_000)
  return { ...world, first }
}

describe('a process of the pod whose process before it was killed', () => {
  it('holds the lease at once, as if it had never been away', async () => {
    const { clock, api, first } = await leader()
    first.freeze()
    const before = specOf(api)
    await clock.advance(1_000)
    const second = candidate('pod', { clock, api })
    await clock.advance(0)
    expect(second.isHeld()).toBe(true)
    expect(specOf(api)).toEqual({ ...before, renewTime: '2026-01-01T00:00:08.000000Z' })
    expect(before).toMatchObject({ acquireTime: '2026-01-01T00:00:00.000000Z', leaseTransitions: 0 })
  })

  it('keeps it, though a renewal of the dead one arrives late', async () => {
    let fate: Fate = {}
    const { clock, api, first } = await leader(() => fate)
    fate = { there: 1_500 }
    await clock.advance(2_700)
    first.freeze()
    const second = candidate('pod', { clock, api })
    await clock.advance(0)
    const { renewTime } = specOf(api)
    await clock.advance(1_900)
    expect(specOf(api)).toMatchObject({ renewTime })
    await clock.advance(30_000)
    expect([second.isHeld(), second.leadership().lost.aborted]).toEqual([true, false])
  })

  it('takes it within a retry where the dead one’s release arrives while it takes it', async () => {
    let fate: Fate = {}
    const { clock, api, first } = await leader(() => fate)
    fate = { there: 40 }
    void first.leadership().release()
    await clock.advance(50)
    first.freeze()
    const second = candidate('pod', { clock, api, fate: () => ({ there: 20 }) })
    await clock.advance(30)
    expect([specOf(api).holderIdentity, second.isHeld()]).toEqual(['', false])
    await clock.advance(limits.lease.retryMs + 100)
    expect(second.isHeld()).toBe(true)
    expect(specOf(api)).toMatchObject({ holderIdentity: 'pod', leaseTransitions: 1 })
  })
})

/** No kubelet starts one while the one before it lives; somebody else may. */
describe('a process whose identity another one has too', () => {
  it('is not held the moment it goes on after longer than the deadline, and never writes again', async () => {
    const { clock, api, first } = await leader()
    const wake = first.freeze()
    const second = candidate('pod', { clock, api })
    await clock.advance(limits.lease.renewDeadlineMs)
    wake()
    expect(first.isHeld()).toBe(false)
    const { renewTime } = specOf(api)
    await clock.advance(0)
    expect(specOf(api)).toMatchObject({ renewTime })
    await clock.advance(30_000)
    expect(first.leadership().lost.aborted).toBe(true)
    expect(second.isHeld()).toBe(true)
  })

  it('loses the lease at its first look where it goes on sooner, and leaves the record alone', async () => {
    const { clock, api, first } = await leader()
    const wake = first.freeze()
    const second = candidate('pod', { clock, api })
    await clock.advance(5_000)
    wake()
    const { renewTime } = specOf(api)
    await clock.advance(0)
    expect([first.isHeld(), first.leadership().lost.aborted]).toEqual([false, true])
    expect(specOf(api)).toMatchObject({ renewTime })
    await clock.advance(30_000)
    expect([second.isHeld(), second.leadership().lost.aborted]).toEqual([true, false])
    expect(first.entries.at(-1)).toMatchObject({ level: 'warn', msg: expect.stringContaining('identity') as string })
  })

  it('loses the lease where it is woken in the middle of a renewal', async () => {
    let fate: Fate = {}
    const { clock, api, first } = await leader(() => fate)
    fate = { there: 100, back: 100 }
    // The renewal has looked at the record, and not yet heard what it holds.
    await clock.advance(1_150)
    const wake = first.freeze()
    const second = candidate('pod', { clock, api })
    await clock.advance(4_000)
    wake()
    await clock.advance(limits.lease.retryMs + 400)
    expect([first.isHeld(), first.leadership().lost.aborted]).toEqual([false, true])
    await clock.advance(30_000)
    expect([second.isHeld(), second.leadership().lost.aborted]).toEqual([true, false])
  })

  it('loses the lease at its next renewal where neither was ever stopped', async () => {
    const { clock, api, first } = await leader()
    const second = candidate('pod', { clock, api })
    await clock.advance(limits.lease.retryMs)
    expect([first.isHeld(), second.isHeld()]).toEqual([false, true])
  })

  it('does not release what the other one holds', async () => {
    const { clock, api, first } = await leader()
    const second = candidate('pod', { clock, api })
    await clock.advance(500)
    await first.leadership().release()
    expect(specOf(api)).toMatchObject({ holderIdentity: 'pod' })
    await clock.advance(30_000)
    expect(second.isHeld()).toBe(true)
  })
})

it('a process does not take its own renewal for another’s, though it got no answer to it', async () => {
  let fate: Fate = {}
  const { clock, api, first } = await leader(({ method }) => (method === 'PUT' ? fate : {}))
  const before = api.writes
  fate = { answered: false }
  await clock.advance(2_000)
  fate = {}
  expect(api.writes).toBe(before + 1)
  await clock.advance(60_000)
  expect([first.isHeld(), first.entries.map(({ msg }) => msg)]).toEqual([true, ['leading', 'lease not renewed']])
})

it('a process knows its own renewals by a clock that counts fractions of a millisecond too', async () => {
  const { clock, api } = createLeaseWorld()
  await clock.advance(0.25)
  const one = candidate('pod', { clock, api })
  await clock.advance(60_000)
  expect(one.isHeld()).toBe(true)
})
