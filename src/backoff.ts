/** Waits that grow with each try. */
export type Backoff = { readonly initialMs: number; readonly maxMs: number }

/**
 * The wait before try `attempt` (0 is the first repeat): doubled each time up to the most, with full jitter, so that
 * many who failed together do not come back together.
 */
export function backoff({ initialMs, maxMs }: Backoff, attempt: number, random: () => number): number {
  const ceiling = Math.min(maxMs, initialMs * 2 ** Math.min(attempt, 30))
  return ceiling * random()
}

/** The same with half of the wait certain, for a single caller that must neither hammer nor dawdle. */
export function steadyBackoff(limits: Backoff, attempt: number, random: () => number): number {
  return backoff(limits, attempt, () => 0.5 + random() / 2)
}
