export type LoggedRequest = {
  readonly verb: string
  readonly resource: string
  readonly subresource?: string
  readonly name?: string
  readonly namespace?: string
  readonly status: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Requests for resources since the start, refused ones included. `writesByResource` is keyed `plural` or `plural/status`. */
export type Counters = {
  readonly reads: number
  readonly writes: number
  readonly watches: number
  readonly writesByResource: Record<string, number>
}

export interface RequestLog {
  readonly counters: Counters
  /** Oldest first; a watch is logged when it begins. */
  readonly entries: readonly LoggedRequest[]
  add(entry: LoggedRequest): void
}

/** A demo that runs for days must not fill the memory. */
const LIMIT = 100_000

export function createRequestLog(): RequestLog {
  const entries: LoggedRequest[] = []
  const counters = { reads: 0, writes: 0, watches: 0, writesByResource: {} as Record<string, number> }
  return {
    counters,
    entries,
    add(entry) {
      if (entries.push(entry) > LIMIT) entries.splice(0, LIMIT / 2)
      if (entry.verb === 'watch') counters.watches += 1
      else if (entry.verb === 'get' || entry.verb === 'list') counters.reads += 1
      else {
        const key = entry.subresource === undefined ? entry.resource : `${entry.resource}/${entry.subresource}`
        counters.writes += 1
        counters.writesByResource[key] = (counters.writesByResource[key] ?? 0) + 1
      }
    },
  }
}
