/**
 * A work queue of keys with client-go's guarantees: no key twice in the queue, none worked on twice at once, and what
 * changes while a key is worked on is worked on again afterwards. Delay and backoff are layers on top.
 */
import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'

/** Order of service: a person's change, then what is tried again, then what a poll turned up. */
export const priorities = ['change', 'retry', 'poll'] as const
export type Priority = (typeof priorities)[number]

export interface Queue {
  /** A key that is queued already keeps its place, or moves up to the higher of the two priorities. */
  add(key: string, priority: Priority): void
  /** Adds it later as a retry; of two delays the earlier wins. */
  addAfter(key: string, ms: number): void
  /** Adds it later, each time in a row later still. */
  addBackedOff(key: string): void
  /** Ends the row of failures. */
  forget(key: string): void
  /** The next key, which is the caller's until {@link done}; `undefined` once the queue is shut down. */
  next(): Promise<string | undefined>
  done(key: string): void
  /** No more keys come out; whoever waits is let go. */
  shutDown(): void
  /** Keys that wait to be worked on. */
  readonly depth: number
  waiting(priority: Priority): number
  /** For how many milliseconds each key under work has been worked on. */
  working(): readonly number[]
}

/** For whoever counts; the times are seconds. */
export type QueueObserver = {
  readonly added: () => void
  /** Is to be tried again because a pass failed. */
  readonly retried: () => void
  readonly taken: (waited: number) => void
  readonly finished: (worked: number) => void
}

export type QueueOptions = {
  readonly clock: Clock
  readonly random: () => number
  readonly observer?: Partial<QueueObserver>
}

export function createQueue({ clock, random, observer = {} }: QueueOptions): Queue {
  /** Since when each key waits. */
  const ready: Readonly<Record<Priority, Map<string, number>>> = {
    change: new Map(),
    retry: new Map(),
    poll: new Map(),
  }
  /** Since when each key is worked on. */
  const processing = new Map<string, number>()
  /** Keys added while they were worked on. */
  const dirty = new Map<string, Priority>()
  const delayed = new Map<string, { readonly due: number; readonly cancel: () => void }>()
  const failures = new Map<string, number>()
  const waiting: ((key: string | undefined) => void)[] = []
  let isShutDown = false
  /** While nobody takes keys, because another process does the work, none is kept waiting. */
  let servedSince = Infinity

  function add(key: string, priority: Priority) {
    if (isShutDown) return
    if (processing.has(key)) {
      const before = dirty.get(key)
      dirty.set(key, before === undefined ? priority : higher(before, priority))
      return
    }
    const before = priorities.find((one) => ready[one].has(key))
    if (before !== undefined && higher(before, priority) === before) return
    const since = (before && ready[before].get(key)) ?? clock.monotonic()
    if (before !== undefined) ready[before].delete(key)
    else observer.added?.()
    ready[priority].set(key, since)
    serve()
  }

  function serve() {
    while (waiting.length > 0) {
      const key = take()
      if (key === undefined) return
      waiting.shift()?.(key)
    }
  }

  function take(): string | undefined {
    for (const priority of priorities) {
      const [first] = ready[priority]
      if (first === undefined) continue
      const [key, since] = first
      const now = clock.monotonic()
      ready[priority].delete(key)
      processing.set(key, now)
      observer.taken?.((now - Math.max(since, servedSince)) / 1000)
      // The pass to come decides anew when to look again.
      cancelDelay(key)
      return key
    }
    return undefined
  }

  function addAfter(key: string, ms: number) {
    if (isShutDown) return
    const due = clock.monotonic() + ms
    const before = delayed.get(key)
    if (before && before.due <= due) return
    before?.cancel()
    const cancel = clock.after(ms, () => {
      delayed.delete(key)
      add(key, 'retry')
    })
    delayed.set(key, { due, cancel })
  }

  function cancelDelay(key: string) {
    delayed.get(key)?.cancel()
    delayed.delete(key)
  }

  return {
    add,
    addAfter,
    addBackedOff(key) {
      const attempt = failures.get(key) ?? 0
      failures.set(key, attempt + 1)
      observer.retried?.()
      addAfter(key, backoff(limits.retry, attempt, random))
    },
    forget: (key) => void failures.delete(key),
    next() {
      if (isShutDown) return Promise.resolve(undefined)
      servedSince = Math.min(servedSince, clock.monotonic())
      const key = take()
      return key === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(key)
    },
    done(key) {
      const since = processing.get(key)
      processing.delete(key)
      if (since !== undefined) observer.finished?.((clock.monotonic() - since) / 1000)
      const priority = dirty.get(key)
      dirty.delete(key)
      if (priority !== undefined) add(key, priority)
    },
    shutDown() {
      isShutDown = true
      for (const key of [...delayed.keys()]) cancelDelay(key)
      for (const letGo of waiting.splice(0)) letGo(undefined)
    },
    get depth() {
      return priorities.reduce((sum, priority) => sum + ready[priority].size, 0)
    },
    waiting: (priority) => ready[priority].size,
    working: () => [...processing.values()].map((since) => clock.monotonic() - since),
  }
}

function higher(a: Priority, b: Priority): Priority {
  return priorities.indexOf(a) <= priorities.indexOf(b) ? a : b
}
