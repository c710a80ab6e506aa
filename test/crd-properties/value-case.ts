/** One value that a property is set to, and what must come of it. */
export type ValueCase = {
  readonly what: string
  /** `undefined` leaves the property out. */
  readonly value: unknown
  /** `applied`: ZStack ends up with it. `refused`: the API server refuses it. `reported`: it is stored, and a condition says what is wrong with it. */
  readonly outcome: 'applied' | 'refused' | 'reported'
  /** Where ZStack is to hold something else than what the spec says. */
  readonly wire?: unknown
}

export function applied(what: string, value: unknown, wire?: unknown): ValueCase {
  return { what, value, outcome: 'applied', ...(wire !== undefined && { wire }) }
}

export function refused(what: string, value: unknown): ValueCase {
  return { what, value, outcome: 'refused' }
}

export function reported(what: string, value: unknown): ValueCase {
  return { what, value, outcome: 'reported' }
}

/** A number as JSON may spell it; JavaScript would spell it another way or round it. */
export function asSpelled(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)
}
