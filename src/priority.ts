/** How urgent work is, and how much of what is limited it may take. */

/** Order of service: a person's change, then what is tried again, then what a poll turned up. */
export const priorities = ['change', 'retry', 'poll'] as const
export type Priority = (typeof priorities)[number]

/** What work waits by: how urgent it is, and the flow that it belongs to. Flows of one priority take turns. */
export type Turn = { readonly priority: Priority; readonly flow: string }

/** Of whom nothing else is known. */
export const anyTurn: Turn = { priority: 'change', flow: '' }

/**
 * How many of `max` places work of a priority may take, all work that has no larger part counted with it. Retries may
 * hang again, so that they leave room for polls and what those turn up; both leave room for people's changes.
 */
const parts: Readonly<Record<Priority, number>> = { change: 1, poll: 1 / 2, retry: 1 / 4 }

export function partOf(max: number, priority: Priority): number {
  return Math.max(1, Math.floor(max * parts[priority]))
}

/** Counts who has one of `max` places. */
export interface Places {
  hasRoom(priority: Priority): boolean
  take(priority: Priority): void
  giveBack(priority: Priority): void
}

export function createPlaces(max: number): Places {
  const taken: Record<Priority, number> = { change: 0, retry: 0, poll: 0 }
  /** All places taken by work whose part is not larger. */
  const takenWithin = (part: Priority) =>
    priorities.reduce((sum, one) => (parts[one] <= parts[part] ? sum + taken[one] : sum), 0)
  return {
    hasRoom: (priority) =>
      priorities.every((part) => parts[part] < parts[priority] || takenWithin(part) < partOf(max, part)),
    take(priority) {
      taken[priority] += 1
    },
    giveBack(priority) {
      taken[priority] -= 1
    },
  }
}
