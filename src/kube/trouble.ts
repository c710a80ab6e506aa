/** What keeps the API server from answering as it should, and how long to wait because of it. */
import { ApiError } from './cluster.ts'

/** Waits by what went wrong: a refused connection costs nobody anything, a list cures what expired, an overloaded server is spared. */
export const pauses = {
  unreachable: { firstMs: 50, mostMs: 150 },
  expired: { firstMs: 25, mostMs: 30_000 },
  overloaded: { firstMs: 100, mostMs: 2_000 },
  refused: { firstMs: 250, mostMs: 30_000 },
} as const

export type Trouble = keyof typeof pauses

export function troubleOf(error: Error): Trouble {
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
