/** Lets whoever has a limited number of slots go on while work that hangs goes on apart from them. */
import type { Clock } from './clock.ts'
import { limits } from './limits.ts'
import { createPlaces, type Priority } from './priority.ts'

export interface Overflow {
  /**
   * Resolves when the work has ended, or goes on apart because it takes longer than `limits.slotMs`. If too much goes on
   * apart already, the work keeps its slot until there is room. Never rejects.
   */
  ended(work: Promise<unknown>, priority: Priority): Promise<void>
}

/** At most `max` go on apart; each priority has the same part of those as of the slots. */
export function createOverflow(max: number, clock: Pick<Clock, 'after'>): Overflow {
  const apart = createPlaces(max)
  const waiting: { readonly priority: Priority; readonly leave: () => void }[] = []

  function letNextLeave() {
    const next = waiting.find(({ priority }) => apart.hasRoom(priority))
    if (!next) return
    waiting.splice(waiting.indexOf(next), 1)
    next.leave()
  }

  return {
    ended(work, priority) {
      return new Promise((resolve) => {
        let isApart = false
        const leave = () => {
          isApart = true
          apart.take(priority)
          resolve()
        }
        const waiter = { priority, leave }
        const cancel = clock.after(limits.slotMs, () => {
          if (apart.hasRoom(priority)) leave()
          else waiting.push(waiter)
        })
        const end = () => {
          cancel()
          if (isApart) {
            apart.giveBack(priority)
            letNextLeave()
          } else {
            const place = waiting.indexOf(waiter)
            if (place >= 0) waiting.splice(place, 1)
          }
          resolve()
        }
        work.then(end, end)
      })
    },
  }
}
