/** Whether an object is suspended, by its spec or by the annotation that ends by itself; stated apart from what is judged. */
import { suspendUntil } from '../../src/api/names.ts'
import type { Stored } from './objects.ts'

/** @param now milliseconds since the epoch, by the clock of whoever asks */
export function isSuspended({ spec, metadata }: Stored, now: number): boolean {
  if ((spec as { suspend?: unknown }).suspend === true) return true
  const until = metadata.annotations?.[suspendUntil]
  // What is no time has no end.
  return until !== undefined && !(Date.parse(until) <= now)
}

/** When the last suspension that has an end will have ended, in milliseconds since the epoch. */
export function endOfSuspensions(objects: readonly Stored[]): number {
  const ends = objects.map(({ metadata }) => Date.parse(metadata.annotations?.[suspendUntil] ?? ''))
  return Math.max(0, ...ends.filter((end) => !Number.isNaN(end)))
}
