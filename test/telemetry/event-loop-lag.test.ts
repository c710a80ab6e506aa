import { describe, expect, it, onTestFinished } from 'vitest'
import { measureEventLoopLag } from '../../src/telemetry/event-loop-lag.ts'
import { createManualClock } from '../support/clock.ts'

function watched() {
  const clock = createManualClock()
  const loop = measureEventLoopLag(clock)
  onTestFinished(() => loop.close())
  return { clock, loop }
}

describe('the watch on the event loop', () => {
  it('sees no lag in a loop that is on time', async () => {
    const { clock, loop } = watched()
    await clock.advance(3_600_000)
    expect([loop.lagMs(), loop.recentLagMs()]).toEqual([0, 0])
  })

  it('sees a block at once when it is over, before its own timer has fired', async () => {
    const { clock, loop } = watched()
    await clock.advance(500)
    clock.jump(7_500)
    expect([loop.lagMs(), loop.recentLagMs()]).toEqual([7_000, 7_000])
  })

  it('calls a block recent for less than ten seconds, and remembers it for one minute to two', async () => {
    const { clock, loop } = watched()
    clock.jump(8_000)
    await clock.advance(0)
    await clock.advance(9_000)
    expect(loop.recentLagMs()).toBe(7_000)
    await clock.advance(1_000)
    expect(loop.recentLagMs()).toBe(0)
    await clock.advance(50_000)
    expect(loop.lagMs()).toBe(7_000)
    await clock.advance(120_000)
    expect(loop.lagMs()).toBe(0)
  })

  it('returns the maximum of several', async () => {
    const { clock, loop } = watched()
    for (const ms of [3_000, 6_000, 2_000]) {
      clock.jump(ms)
      await clock.advance(0)
    }
    expect([loop.lagMs(), loop.recentLagMs()]).toEqual([5_000, 5_000])
  })

  it('leaves no timer behind', () => {
    const { clock, loop } = watched()
    loop.close()
    expect(clock.pending).toBe(0)
  })
})
