import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/kube/cluster.ts'
import { limits } from '../../src/limits.ts'
import { candidate, createLeaseWorld, foreign, specOf } from '../support/candidate.ts'

describe('acquiring', () => {
  it('creates the lease where there is none', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api })
    await clock.advance(0)
    expect(one.isHeld()).toBe(true)
    expect(specOf(api)).toEqual({
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    })
  })

  it('takes a lease that was released at once, and counts the transition', async () => {
    const { clock, api } = createLeaseWorld()
    api.put({ ...foreign(), holderIdentity: '' })
    const one = candidate('one', { clock, api })
    await clock.advance(0)
    expect(one.isHeld()).toBe(true)
    expect(specOf(api)).toMatchObject({ holderIdentity: 'one', leaseTransitions: 4 })
  })

  it("waits for the whole duration from when it first saw another's lease, however old that says it is", async () => {
    const { clock, api } = createLeaseWorld()
    api.put(foreign())
    const one = candidate('one', { clock, api })
    await clock.advance(15_000)
    expect(one.isHeld()).toBe(false)
    await clock.advance(2 * limits.lease.retryMs)
    expect(one.isHeld()).toBe(true)
  })

  it("takes another's lease in the moment it is over, not at the next of its regular tries", async () => {
    const { clock, api } = createLeaseWorld()
    api.put(foreign())
    const one = candidate('one', { clock, api })
    await clock.advance(15_001)
    expect(one.isHeld()).toBe(true)
  })

  it('goes on at its regular pace where a lease that is over cannot be taken', async () => {
    const { clock, api } = createLeaseWorld()
    api.put(foreign())
    let tries = 0
    const fate = ({ method }: { method: string }) => {
      if (method === 'PUT') {
        tries += 1
        // Somebody else's write that changes nothing comes in between.
        api.put(foreign())
      }
      return {}
    }
    const one = candidate('one', { clock, api, fate })
    await clock.advance(35_000)
    expect(one.isHeld()).toBe(false)
    expect(tries).toBeGreaterThan(5)
    expect(tries).toBeLessThanOrEqual(1 + 20_000 / (limits.lease.retryMs / 2))
  })

  it("takes the duration from the other's record", async () => {
    const { clock, api } = createLeaseWorld()
    api.put(foreign(undefined, 60))
    const one = candidate('one', { clock, api })
    await clock.advance(60_000)
    expect(one.isHeld()).toBe(false)
    await clock.advance(2 * limits.lease.retryMs)
    expect(one.isHeld()).toBe(true)
  })

  it('never displaces a holder that renews, though its clock stands still in the future or the past', async () => {
    const { clock, api } = createLeaseWorld()
    api.put(foreign())
    const one = candidate('one', { clock, api })
    for (let renewal = 0; renewal < 20; renewal += 1) {
      await clock.advance(14_000)
      api.put(foreign(renewal % 2 ? '2001-01-01T00:00:01.000000Z' : '2101-01-01T00:00:00.000000Z'))
    }
    expect(one.isHeld()).toBe(false)
    expect(specOf(api)).toMatchObject({ holderIdentity: 'other' })
  })

  it('says once who leads meanwhile', async () => {
    const { clock, api } = createLeaseWorld()
    api.put(foreign(undefined, 3_600))
    const one = candidate('one', { clock, api })
    await clock.advance(60_000)
    expect(one.entries).toEqual([expect.objectContaining({ level: 'info', holder: 'other', lease: 'test/leader' })])
  })

  it('goes on trying while the API is away', async () => {
    const { clock, api } = createLeaseWorld()
    let isAway = true
    const one = candidate('one', { clock, api, fate: () => ({ arrives: !isAway }) })
    await clock.advance(30_000)
    isAway = false
    await clock.advance(10_000)
    expect(one.isHeld()).toBe(true)
  })

  it.each([
    ['that is away', new ApiError(0, 'ECONNREFUSED')],
    ['that starts', new ApiError(429, 'storage is (re)initializing', { retryAfterMs: 1_000 })],
  ])('takes the lease well within a second of the return of an API server %s', async (_, refusal) => {
    const { clock, api } = createLeaseWorld()
    let isAway = true
    const fate = () => {
      if (isAway) throw refusal
      return {}
    }
    const one = candidate('one', { clock, api, fate })
    await clock.advance(30_000)
    isAway = false
    await clock.advance(300)
    expect(one.isHeld()).toBe(true)
  })

  it.each([
    ['is overloaded', new ApiError(503, 'busy')],
    ['refuses', new ApiError(403, 'no')],
  ])('asks an API server that %s no more often than one that answers', async (_, refusal) => {
    const { clock, api } = createLeaseWorld()
    let tries = 0
    const fate = () => {
      tries += 1
      throw refusal
    }
    candidate('one', { clock, api, fate })
    await clock.advance(60_000)
    expect(tries).toBeGreaterThan(30)
    expect(tries).toBeLessThanOrEqual(1 + 60_000 / (limits.lease.retryMs * 0.8))
  })

  it.each([
    ['may not be read', 'GET', 403, /grant get, create and update of leases in the namespace test/],
    ['may not be created', 'POST', 403, /grant get, create and update of leases in the namespace test/],
    ['has no namespace', 'POST', 404, /there is no namespace test .* LEADER_ELECTION_NAMESPACE/],
    ['is not shown to an unknown identity', 'GET', 401, /check the token or kubeconfig/],
  ])(
    'of a lease that %s is told once, with what to do, and tried until it works',
    async (_, method, status, advice) => {
      const { clock, api } = createLeaseWorld()
      let isRefused = true
      const one = candidate('one', {
        clock,
        api,
        fate: (request) => {
          if (isRefused && request.method === method) throw new ApiError(status, 'refused')
          return {}
        },
      })
      await clock.advance(60_000)
      expect(one.entries.filter(({ level }) => level !== 'debug')).toEqual([
        expect.objectContaining({
          level: 'warn',
          lease: 'test/leader',
          reason: 'refused',
          msg: expect.stringMatching(advice) as string,
        }),
      ])
      expect(one.problem()).toMatch(/^nobody can lead through this process: .*\(refused\)$/)
      expect(one.problem()).toMatch(advice)
      isRefused = false
      await clock.advance(limits.lease.retryMs)
      expect([one.isHeld(), one.problem()]).toEqual([true, undefined])
    },
  )

  it('of a lease that is refused still says so while the API server is away in between', async () => {
    const { clock, api } = createLeaseWorld()
    let error = new ApiError(403, 'refused')
    const fate = () => {
      throw error
    }
    const one = candidate('one', { clock, api, fate })
    await clock.advance(10_000)
    error = new ApiError(0, 'ECONNREFUSED')
    await clock.advance(10_000)
    expect(one.problem()).toMatch(/refused/)
  })

  it('gives a look and a write their time each, so that a slow API server can be led through', async () => {
    const { clock, api } = createLeaseWorld()
    const one = candidate('one', { clock, api, fate: () => ({ back: 4_000 }) })
    await clock.advance(8_000)
    expect(one.isHeld()).toBe(true)
  })

  it('says once that the API server is away, however often it tries, and once more at the next outage', async () => {
    const { clock, api } = createLeaseWorld()
    api.put(foreign(undefined, 3_600))
    let isAway = true
    const fate = () => {
      if (isAway) throw new ApiError(0, 'ECONNREFUSED')
      return {}
    }
    const one = candidate('one', { clock, api, fate })
    const warnings = () => one.entries.filter(({ level }) => level === 'warn').length
    await clock.advance(60_000)
    expect(warnings()).toBe(1)
    isAway = false
    await clock.advance(5_000)
    isAway = true
    await clock.advance(60_000)
    expect(warnings()).toBe(2)
  })

  it('holds a lease whose creation was done but not answered, at the next try', async () => {
    const { clock, api } = createLeaseWorld()
    let tries = 0
    const one = candidate('one', { clock, api, fate: () => ({ answered: (tries += 1) !== 2 }) })
    await clock.advance(limits.lease.renewDeadlineMs)
    expect(one.isHeld()).toBe(true)
    expect(specOf(api)).toMatchObject({ holderIdentity: 'one', leaseTransitions: 0 })
  })

  it('returns nothing once it is stopped, and leaves no timer', async () => {
    const { clock, api } = createLeaseWorld()
    api.put(foreign())
    const one = candidate('one', { clock, api })
    await clock.advance(1_000)
    one.stop.abort()
    expect(await one.asked).toBeUndefined()
    expect(clock.pending).toBe(0)
  })
})
