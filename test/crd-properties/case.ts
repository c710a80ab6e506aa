/** One value that a property is tried with, and where that ends. */
export type Case = {
  readonly what: string
  /** `undefined` leaves the property out. */
  readonly value: unknown
  /** `held` by ZStack in the end, `refused` at apply, or taken and `told` in a condition to be wrong. */
  readonly end: 'held' | 'refused' | 'told'
  /** Where ZStack is to hold something else than what the spec says. */
  readonly wire?: unknown
}

export function held(what: string, value: unknown, wire?: unknown): Case {
  return { what, value, end: 'held', ...(wire !== undefined && { wire }) }
}

export function refused(what: string, value: unknown): Case {
  return { what, value, end: 'refused' }
}

export function told(what: string, value: unknown): Case {
  return { what, value, end: 'told' }
}

/** A number as JSON may spell it; JavaScript would spell it another way or round it. */
export function asSpelled(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)
}
