/**
 * Runs at most so many at once. The others wait: people's changes first, but for every fourth turn, and of one priority each
 * flow in its turn. What hangs gives its place back and goes on apart.
 */
import type { Clock } from './clock.ts'
import { createFairQueue } from './fair-queue.ts'
import { createOverflow } from './overflow.ts'
import { createShares, createSlots, priorities, type Turn } from './priority.ts'

/** `apart`: how many more that hang. */
export type InFlight = { readonly slots: number; readonly apart: number }

export type Semaphore = <T>(run: () => Promise<T>, turn: Turn) => Promise<T>

export function createSemaphore({ slots: max, apart: maxApart }: InFlight, clock: Pick<Clock, 'after'>): Semaphore {
  const overflow = createOverflow(maxApart, clock)
  const slots = createSlots(max)
  const shares = createShares(max, maxApart)
  let turns = 0
  const waiting = {
    change: createFairQueue<symbol, () => void>(),
    retry: createFairQueue<symbol, () => void>(),
    poll: createFairQueue<symbol, () => void>(),
  }

  function begin(turn: Turn) {
    slots.take(turn.priority)
    shares.begin(turn)
  }

  /** Whoever finishes hands its place to the first that waits, so that one that comes in between cannot take it. */
  function letNextBegin() {
    // A crowd of changes that never ends still leaves every fourth turn to the rest.
    const order = ++turns % 4 === 0 ? lastFirst : priorities
    for (const priority of order) {
      if (!slots.hasRoom(priority)) continue
      const next = waiting[priority].take((flow) => shares.mayBegin({ priority, flow }))
      if (!next) continue
      next[1]()
      return
    }
  }

  return async (run, turn) => {
    const { priority, flow } = turn
    if (slots.hasRoom(priority) && shares.mayBegin(turn)) begin(turn)
    else
      await new Promise<void>((resolve) =>
        waiting[priority].add(flow, Symbol(flow), () => {
          begin(turn)
          resolve()
        }),
      )
    const work = (async () => await run())()
    void overflow.ended(work, priority).then(() => {
      slots.giveBack(priority)
      letNextBegin()
    })
    const end = () => {
      shares.end(turn)
      letNextBegin()
    }
    work.then(end, end)
    return work
  }
}

const lastFirst = priorities.toReversed()
