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
  /** Why this process cannot even try to lead, where only a person can change that. */
  readonly leaseProblem: () => string | undefined
  readonly hasPolled: () => boolean
  /** Why the connections to ZStack keep this process from being ready: none of them has been seen to work. */
  readonly connectionProblems: () => readonly string[]
  readonly isStopping: () => boolean
}

/**
 * One that stands by is ready with full caches, a lease within reach, and a connection that has worked: it could take over
 * at once.
 */
export function readiness(state: ReadinessState): Check {
  const { hasListed, isLeader, leaseProblem, hasPolled, connectionProblems, isStopping } = state
  function ownProblems() {
    if (!hasListed()) return ['ModelServices are not listed yet']
    const problem = isLeader() ? undefined : leaseProblem()
    if (problem !== undefined) return [problem]
    return isLeader() && !hasPolled() ? ['this is the leader, and it has not polled ZStack yet'] : []
  }
  return () => (isStopping() ? ['stopping'] : [...connectionProblems(), ...ownProblems()])
}

/** The scopes that cannot be listed or watched, one sentence each. The others work, so readiness does not wait for them. */
export function brokenScopes(scopes: () => readonly ScopeState[]): Check {
  return () => scopes().flatMap(({ scope, problem }) => (problem === undefined ? [] : [`${scope}: ${problem}`]))
}

/** The connections over which requests are held back, one sentence each. A restart would not help. */
export function connectionsDown(connections: () => readonly { readonly trouble: string | undefined }[]): Check {
  return () => connections().flatMap(({ trouble }) => (trouble === undefined ? [] : [trouble]))
}

/** A namespace, or all of them, and what is wrong with its list or watch, if anything. */
export type ScopeState = { readonly scope: string; readonly problem: string | undefined }
