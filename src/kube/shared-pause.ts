/**
 * While the API server cannot be reached, the scopes of an informer ask for it in turns and not each for itself: a hundred
 * namespaces that each retried after a fraction of a second would keep a starting server busy. One scope retries at its
 * own pace; the others wait until it gets an answer, or until they have waited for long.
 */
import type { Clock } from '../clock.ts'
import { classify } from './api-errors.ts'

export interface SharedPause {
  /** Waits after a failure of the scope. */
  pause(scope: string, ms: number, error: Error, signal: AbortSignal): Promise<void>
  /** The API server has answered some scope, well or badly. */
  answered(): void
  /** Whether the scope waits for another one. */
  isWaiting(scope: string): boolean
}

/** Even if the scope that retries never gets an answer, for a reason of its own, the others do after this time. */
const maxWaitMs = 5_000

export function createSharedPause(clock: Clock): SharedPause {
  let retrying: string | undefined
  const waiting = new Set<string>()
  let over = new AbortController()

  return {
    async pause(scope, ms, error, signal) {
      if (classify(error) !== 'unreachable') return clock.sleep(ms, signal)
      retrying ??= scope
      if (retrying === scope) return clock.sleep(ms, signal)
      waiting.add(scope)
      await clock.sleep(maxWaitMs, AbortSignal.any([signal, over.signal]))
      waiting.delete(scope)
    },
    answered() {
      if (retrying === undefined) return
      retrying = undefined
      over.abort()
      over = new AbortController()
    },
    isWaiting: (scope) => waiting.has(scope),
  }
}
