/** Time as every layer sees it: tests and simulations hand in their own. */
export interface Clock {
  /** Milliseconds since the epoch: for what people read. It may jump. */
  now(): number
  /** Milliseconds since some moment: for measuring how long. It never jumps, and counts while the process is stopped. */
  monotonic(): number
  /** Calls back once, `ms` from now; the returned function calls it off. */
  after(ms: number, callback: () => void): () => void
  /** Resolves after `ms`, or at once when `signal` is aborted: the caller looks at the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Node keeps a timer's delay in 31 bits; a longer one would fire at once. */
const maxTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, maxTimerMs))
    return () => clearTimeout(timer)
  },
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
}

/** `sleep` in terms of `after`, for a clock of one's own. */
export function sleepOn(clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve()
      return
    }
    const finish = () => {
      cancel()
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const cancel = clock.after(ms, finish)
    signal?.addEventListener('abort', finish, { once: true })
  })
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Does the work under a signal that is aborted after `ms`, or with `signal`. Leaves neither a timer nor a listener
 * behind, as AbortSignal.timeout and AbortSignal.any would: they cost more than many a request.
 */
export async function withTimeout<R>(
  clock: Pick<Clock, 'after'>,
  ms: number,
  work: (signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): Promise<R> {
  const limit = new AbortController()
  const stop = () => limit.abort(signal?.reason)
  const cancel = clock.after(ms, () => limit.abort(new Error(`took longer than ${ms / 1000} s`)))
  if (signal?.aborted === true) stop()
  else signal?.addEventListener('abort', stop, { once: true })
  try {
    return await work(limit.signal)
  } finally {
    cancel()
    signal?.removeEventListener('abort', stop)
  }
}

/**
 * Resolves with what the work gives, or rejects the moment the signal is aborted. A request that still waits for a
 * connection hears of its abort only once it has one, and a server that hangs gives it none.
 */
export function unlessAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', stop))
}

/**
 * The wall clock as it was when this was called, moved on by the monotonic one. What is to last a time is measured by it:
 * a wall clock that is set anew makes nothing last a year.
 */
export function steadyTime(clock: Pick<Clock, 'now' | 'monotonic'>): () => number {
  const epoch = clock.now() - clock.monotonic()
  return () => epoch + clock.monotonic()
}
