/**
 * Runs at most `max` at once, of which at most half is background work; the others wait in the order in which they came,
 * background work behind the rest. What hangs gives its place back and goes on apart.
 */
import type { Clock } from '../clock.ts'
import { createOverflow } from '../overflow.ts'

export type Semaphore = <T>(run: () => Promise<T>, isBackground?: boolean) => Promise<T>

export function createSemaphore(max: number, clock: Pick<Clock, 'after'>): Semaphore {
  const overflow = createOverflow(max, clock)
  const maxBackground = Math.max(1, Math.floor(max / 2))
  let running = 0
  let background = 0
  const waiting: (() => void)[] = []
  const waitingInBackground: (() => void)[] = []

  function begin(isBackground: boolean) {
    running += 1
    if (isBackground) background += 1
  }

  /** Whoever finishes hands its place to the first that waits, so that one that comes in between cannot take it. */
  function letNextBegin() {
    if (running >= max) return
    const next = waiting.shift()
    if (next) {
      begin(false)
      next()
    } else if (background < maxBackground) {
      const first = waitingInBackground.shift()
      if (!first) return
      begin(true)
      first()
    }
  }

  function end(isBackground: boolean) {
    running -= 1
    if (isBackground) background -= 1
    letNextBegin()
  }

  return async (run, isBackground = false) => {
    const line = isBackground ? waitingInBackground : waiting
    const isFree = running < max && (!isBackground || background < maxBackground)
    if (isFree) begin(isBackground)
    else await new Promise<void>((resolve) => line.push(resolve))
    const work = (async () => await run())()
    void overflow.ended(work, isBackground).then(() => end(isBackground))
    return work
  }
}
