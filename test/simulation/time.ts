/** Virtual time: nothing passes but what is due, one thing at a time. */

export interface Time {
  /** Milliseconds since the world began. */
  now(): number
  /** Calls back once, in a turn of its own; the returned function calls it off. */
  after(ms: number, callback: () => void): () => void
  /** Lets time pass up to that moment. What each callback sets off in memory has settled before the next one is called. */
  runUntil(moment: number): Promise<void>
  /** How many callbacks were called so far. */
  turns(): number
}

type Due = { readonly at: number; readonly order: number; readonly callback: () => void; isOff: boolean }

/** @param maxTurns a schedule that takes more turns than this does not settle */
export function createTime(maxTurns = 400_000): Time {
  const heap: Due[] = []
  let now = 0
  let order = 0
  let turns = 0

  const isBefore = (a: Due, b: Due) => a.at < b.at || (a.at === b.at && a.order < b.order)

  function push(due: Due) {
    let index = heap.push(due) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(due, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = due
  }

  function pop(): Due {
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }

  return {
    now: () => now,
    after(ms, callback) {
      const due = { at: now + Math.max(0, ms), order: order++, callback, isOff: false }
      push(due)
      return () => {
        due.isOff = true
      }
    },
    async runUntil(moment) {
      await settled()
      while (heap.length > 0 && heap[0]!.at <= moment) {
        const due = pop()
        if (due.isOff) continue
        now = due.at
        due.callback()
        if (++turns > maxTurns) throw new Error(`the world does not settle: ${maxTurns} turns by ${now} ms`)
        await settled()
      }
      now = Math.max(now, moment)
    },
    turns: () => turns,
  }
}

/** Promises that wait for nothing outside memory have had their say before the next turn of the event loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
