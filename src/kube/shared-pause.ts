/**
 * While the API server cannot be reached, or is overloaded, the scopes of an informer ask for it in turns and not each for
 * itself: a hundred namespaces that each retried after a fraction of a second would keep a starting server busy. One scope
 * retries at its own pace; the others wait until it gets another answer, or until they have waited for long.
 */
import type { Clock } from '../clock.ts'
import { classify, type ApiErrorClass } from './api-errors.ts'

export interface SharedPause {
  /** Waits after a failure of the scope. */
  pause(scope: string, ms: number, error: Error, signal: AbortSignal): Promise<void>
  /** The API server has answered some scope, well or with this error. */
  answered(error?: Error): void
  /** Whether the scope waits for another one. */
  isWaiting(scope: string): boolean
}

/** Even if the scope that retries never gets an answer, for a reason of its own, the others do after this time. */
const maxWaitMs = 5_000

const isShared = (trouble: ApiErrorClass) => trouble === 'unreachable' || trouble === 'overloaded'

type Retry = { readonly scope: string; readonly over: AbortController }

export function createSharedPause(clock: Clock): SharedPause {
  /** Who retries for all that meet the same trouble. */
  const retrying = new Map<ApiErrorClass, Retry>()
  const waiting = new Set<string>()

  return {
    async pause(scope, ms, error, signal) {
      const trouble = classify(error)
      if (!isShared(trouble)) return clock.sleep(ms, signal)
      const retry = retrying.get(trouble) ?? { scope, over: new AbortController() }
      retrying.set(trouble, retry)
      if (retry.scope === scope) return clock.sleep(ms, signal)
      waiting.add(scope)
      await clock.sleep(maxWaitMs, AbortSignal.any([signal, retry.over.signal]))
      waiting.delete(scope)
    },
    answered(error) {
      const trouble = error && classify(error)
      for (const [other, { over }] of retrying) {
        if (other === trouble || trouble === 'unreachable') continue
        retrying.delete(other)
        over.abort()
      }
    },
    isWaiting: (scope) => waiting.has(scope),
  }
}
