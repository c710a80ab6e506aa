/** What the probes ask: whether a restart would help, and whether the process has what it needs to do its part. */
import type { Check } from './server.ts'

export type Vitals = {
  /** Since when no watch works. */
  readonly watchBrokenMs: () => number
  /** Since when some watch has told nothing at all, not even a failure. */
  readonly watchSilentMs: () => number
  /** The longest block of the event loop just now. */
  readonly loopLagMs: () => number
}

/** A watch that has been broken, or silent, this long is worth a restart; a healthy one speaks every two minutes. */
const watchLimitMs = 300_000
/** A process that is away this long, again and again, loses its lease sooner or later. */
const loopLimitMs = 5_000

/**
 * A loop that is blocked answers nothing: the probe's own time limit is what notices that. This tells of blocks that
 * are just over.
 */
export function liveness({ watchBrokenMs, watchSilentMs, loopLagMs }: Vitals): Check {
  return () => [
    ...beyond(watchLimitMs, watchBrokenMs(), 'the watch on ModelServices has been broken'),
    ...beyond(
      watchLimitMs,
      watchSilentMs(),
      'a watch on ModelServices stalls: it has told nothing, not even a failure,',
    ),
    ...beyond(loopLimitMs, loopLagMs(), 'the event loop was blocked'),
  ]
}

function beyond(limitMs: number, ms: number, what: string): readonly string[] {
  return ms > limitMs ? [`${what} for ${Math.round(ms / 1000)} s (limit ${limitMs / 1000} s)`] : []
}

export type Progress = {
  readonly hasListed: () => boolean
  readonly isLeader: () => boolean
  readonly hasPolled: () => boolean
  readonly isStopping: () => boolean
}

/** One that stands by is ready with full caches alone: it could take over at once. */
export function readiness({ hasListed, isLeader, hasPolled, isStopping }: Progress): Check {
  return () => {
    if (isStopping()) return ['stopping']
    if (!hasListed()) return ['ModelServices are not listed yet']
    return isLeader() && !hasPolled() ? ['this is the leader, and it has not polled ZStack yet'] : []
  }
}
