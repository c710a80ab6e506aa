import { describe, expect, it } from 'vitest'
import { startFixture } from '../support/process-fixture.ts'
import { modelService } from '../support/zstack/simulator.ts'

const services = Array.from({ length: 6 }, () => modelService({ requestCpu: 4 }))
const [first, ...others] = services.map(({ uuid }) => uuid)

describe('status writes that the API server refuses for good', () => {
  it.each([422, 403, 500])('with %i keep no later edit from ZStack, each is sent once', async (status) => {
    const { start, create, edit, zstack, api } = await startFixture({ services })
    await Promise.all(services.map(({ uuid }, i) => create(`s${i}`, { uuid, requestCpu: 4 })))
    api.faults.refuse({ subresource: 'status', status })
    start()
    await expect.poll(() => zstack.counters.query, { timeout: 10_000 }).toBeGreaterThan(1)
    for (const cpu of [8, 9, 10]) {
      await edit('s0', { requestCpu: cpu })
      await expect.poll(() => zstack.read(first!)?.requestCpu, { timeout: 2_000 }).toBe(cpu)
    }
    expect(zstack.requests('update')).toHaveLength(3)
    for (const uuid of others) expect(zstack.read(uuid)?.requestCpu).toBe(4)
  })
})
