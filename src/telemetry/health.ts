/** What the probes ask: whether a restart would help, and whether the process has what it needs to do its part. */
import { limits } from '../limits.ts'
import type { Check } from './server.ts'

export type LivenessState = {
  /** For how long some watch has yielded nothing, not even a failure. */
  readonly watchSilentMs: () => number
  /** The longest block of the event loop just now. */
  readonly loopLagMs: () => number
}

/**
 * An API server that is away is no reason: a restart brings it no nearer, and kubelet's back-off would keep the operator
 * away for minutes after its return. A loop that is blocked answers nothing, which the probe's own time limit notices;
 * this check reports blocks that are just over.
 */
export function liveness({ watchSilentMs, loopLagMs }: LivenessState): Check {
  return () => [
    ...beyond(
      limits.watchSilenceMs,
      watchSilentMs(),
      'a watch on ModelServices stalls: it has shown nothing, not even a failure,',
    ),
    ...beyond(limits.eventLoopBlockMs, loopLagMs(), 'the event loop was blocked'),
  ]
}

function beyond(limitMs: number, ms: number, what: string): readonly string[] {
  return ms > limitMs ? [`${what} for ${Math.round(ms / 1000)} s (limit ${limitMs / 1000} s)`] : []
}

export type ReadinessState = {
  readonly hasListed: () => boolean
  readonly isLeader: () => boolean
  readonly hasPolled: () => boolean
  readonly isStopping: () => boolean
}

/** One that stands by is ready with full caches alone: it could take over at once. */
export function readiness({ hasListed, isLeader, hasPolled, isStopping }: ReadinessState): Check {
  return () => {
    if (isStopping()) return ['stopping']
    if (!hasListed()) return ['ModelServices are not listed yet']
    return isLeader() && !hasPolled() ? ['this is the leader, and it has not polled ZStack yet'] : []
  }
}
