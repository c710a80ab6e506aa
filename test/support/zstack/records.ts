import type { IncomingHttpHeaders } from 'node:http'

export type Operation = 'login' | 'logout' | 'query' | 'get' | 'tags' | 'update' | 'job' | 'other'

/** One request as it was answered. No credential is kept: of Authorization only the scheme, of a log-in no password. */
export type RequestRecord = {
  readonly operation: Operation
  readonly method: string
  /** As sent, query included. */
  readonly path: string
  /** The model service concerned; of a job, the one it works on. */
  readonly uuid?: string
  readonly body?: unknown
  /** 0 when the client never got an answer. */
  readonly status: number
  /** When it arrived, in epoch milliseconds. */
  readonly at: number
  readonly headers: Readonly<IncomingHttpHeaders>
}

export type RequestCounts = Record<Operation, number> & { total: number; maxInFlight: number }

/** What the simulator remembers of its callers. Requests count on arrival and are recorded just before their answer. */
export interface Records {
  arrived(operation: Operation): void
  /** Call once when the request is over, however it ends. */
  left(): void
  record(record: RequestRecord): void
  counts(): RequestCounts
  /** The last 20,000, oldest first. */
  list(operation?: Operation): readonly RequestRecord[]
  /** Zeroes the counts and forgets the records. */
  reset(): void
  onRecord(listener: (record: RequestRecord) => void): () => void
}

const KEPT = 20_000

export function createRecords(): Records {
  const listeners = new Set<(record: RequestRecord) => void>()
  let ring: RequestRecord[] = []
  let next = 0
  let inFlight = 0
  let counts = zero(0)
  return {
    arrived(operation) {
      inFlight += 1
      counts[operation] += 1
      counts.total += 1
      counts.maxInFlight = Math.max(counts.maxInFlight, inFlight)
    },
    left() {
      inFlight -= 1
    },
    record(record) {
      ring[next] = record
      next = (next + 1) % KEPT
      for (const listener of listeners) listener(record)
    },
    counts: () => ({ ...counts }),
    list(operation) {
      const ordered = ring.length < KEPT ? ring.slice() : [...ring.slice(next), ...ring.slice(0, next)]
      return operation === undefined ? ordered : ordered.filter((record) => record.operation === operation)
    },
    reset() {
      ring = []
      next = 0
      counts = zero(inFlight)
    },
    onRecord(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function zero(maxInFlight: number): RequestCounts {
  return { login: 0, logout: 0, query: 0, get: 0, tags: 0, update: 0, job: 0, other: 0, total: 0, maxInFlight }
}
