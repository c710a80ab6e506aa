/**
 * A work queue of keys with client-go's guarantees: no key twice in the queue, none worked on twice at once, and what
 * changes while a key is worked on is worked on again afterwards. Delay and backoff are layers on top.
 *
 * A backoff is the key's own clock. Until it has run out, nothing but news of the key itself brings the key back: a
 * person's change, or what {@link Queue.wake} is called for.
 */
import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { createFairQueue, type FairQueue } from '../fair-queue.ts'
import { limits } from '../limits.ts'
import { priorities, type Priority, type Shares } from '../priority.ts'

export interface Queue {
  /**
   * A key that is queued already keeps its place, or moves up to the higher of the two priorities. A key that backs off
   * goes on waiting, unless it is a change: that ends the row of failures.
   */
  add(key: string, priority: Priority): void
  /** Adds a key although it backs off. The row of failures goes on, so that the next wait is the longer one. */
  wake(key: string, priority: Priority): void
  /** Adds it later, as what a poll turned up; of two delays the earlier wins. A key that backs off goes on waiting. */
  addAfter(key: string, ms: number): void
  /** Adds it later as a retry, each time in a row later still. */
  addBackedOff(key: string): void
  /** Ends the row of failures. */
  forget(key: string): void
  /**
   * The next key of one of these priorities, the first of them first, which is the caller's until {@link done};
   * `undefined` once the queue is shut down.
   */
  next(accepted?: readonly Priority[]): Promise<string | undefined>
  /** The priority with which a key under work was taken. */
  takenAs(key: string): Priority | undefined
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
  /** Lets namespaces share what may be worked on at once; without, one may take it all. */
  readonly shares?: Shares
}

export function createQueue({ clock, random, observer = {}, shares }: QueueOptions): Queue {
  /** By namespace, each key with the time since when it waits. */
  const ready: Readonly<Record<Priority, FairQueue<string, number>>> = {
    change: createFairQueue(),
    retry: createFairQueue(),
    poll: createFairQueue(),
  }
  const processing = new Map<string, { readonly since: number; readonly priority: Priority }>()
  /** Keys added while they were worked on, and whether a backoff holds them back then. */
  const dirty = new Map<string, { readonly priority: Priority; readonly isHeldBack: boolean }>()
  const delayed = new Map<string, { readonly due: number; readonly isBackoff: boolean; readonly cancel: () => void }>()
  const failures = new Map<string, number>()
  const waiting: { readonly accepted: readonly Priority[]; readonly give: (key: string | undefined) => void }[] = []
  let isShutDown = false
  /** While nobody takes keys, because another process does the work, none is kept waiting. */
  let servedSince = Infinity

  function put(key: string, priority: Priority, isHeldBack: boolean) {
    if (isShutDown) return
    if (processing.has(key)) {
      const before = dirty.get(key)
      dirty.set(key, {
        priority: before === undefined ? priority : higher(before.priority, priority),
        isHeldBack: isHeldBack && before?.isHeldBack !== false,
      })
      return
    }
    if (delayed.get(key)?.isBackoff === true) {
      if (isHeldBack) return
      cancelDelay(key)
    }
    const namespace = namespaceOf(key)
    const before = priorities.find((one) => ready[one].has(namespace, key))
    if (before !== undefined && higher(before, priority) === before) return
    const since = (before && ready[before].delete(namespace, key)) ?? clock.monotonic()
    if (before === undefined) observer.added?.()
    ready[priority].add(namespace, key, since)
    serve()
  }

  function serve() {
    for (const waiter of [...waiting]) {
      const key = take(waiter.accepted)
      if (key === undefined) continue
      waiting.splice(waiting.indexOf(waiter), 1)
      waiter.give(key)
    }
  }

  function take(accepted: readonly Priority[]): string | undefined {
    for (const priority of accepted) {
      const first = ready[priority].take((flow) => shares?.mayBegin({ priority, flow }) !== false)
      if (first === undefined) continue
      const [key, since] = first
      shares?.begin({ priority, flow: namespaceOf(key) })
      const now = clock.monotonic()
      processing.set(key, { since: now, priority })
      observer.taken?.((now - Math.max(since, servedSince)) / 1000)
      // The pass to come decides anew when to look again.
      cancelDelay(key)
      return key
    }
    return undefined
  }

  function delay(key: string, ms: number, isBackoff: boolean) {
    if (isShutDown) return
    const due = clock.monotonic() + ms
    const before = delayed.get(key)
    const isKept = before?.isBackoff === isBackoff ? before.due <= due : before?.isBackoff === true
    if (isKept) return
    before?.cancel()
    const cancel = clock.after(ms, () => {
      delayed.delete(key)
      put(key, isBackoff ? 'retry' : 'poll', true)
    })
    delayed.set(key, { due, isBackoff, cancel })
  }

  function cancelDelay(key: string) {
    delayed.get(key)?.cancel()
    delayed.delete(key)
  }

  return {
    add(key, priority) {
      if (priority === 'change') failures.delete(key)
      put(key, priority, priority !== 'change')
    },
    wake: (key, priority) => put(key, priority, false),
    addAfter: (key, ms) => delay(key, ms, false),
    addBackedOff(key) {
      const attempt = failures.get(key) ?? 0
      failures.set(key, attempt + 1)
      observer.retried?.()
      // A quarter of the wait is left to chance, so that many who failed together come back apart.
      delay(
        key,
        backoff(limits.retry, attempt, () => 0.75 + random() / 4),
        true,
      )
    },
    forget: (key) => void failures.delete(key),
    next(accepted = priorities) {
      if (isShutDown) return Promise.resolve(undefined)
      servedSince = Math.min(servedSince, clock.monotonic())
      const key = take(accepted)
      return key === undefined ? new Promise((give) => waiting.push({ accepted, give })) : Promise.resolve(key)
    },
    takenAs: (key) => processing.get(key)?.priority,
    done(key) {
      const taken = processing.get(key)
      processing.delete(key)
      if (taken !== undefined) {
        shares?.end({ priority: taken.priority, flow: namespaceOf(key) })
        observer.finished?.((clock.monotonic() - taken.since) / 1000)
      }
      const again = dirty.get(key)
      dirty.delete(key)
      if (again !== undefined) put(key, again.priority, again.isHeldBack)
      // Its namespace, or another, may have room now that it had not before.
      serve()
    },
    shutDown() {
      isShutDown = true
      for (const key of [...delayed.keys()]) cancelDelay(key)
      for (const { give } of waiting.splice(0)) give(undefined)
    },
    get depth() {
      return priorities.reduce((sum, priority) => sum + ready[priority].size, 0)
    },
    waiting: (priority) => ready[priority].size,
    working: () => [...processing.values()].map(({ since }) => clock.monotonic() - since),
  }
}

/** A key is `namespace/name`. */
function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/') + 1) || key
}

function higher(a: Priority, b: Priority): Priority {
  return priorities.indexOf(a) <= priorities.indexOf(b) ? a : b
}
