/**
 * Runs at most so many at once. The others wait: people's changes first, and of one priority each flow in its turn. What
 * hangs gives its place back and goes on apart.
 */
import type { Clock } from '../clock.ts'
import { createFairQueue } from '../fair-queue.ts'
import { createOverflow } from '../overflow.ts'
import type { InFlight } from './in-flight.ts'
import { apartOf, createSlots, priorities, slotsOf, type Priority, type Turn } from '../priority.ts'

export type Semaphore = <T>(run: () => Promise<T>, turn: Turn) => Promise<T>

export function createSemaphore({ slots: max, apart: maxApart }: InFlight, clock: Pick<Clock, 'after'>): Semaphore {
  const overflow = createOverflow(maxApart, clock)
  const slots = createSlots(max)
  /** How many are under way, apart or not, by priority and flow. */
  const underWay = new Map<string, number>()
  const waiting = {
    change: createFairQueue<symbol, () => void>(),
    retry: createFairQueue<symbol, () => void>(),
    poll: createFairQueue<symbol, () => void>(),
  }

  /** If all of a flow hangs, half of the slots of its priority are left to the others for all that. */
  const isAllowed = ({ priority, flow }: Turn) =>
    (underWay.get(`${priority} ${flow}`) ?? 0) < apartOf(maxApart, priority) + Math.floor(ownSlots(max, priority) / 2)

  function count({ priority, flow }: Turn, change: 1 | -1) {
    const key = `${priority} ${flow}`
    const now = (underWay.get(key) ?? 0) + change
    if (now > 0) underWay.set(key, now)
    else underWay.delete(key)
  }

  function begin(turn: Turn) {
    slots.take(turn.priority)
    count(turn, 1)
  }

  /** Whoever finishes hands its place to the first that waits, so that one that comes in between cannot take it. */
  function letNextBegin() {
    for (const priority of priorities) {
      if (!slots.hasRoom(priority)) continue
      const next = waiting[priority].take((flow) => isAllowed({ priority, flow }))
      if (!next) continue
      next[1]()
      return
    }
  }

  return async (run, turn) => {
    const { priority, flow } = turn
    if (slots.hasRoom(priority) && isAllowed(turn)) begin(turn)
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
      count(turn, -1)
      letNextBegin()
    }
    work.then(end, end)
    return work
  }
}

/** Slots that no work of a smaller part takes. */
const ownSlots = (max: number, priority: Priority) =>
  slotsOf(max, priority) - (priority === 'poll' ? slotsOf(max, 'retry') : 0)
