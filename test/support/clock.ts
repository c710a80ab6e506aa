import { setImmediate } from 'node:timers/promises'
import { type Clock, sleepOn } from '../../src/clock.ts'

export interface ManualClock extends Clock {
  /**
   * Lets time pass: timers fire in the order they are due, each at its own moment, and what they set off in memory has
   * settled before the next one fires. Resolves when all has settled.
   */
  advance(ms: number): Promise<void>
  /** Time passes and no timer fires, as for a process that was stopped. The next {@link advance} fires what is overdue. */
  jump(ms: number): void
  /** Somebody sets the wall clock: what people read jumps, and nothing else. */
  setWall(byMs: number): void
  /** Timers that wait. */
  readonly pending: number
}

/** A clock that stands still until a test advances it. */
export function createManualClock(start: Date = new Date('2026-01-01T00:00:00Z')): ManualClock {
  const timers = new Set<{ readonly due: number; readonly callback: () => void }>()
  let elapsed = 0
  let shift = 0

  function earliest(until: number) {
    let first: { readonly due: number; readonly callback: () => void } | undefined
    for (const timer of timers) if (timer.due <= until && (!first || timer.due < first.due)) first = timer
    return first
  }

  const clock: ManualClock = {
    now: () => start.getTime() + elapsed + shift,
    monotonic: () => elapsed,
    after(ms, callback) {
      const timer = { due: elapsed + Math.max(0, ms), callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    async advance(ms) {
      const until = elapsed + ms
      await setImmediate()
      for (let timer = earliest(until); timer; timer = earliest(until)) {
        timers.delete(timer)
        elapsed = Math.max(elapsed, timer.due)
        timer.callback()
        await setImmediate()
      }
      elapsed = until
      await setImmediate()
    },
    jump(ms) {
      elapsed += ms
    },
    setWall(byMs) {
      shift += byMs
    },
    get pending() {
      return timers.size
    },
  }
  return clock
}
