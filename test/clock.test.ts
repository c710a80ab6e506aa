import { once } from 'node:events'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { withTimeout, systemClock, type Clock } from '../src/clock.ts'
import { createManualClock } from './support/clock.ts'

/** Both clocks that there are, each with a way to let its time pass. */
const clocks: [string, () => { clock: Clock; pass: (ms: number) => Promise<unknown>; pending: () => number }][] = [
  [
    'the clock of the system',
    () => {
      vi.useFakeTimers()
      return { clock: systemClock, pass: (ms) => vi.advanceTimersByTimeAsync(ms), pending: () => vi.getTimerCount() }
    },
  ],
  [
    'the clock of the tests',
    () => {
      const clock = createManualClock()
      return { clock, pass: (ms) => clock.advance(ms), pending: () => clock.pending }
    },
  ],
]

describe.each(clocks)('%s', (_, open) => {
  beforeEach(() => () => void vi.useRealTimers())

  it('calls back once, when the time is over', async () => {
    const { clock, pass } = open()
    const call = vi.fn()
    clock.after(1_000, call)
    await pass(999)
    expect(call).not.toHaveBeenCalled()
    await pass(10_000)
    expect(call).toHaveBeenCalledTimes(1)
  })

  it('does not call back when called off', async () => {
    const { clock, pass, pending } = open()
    const call = vi.fn()
    clock.after(1_000, call)()
    expect(pending()).toBe(0)
    await pass(2_000)
    expect(call).not.toHaveBeenCalled()
  })

  it('sleeps as long as it is asked to', async () => {
    const { clock, pass } = open()
    const started = clock.monotonic()
    const slept = clock.sleep(1_000).then(() => clock.monotonic() - started)
    await pass(5_000)
    expect(await slept).toBe(1_000)
  })

  it('wakes at once when aborted, and leaves no timer', async () => {
    const { clock, pending } = open()
    const abort = new AbortController()
    const slept = clock.sleep(1_000, abort.signal)
    abort.abort()
    await slept
    await clock.sleep(1_000, abort.signal)
    expect(pending()).toBe(0)
  })

  it('ends the signal of work that takes longer than its time, and leaves no timer behind work that does not', async () => {
    const { clock, pass, pending } = open()
    const { promise, resolve } = Promise.withResolvers<AbortSignal>()
    const late = withTimeout(clock, 1_000, (signal) => {
      resolve(signal)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    })
    const refused = expect(late).rejects.toThrow('took longer than 1 s')
    const signal = await promise
    await pass(999)
    expect(signal.aborted).toBe(false)
    await pass(1)
    await refused
    expect(await withTimeout(clock, 1_000, () => Promise.resolve('done'))).toBe('done')
    expect(pending()).toBe(0)
  })

  it('ends the signal of work with that of whoever wants it', async () => {
    const { clock } = open()
    const abort = new AbortController()
    const aborted = withTimeout(clock, 1_000, (signal) => once(signal, 'abort'), abort.signal)
    abort.abort()
    await aborted
  })
})

it('the clock of the system waits for a month and more, not for a millisecond', async () => {
  vi.useFakeTimers()
  const call = vi.fn()
  systemClock.after(Infinity, call)
  systemClock.after(40 * 24 * 3_600_000, call)
  await vi.advanceTimersByTimeAsync(24 * 24 * 3_600_000)
  expect(call).not.toHaveBeenCalled()
  vi.useRealTimers()
})
