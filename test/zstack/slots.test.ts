import { describe, expect, it } from 'vitest'
import { createSlots, type Slots } from '../../src/zstack/slots.ts'
import { times } from '../support/client.ts'
import { createManualClock } from '../support/clock.ts'
import { held } from '../support/scripted-http.ts'

const slowMs = 2_000

function start(max: number) {
  const clock = createManualClock()
  const slots: Slots = createSlots(max, clock)
  let running = 0
  const hang = (canWait: boolean) => {
    const answer = held<undefined>()
    const ended = slots({
      canWait,
      async run() {
        running++
        await answer.promise
        running--
      },
    })
    return { ended, answer: () => (answer.release(undefined), ended) }
  }
  return { clock, slots, hang, running: () => running }
}

describe('slots', () => {
  it('are no more than there are', async () => {
    const { clock, hang, running } = start(3)
    const requests = times(10, () => hang(false))
    await clock.advance(0)
    expect(running()).toBe(3)
    await requests[0]?.answer()
    await clock.advance(0)
    expect(running()).toBe(3)
  })

  it('are given back by requests that hang, so that others wait no longer than two seconds', async () => {
    const { clock, hang, slots } = start(4)
    times(4, () => hang(false))
    const other = slots({ canWait: false, run: () => Promise.resolve('done') })
    await clock.advance(slowMs)
    expect(await other).toBe('done')
  })

  it('are kept by requests that hang once too many go on apart', async () => {
    const { clock, hang, running } = start(2)
    const requests = times(20, () => hang(false))
    await clock.advance(60_000)
    expect(running()).toBe(2 + 2 * 4)
    await requests[0]?.answer()
    await clock.advance(0)
    expect(running()).toBe(2 + 2 * 4)
  })

  it('are no more than half for requests that can wait, however many hang', async () => {
    const { clock, hang, running, slots } = start(4)
    times(100, () => hang(true))
    await clock.advance(0)
    expect(running()).toBe(2)
    await clock.advance(60_000)
    expect(running()).toBe(4 * 4 + 2)
    expect(await slots({ canWait: false, run: () => Promise.resolve('at once') })).toBe('at once')
  })

  it('are taken by requests that can wait when no other wants them, be there but one slot', async () => {
    const { slots } = start(1)
    expect(await slots({ canWait: true, run: () => Promise.resolve('done') })).toBe('done')
  })

  it('are free again when a request fails, and leave no timer', async () => {
    const { clock, slots } = start(1)
    await expect(slots({ canWait: false, run: () => Promise.reject(new Error('broken')) })).rejects.toThrow('broken')
    expect(await slots({ canWait: false, run: () => Promise.resolve('done') })).toBe('done')
    expect(clock.pending).toBe(0)
  })

  it('tell a request that takes long when it does', async () => {
    const { clock, slots } = start(1)
    const told: number[] = []
    const onOverdue = () => told.push(clock.monotonic())
    void slots({ canWait: false, onOverdue, run: () => held<undefined>().promise })
    await clock.advance(slowMs - 1)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toHaveLength(1)
  })
})
