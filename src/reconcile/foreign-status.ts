/**
 * Answers status that somebody else wrote. The first such write is looked at at once, for a former leader may have made it
 * at its end. Further ones are answered ever later: a second operator that watches the same objects answers each write of
 * this one with one of its own, and without a pause the two would write for ever as fast as the API server lets them.
 */
import { steadyBackoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'

export type ForeignStatusOptions = {
  readonly clock: Clock
  readonly random: () => number
  readonly enqueue: (key: string) => void
  readonly enqueueAfter: (key: string, ms: number) => void
  /** Whether this process acts. For one that stands by, all status is written by another. */
  readonly isLeader: () => boolean
  readonly onWrite: () => void
  /** Told once of each object whose status others go on writing. */
  readonly onRepeated: (key: string) => void
}

export interface ForeignStatus {
  /** Somebody else has just written the status of the object. */
  written(key: string): void
  /** Whether status that somebody else wrote over may be written again by now. If not, the object is looked at again then. */
  mayAnswer(key: string): boolean
  forget(key: string): void
}

/** `due`: when the last write is answered. */
type Streak = { readonly answers: number; readonly due: number }

/** So many answers in a row are no coincidence. */
const repeatedAnswers = 3

export function createForeignStatus(options: ForeignStatusOptions): ForeignStatus {
  const { clock, random, enqueue, enqueueAfter, isLeader, onWrite, onRepeated } = options
  const { initialMs, maxMs } = limits.foreignStatusRetry
  const streaks = new Map<string, Streak>()

  /** The streak with this write in it: one that comes before the last is answered is answered with it. */
  function extend(streak: Streak | undefined, now: number): Streak {
    if (!streak || now - streak.due > 2 * maxMs) return { answers: 1, due: now }
    if (now < streak.due) return streak
    const waitMs = steadyBackoff({ initialMs, maxMs }, streak.answers - 1, random)
    return { answers: streak.answers + 1, due: now + waitMs }
  }

  return {
    written(key) {
      if (!isLeader()) {
        enqueue(key)
        return
      }
      onWrite()
      const now = clock.monotonic()
      const before = streaks.get(key)
      const streak = extend(before, now)
      streaks.set(key, streak)
      if (streak.due > now) enqueueAfter(key, streak.due - now)
      else enqueue(key)
      if (streak !== before && streak.answers === repeatedAnswers) onRepeated(key)
    },
    mayAnswer(key) {
      const waitMs = (streaks.get(key)?.due ?? 0) - clock.monotonic()
      if (waitMs > 0) enqueueAfter(key, waitMs)
      return waitMs <= 0
    },
    forget: (key) => void streaks.delete(key),
  }
}
