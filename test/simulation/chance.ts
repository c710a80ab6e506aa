/** Chance that repeats itself: the same seed, the same draws. */
export interface Chance {
  /** From 0 up to 1, without 1. */
  (): number
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number
  pick<T>(from: readonly T[]): T
  /** True in so many of a hundred cases. */
  percent(share: number): boolean
  /** A stream of its own: draws from one do not move the other. */
  fork(): Chance
}

/** mulberry32: 32 bits of state are plenty for a schedule. */
export function createChance(seed: number): Chance {
  // Neighbouring seeds must not begin alike.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const whole = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return Object.assign(next, {
    whole,
    pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!,
    percent: (share: number) => next() * 100 < share,
    fork: () => createChance(Math.floor(next() * 4_294_967_296)),
  })
}
