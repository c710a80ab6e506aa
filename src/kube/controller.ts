/** Workers: a key, a pass, one queue action. What goes wrong in one pass stays in it. */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { withTimeout, type Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import { createOverflow, type Overflow } from '../overflow.ts'
import { createShares, priorities, slotsOf, type Priority, type Shares } from '../priority.ts'
import type { Requeue } from '../requeue.ts'
import type { Queue } from './queue.ts'

export type Pass = (key: string, context: PassContext) => Promise<Requeue>

export type PassContext = {
  readonly log: Logger
  readonly signal: AbortSignal
  /** Why the pass came to be. */
  readonly priority: Priority
}

/** How a pass ended, for whoever counts. */
export type PassObserver = (result: Requeue['kind'] | 'error', seconds: number) => void

export type ControllerOptions = {
  readonly queue: Queue
  readonly pass: Pass
  readonly workers: number
  readonly clock: Clock
  readonly log: Logger
  readonly observe?: PassObserver
}

/**
 * A pass that has not ended this long after its abort is given up. It can write nothing any more; a query or a log-in that
 * others share may go on.
 */
const abortGraceMs = 5_000

/** How namespaces share what so many workers may do at once; for the queue that these workers take keys from. */
export const sharesOf = (workers: number): Shares => createShares(workers, maxApartOf(workers))

const maxApartOf = (workers: number) => workers * limits.detachedPerWorker

/**
 * Works until the queue is shut down, then resolves when the passes under way have ended. `abort` cuts them short.
 *
 * Each worker takes keys of some priorities only, so that retries and polls leave workers to people's changes. A pass that
 * hangs gives its worker back and goes on apart.
 */
export async function runController(options: ControllerOptions, abort: AbortSignal): Promise<void> {
  const { workers, clock } = options
  const overflow = createOverflow(maxApartOf(workers), clock)
  const underWay = new Set<Promise<void>>()
  await Promise.all(
    Array.from({ length: workers }, (_, i) => {
      const accepted = priorities.filter((priority) => i < slotsOf(workers, priority))
      // A crowd of changes that never ends still leaves one worker to polls, unless there is but one.
      const isForPolls = workers > 1 && i === slotsOf(workers, 'poll') - 1
      return work(options, overflow, underWay, isForPolls ? accepted.toReversed() : accepted, abort)
    }),
  )
  await Promise.all(underWay)
}

async function work(
  options: ControllerOptions,
  overflow: Overflow,
  underWay: Set<Promise<void>>,
  accepted: readonly Priority[],
  abort: AbortSignal,
): Promise<void> {
  const { queue } = options
  for (let key = await queue.next(accepted); key !== undefined; key = await queue.next(accepted)) {
    const taken = key
    const priority = queue.takenAs(key) ?? 'change'
    const ended = passOver(key, priority, options, abort).finally(() => {
      queue.done(taken)
      underWay.delete(ended)
    })
    underWay.add(ended)
    await overflow.ended(ended, priority)
  }
}

async function passOver(
  key: string,
  priority: Priority,
  { queue, pass, clock, log, observe }: ControllerOptions,
  abort: AbortSignal,
): Promise<void> {
  const passLog = log.child({ reconcileID: randomUUID() })
  const started = clock.monotonic()
  let kind: Requeue['kind'] | 'error' = 'error'
  try {
    const boundedPass = (signal: AbortSignal) =>
      unlessUnresponsive(pass(key, { log: passLog, signal, priority }), signal, clock)
    const result = await withTimeout(clock, limits.passMs, boundedPass, abort)
    kind = result.kind
    if (result.kind === 'backOff') {
      queue.addBackedOff(key)
    } else {
      if (result.kind !== 'after' || result.keepsBackoff !== true) queue.forget(key)
      if (result.kind === 'after') queue.addAfter(key, result.ms)
    }
  } catch (error) {
    if (abort.aborted) return
    const [namespace, name] = key.split('/')
    passLog.error({ namespace, name, err: error }, 'a pass failed; it is tried again')
    queue.addBackedOff(key)
  } finally {
    observe?.(kind, (clock.monotonic() - started) / 1000)
  }
}

/** The end of the work, or a rejection where it goes on in spite of its abort. */
async function unlessUnresponsive<R>(work: Promise<R>, signal: AbortSignal, clock: Clock): Promise<R> {
  const { promise: unresponsive, reject } = Promise.withResolvers<never>()
  let cancel: () => void = () => undefined
  const giveUpLater = () => {
    cancel = clock.after(abortGraceMs, () => reject(signal.reason as Error))
  }
  if (signal.aborted) giveUpLater()
  else signal.addEventListener('abort', giveUpLater, { once: true })
  try {
    return await Promise.race([work, unresponsive])
  } finally {
    signal.removeEventListener('abort', giveUpLater)
    cancel()
  }
}
