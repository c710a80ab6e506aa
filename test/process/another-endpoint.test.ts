import { describe, expect, it, onTestFinished } from 'vitest'
import { startFixture } from '../support/process-fixture.ts'
import { modelService, startZStackSimulator } from '../support/zstack/simulator.ts'
import { freePort } from '../support/free-port.ts'

const size = 20
const services = Array.from({ length: size }, (_, i) =>
  modelService({ uuid: i.toString(16).padStart(32, '0'), requestCpu: 4 }),
)

/** Objects that a former process left in sync with the ZStack of another endpoint. */
async function leftBehind() {
  const fixture = await startFixture({ services })
  await Promise.all(services.map(({ uuid }, i) => fixture.create(`s${i}`, { uuid, requestCpu: 4 })))
  const former = fixture.start()
  await fixture.converged()
  await former.stop()
  return fixture
}

/** A ZStack that takes every request and answers none. */
async function silentZStack() {
  const zstack = await startZStackSimulator({ services })
  onTestFinished(() => zstack.close())
  zstack.fault({ fault: { kind: 'hang' } })
  return zstack.url
}

describe('status that a former process judged at another endpoint', () => {
  it.each([
    ['hangs', silentZStack],
    ['refuses connections', async () => `http://127.0.0.1:${await freePort()}/zstack`],
  ])('is no status any more: while the new endpoint %s, no object says Ready', async (_, endpoint) => {
    const { start, ready } = await leftBehind()
    const operator = start({ ZSTACK_ENDPOINT: await endpoint() })
    await operator.logged(({ msg }) => msg === 'started')
    await expect
      .poll(async () => (await ready()).filter((one) => one.startsWith('True')), { timeout: 10_000, interval: 50 })
      .toEqual([])
  })
})
