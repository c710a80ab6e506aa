import { describe, expect, it } from 'vitest'
import { startFixture } from '../support/process-fixture.ts'
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

  it('while ZStack never answers ends in 0, without waiting for it for ever', async () => {
    const [service] = services(1)
    const { start, create, zstack } = await startFixture({ services: [service!] })
    zstack.fault({ operation: 'update', fault: { kind: 'hang' } })
    await create('a', { uuid: service!.uuid, requestCpu: 8 })
    const operator = start()
    await expect.poll(() => zstack.requests('update').length, { timeout: 10_000 }).toBe(1)
    expect(await operator.stop()).toBe(0)
    expect(zstack.counters.openSessions).toBe(0)
  }, 40_000)
})
