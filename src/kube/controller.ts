/** Workers: a key, a pass, one queue action. What goes wrong in one pass stays in it. */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { withTimeout, type Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import type { Requeue } from '../requeue.ts'
import type { Queue } from './queue.ts'

export type Pass = (key: string, context: { readonly log: Logger; readonly signal: AbortSignal }) => Promise<Requeue>

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

/**
 * Works until the queue is shut down, then resolves when the passes under way have ended. `abort` cuts them short.
 */
export async function runController(options: ControllerOptions, abort: AbortSignal): Promise<void> {
  await Promise.all(Array.from({ length: options.workers }, () => work(options, abort)))
}

async function work(options: ControllerOptions, abort: AbortSignal): Promise<void> {
  const { queue } = options
  for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
    try {
      await passOver(key, options, abort)
    } finally {
      queue.done(key)
    }
  }
}

async function passOver(key: string, { queue, pass, clock, log, observe }: ControllerOptions, abort: AbortSignal) {
  const passLog = log.child({ reconcileID: randomUUID() })
  const started = clock.monotonic()
  let kind: Requeue['kind'] | 'error' = 'error'
  try {
    const boundedPass = (signal: AbortSignal) => unlessUnresponsive(pass(key, { log: passLog, signal }), signal, clock)
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
