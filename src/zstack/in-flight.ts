/** How many requests to one ZStack may be under way: reads and all others apart, so that updates that hang stop no poll. */
import { limits } from '../limits.ts'
import type { InFlight } from '../semaphore.ts'

/** Fewer would let queries that hang, while they are split, keep the polls waiting. */
const minReads = 4

/** A query reads a hundred services, so that a quarter of what may be in flight is plenty for reads where that is not few. */
export function inFlightOf(max: number): { readonly reads: InFlight; readonly others: InFlight } {
  const reads = Math.max(1, Math.floor(max / 4), Math.min(minReads, Math.floor(max / 2)))
  const others = Math.max(1, max - reads)
  return {
    reads: { slots: reads, apart: Math.max(limits.minDetached.reads, reads * limits.detachedPerSlot) },
    others: { slots: others, apart: Math.max(limits.minDetached.others, max * limits.detachedPerSlot) },
  }
}

/** How many connections are enough: neither a log-in nor a probe waits for a place. */
export function connectionsFor(max: number): number {
  const { reads, others } = inFlightOf(max)
  return reads.slots + reads.apart + others.slots + others.apart + 2
}
