/**
 * Runs at most `max` at once. The others wait: people's changes first, and of one priority each flow in its turn. What
 * hangs gives its place back and goes on apart.
 */
import type { Clock } from '../clock.ts'
import { createFairQueue } from '../fair-queue.ts'
import { limits } from '../limits.ts'
import { createOverflow } from '../overflow.ts'
import { createPlaces, priorities, type Turn } from '../priority.ts'

export type Semaphore = <T>(run: () => Promise<T>, turn: Turn) => Promise<T>

/** Of all that is under way, apart or not, one flow has no larger part, so that one in which all hangs leaves room. */
const maxPartOfFlow = 3 / 4

export function createSemaphore(max: number, clock: Pick<Clock, 'after'>): Semaphore {
  const overflow = createOverflow(max * limits.detachedPerSlot, clock)
  const places = createPlaces(max)
  const maxOfFlow = Math.ceil(max * (1 + limits.detachedPerSlot) * maxPartOfFlow)
  const underWay = new Map<string, number>()
  const waiting = {
    change: createFairQueue<symbol, () => void>(),
    retry: createFairQueue<symbol, () => void>(),
    poll: createFairQueue<symbol, () => void>(),
  }

  const isAllowed = (flow: string) => (underWay.get(flow) ?? 0) < maxOfFlow

  function begin({ priority, flow }: Turn) {
    places.take(priority)
    underWay.set(flow, (underWay.get(flow) ?? 0) + 1)
  }

  function endOf(flow: string) {
    const left = (underWay.get(flow) ?? 0) - 1
    if (left > 0) underWay.set(flow, left)
    else underWay.delete(flow)
    letNextBegin()
  }

  /** Whoever finishes hands its place to the first that waits, so that one that comes in between cannot take it. */
  function letNextBegin() {
    for (const priority of priorities) {
      if (!places.hasRoom(priority)) continue
      const next = waiting[priority].take(isAllowed)
      if (!next) continue
      next[1]()
      return
    }
  }

  return async (run, turn) => {
    const { priority, flow } = turn
    if (places.hasRoom(priority) && isAllowed(flow)) begin(turn)
    else
      await new Promise<void>((resolve) =>
        waiting[priority].add(flow, Symbol(flow), () => {
          begin(turn)
          resolve()
        }),
      )
    const work = (async () => await run())()
    void overflow.ended(work, priority).then(() => {
      places.giveBack(priority)
      letNextBegin()
    })
    const end = () => endOf(flow)
    work.then(end, end)
    return work
  }
}
