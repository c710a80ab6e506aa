/** What keeps the API server from answering as it should, and how long to wait because of it. */
import { ApiError } from './cluster.ts'
import { MalformedLineError } from './lines.ts'

/** Waits by what went wrong: a refused connection costs nobody anything, a list cures what expired, an overloaded server is spared. */
export const retryDelays = {
  unreachable: { initialMs: 50, maxMs: 150 },
  expired: { initialMs: 25, maxMs: 30_000 },
  overloaded: { initialMs: 100, maxMs: 2_000 },
  refused: { initialMs: 250, maxMs: 30_000 },
} as const

export type ApiErrorClass = keyof typeof retryDelays

export function classify(error: Error): ApiErrorClass {
  if (error instanceof MalformedLineError) return 'expired'
  if (!(error instanceof ApiError)) return 'overloaded'
  if (error.status === 0 || isStarting(error)) return 'unreachable'
  if (error.status === 410) return 'expired'
  return error.status === 429 || error.status >= 500 ? 'overloaded' : 'refused'
}

/**
 * kube-apiserver's words while it starts: it asks for five seconds, then for one, and is ready within a fraction of
 * that. It is not overloaded, so the wait it asks for would only make the first apply after an outage late.
 */
export function isStarting({ status, message }: ApiError): boolean {
  return (
    (status === 503 && message.includes('before all known HTTP paths have been installed')) ||
    (status === 429 && message.includes('initializing'))
  )
}
