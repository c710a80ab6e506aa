import { expect, it } from 'vitest'
import { startFixture } from '../support/process-fixture.ts'
import { modelService } from '../support/zstack/simulator.ts'

it('killed in the middle of 100 updates and started again: all converge, and no service gets more than 2 updates', async () => {
  const services = Array.from({ length: 100 }, (_, i) =>
    modelService({ uuid: i.toString(16).padStart(32, '0'), requestCpu: 4 }),
  )
  const { start, create, converged, zstack, api } = await startFixture({ services, moods: { latencyMillis: 100 } })
  const spec = { requestCpu: 8, userTags: ['x'], environmentParameters: { MODE: 'fast' } }
  await Promise.all(services.map(({ uuid }, i) => create(`s${i}`, { uuid, ...spec })))

  const first = start()
  await expect.poll(() => zstack.requests('update').length, { timeout: 20_000 }).toBeGreaterThan(30)
  first.signal('SIGKILL')
  expect(await first.exited).toBeNull()
  expect(zstack.requests('update').length).toBeLessThan(100)

  start()
  await converged(40_000)
  // One of the other body shape, by which the operator learns what this server takes, is refused and changes nothing.
  const taken = zstack.requests('update').filter(({ status }) => status !== 400)
  const updates = services.map(({ uuid }) => taken.filter((one) => one.uuid === uuid).length)
  expect(Math.min(...updates)).toBe(1)
  expect(Math.max(...updates)).toBeLessThanOrEqual(2)
  for (const { uuid } of services) {
    expect(zstack.read(uuid)).toMatchObject({ requestCpu: 8 })
    expect(zstack.hidden(uuid)).toMatchObject({ userTags: ['x'], environmentParameters: { MODE: 'fast' } })
  }

  const writes = { ...api.counters.writesByResource }
  const polled = zstack.counters.query
  await expect.poll(() => zstack.counters.query, { timeout: 10_000 }).toBeGreaterThan(polled + 2)
  expect(api.counters.writesByResource['modelservices/status']).toBe(writes['modelservices/status'])
}, 90_000)
