/** Lets whoever has a limited number of slots go on while work that hangs goes on apart from them. */
import type { Clock } from './clock.ts'
import { limits } from './limits.ts'

export interface Overflow {
  /**
   * Resolves when the work has ended, or goes on apart because it takes longer than `limits.slotMs`. If too much goes on
   * apart already, the work keeps its slot until there is room. Never rejects.
   */
  ended(work: Promise<unknown>, isBackground: boolean): Promise<void>
}

/** For so many slots. Of what goes on apart, at most half is background work, so that the rest has room too. */
export function createOverflow(slots: number, clock: Pick<Clock, 'after'>): Overflow {
  const max = slots * limits.detachedPerSlot
  const maxBackground = max / 2
  let apart = 0
  let background = 0
  const waiting: { readonly isBackground: boolean; readonly leave: () => void }[] = []

  const hasRoom = (isBackground: boolean) => apart < max && (!isBackground || background < maxBackground)

  function count(isBackground: boolean, change: 1 | -1) {
    apart += change
    if (isBackground) background += change
  }

  function letNextLeave() {
    const next = waiting.find(({ isBackground }) => hasRoom(isBackground))
    if (!next) return
    waiting.splice(waiting.indexOf(next), 1)
    next.leave()
  }

  return {
    ended(work, isBackground) {
      return new Promise((resolve) => {
        let isApart = false
        const leave = () => {
          isApart = true
          count(isBackground, 1)
          resolve()
        }
        const waiter = { isBackground, leave }
        const cancel = clock.after(limits.slotMs, () => {
          if (hasRoom(isBackground)) leave()
          else waiting.push(waiter)
        })
        const end = () => {
          cancel()
          if (isApart) {
            count(isBackground, -1)
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
