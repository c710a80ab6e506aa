/** Lets whoever has a limited number of slots go on while work that hangs goes on apart from them. */
import type { Clock } from './clock.ts'
import { limits } from './limits.ts'
import { apartOf, type Priority } from './priority.ts'

export interface Overflow {
  /**
   * Resolves when the work has ended, or goes on apart because it takes longer than `limits.slotMs`. If too much of its
   * priority goes on apart already, the work keeps its slot until there is room. Never rejects.
   */
  ended(work: Promise<unknown>, priority: Priority): Promise<void>
}

type Apart = { count: number; readonly waiting: Set<() => void> }

/** At most `max` go on apart. */
export function createOverflow(max: number, clock: Pick<Clock, 'after'>): Overflow {
  const create = (): Apart => ({ count: 0, waiting: new Set() })
  const apart: Readonly<Record<Priority, Apart>> = { change: create(), retry: create(), poll: create() }

  return {
    ended(work, priority) {
      const ofPriority = apart[priority]
      return new Promise((resolve) => {
        let isApart = false
        const leave = () => {
          ofPriority.waiting.delete(leave)
          isApart = true
          ofPriority.count += 1
          resolve()
        }
        const cancel = clock.after(limits.slotMs, () => {
          if (ofPriority.count < apartOf(max, priority)) leave()
          else ofPriority.waiting.add(leave)
        })
        const end = () => {
          cancel()
          ofPriority.waiting.delete(leave)
          if (isApart) {
            ofPriority.count -= 1
            const [next] = ofPriority.waiting
            next?.()
          }
          resolve()
        }
        work.then(end, end)
      })
    },
  }
}
