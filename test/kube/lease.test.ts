import { describe, expect, it } from 'vitest'
import type { ApiRequest } from '../../src/kube/cluster.ts'
import { limits } from '../../src/limits.ts'
import { candidate, createLeaseWorld, foreign, specOf } from '../support/candidate.ts'
import type { Fate } from '../support/lease-api.ts'

describe('holding', () => {
  it('renews every two seconds, and is held all the time', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api })
    await clock.advance(0)
    const writes = api.writes
    for (let seconds = 0; seconds < 60; seconds += 1) {
      await clock.advance(1_000)
      expect(one.isHeld()).toBe(true)
    }
    expect(api.writes - writes).toBe(30)
    expect(specOf(api)).toMatchObject({
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:01:00.000000Z',
      leaseTransitions: 0,
    })
  })

  it.each<[string, Fate]>([
    ['takes no requests', { arrives: false }],
    ['does what it is asked and does not answer', { answered: false }],
    ['answers too late', { back: 9_000 }],
  ])('is lost at the renew deadline when the API %s', async (_, outage) => {
    const { clock, api } = createLeaseWorld()
    let fate: Fate = {}
    const one = candidate('one', { clock, api, fate: () => fate })
    await clock.advance(60_000)
    fate = outage
    await clock.advance(limits.lease.renewDeadlineMs - 1)
    expect([one.isHeld(), one.leadership().lost.aborted]).toEqual([true, false])
    await clock.advance(1)
    expect([one.isHeld(), one.leadership().lost.aborted]).toEqual([false, true])
  })

  it('counts a renewal from when it was asked for, not from when it was answered', async () => {
    const { clock, api } = createLeaseWorld()
    let fate: Fate = {}
    const one = candidate('one', { clock, api, fate: () => fate })
    await clock.advance(3_000)
    fate = { back: 2_000 }
    // A look at 4 s, a write at 6 s, and its answer at 8 s.
    await clock.advance(5_500)
    clock.jump(4_000 + limits.lease.renewDeadlineMs - 8_500 - 1)
    expect(one.isHeld()).toBe(true)
    clock.jump(1)
    expect(one.isHeld()).toBe(false)
  })

  it('outlives an outage that is shorter than the deadline', async () => {
    const { clock, api } = createLeaseWorld()
    let fate: Fate = {}
    const one = candidate('one', { clock, api, fate: () => fate })
    await clock.advance(60_000)
    fate = { arrives: false }
    await clock.advance(6_000)
    fate = {}
    await clock.advance(60_000)
    expect(one.isHeld()).toBe(true)
  })

  it('outlives a conflict with a write that left it the holder', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api, fate: () => ({ there: 100 }) })
    await clock.advance(2_250)
    api.put({ ...specOf(api), note: 'somebody looked' })
    await clock.advance(20_000)
    expect(one.isHeld()).toBe(true)
    expect(one.entries.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('is acquired, renewed and released by requests that wait behind no others', async () => {
    const { clock, api } = createLeaseWorld()
    const urgent: (boolean | undefined)[] = []
    const fate = ({ isUrgent }: ApiRequest) => {
      urgent.push(isUrgent)
      return {}
    }
    const one = candidate('one', { clock, api, fate })
    await clock.advance(5_000)
    await one.leadership().release()
    expect(urgent.length).toBeGreaterThan(6)
    expect(new Set(urgent)).toEqual(new Set([true]))
  })

  it('is lost as soon as another is seen to hold it', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api })
    await clock.advance(0)
    api.put(foreign())
    await clock.advance(limits.lease.retryMs)
    expect([one.isHeld(), one.leadership().lost.aborted]).toEqual([false, true])
    expect(specOf(api)).toMatchObject({ holderIdentity: 'other' })
  })

  it('is not held the moment a process goes on that was stopped for a minute, before any timer has fired', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api })
    await clock.advance(5_000)
    clock.jump(60_000)
    expect(one.isHeld()).toBe(false)
    await clock.advance(0)
    expect(one.leadership().lost.aborted).toBe(true)
  })

  it('is not held again by the answer to a renewal that a stop had held up', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api, fate: () => ({ back: 500 }) })
    await clock.advance(3_200)
    clock.jump(60_000)
    await clock.advance(30_000)
    expect([one.isHeld(), one.leadership().lost.aborted]).toEqual([false, true])
  })

  it('leaves no timer and asks for nothing more once it is lost', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api })
    await clock.advance(0)
    api.put(foreign())
    await clock.advance(limits.lease.retryMs)
    expect(clock.pending).toBe(0)
    await one.leadership().release()
    expect(specOf(api)).toMatchObject({ holderIdentity: 'other' })
  })
})

describe('releasing', () => {
  it('lets the next in at its next try', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api })
    await clock.advance(0)
    const two = candidate('two', { clock, api })
    await clock.advance(20_000)
    expect(two.isHeld()).toBe(false)
    await one.leadership().release()
    expect(specOf(api)).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 })
    await clock.advance(limits.lease.retryMs * 1.2)
    expect(two.isHeld()).toBe(true)
  })

  it('ends the right to write at once, and is no loss', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api, fate: () => ({ back: 10 }) })
    await clock.advance(1_000)
    const released = one.leadership().release()
    expect(one.isHeld()).toBe(false)
    await clock.advance(1_000)
    await released
    expect(one.leadership().lost.aborted).toBe(false)
    expect(clock.pending).toBe(0)
  })

  it('works in the middle of a renewal that arrives all the same', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api, fate: () => ({ back: 50 }) })
    await clock.advance(2_200)
    const before = api.writes
    const released = one.leadership().release()
    await clock.advance(1_000)
    await released
    expect(api.writes).toBe(before + 1)
    expect(specOf(api)).toMatchObject({ holderIdentity: '' })
  })

  it('works though the renewal that was cut short arrives between its own look and its own write', async () => {
    const { clock, api } = createLeaseWorld()
    let requests = 0
    // From the renewal on: it is slow to arrive, the look after it is not.
    const fate = (): Fate => (++requests === 4 ? { there: 100 } : requests > 4 ? { there: 5, back: 150 } : {})
    const one = candidate('one', { clock, api, fate })
    await clock.advance(2_000)
    const before = api.writes
    const released = one.leadership().release()
    await clock.advance(3_000)
    await released
    expect(api.writes).toBe(before + 2)
    expect(specOf(api)).toMatchObject({ holderIdentity: '' })
  })

  it('does not wait for an API that is away for longer than one request may take', async () => {
    const { clock, api } = createLeaseWorld()
    let fate: Fate = {}
    const one = candidate('one', { clock, api, fate: () => fate })
    await clock.advance(1_000)
    fate = { arrives: false }
    const released = one.leadership().release()
    await clock.advance(5_000)
    await released
    expect(one.entries.at(-1)).toMatchObject({ level: 'warn', msg: expect.stringContaining('not released') as string })
    expect(clock.pending).toBe(0)
  })
})
