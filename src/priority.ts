/** How urgent work is, and how much of what is limited it may take. */

/** Order of service: a person's change, then what is tried again, then what a poll turned up. */
export const priorities = ['change', 'retry', 'poll'] as const
export type Priority = (typeof priorities)[number]

/** What work waits by: how urgent it is, and the flow that it belongs to. Flows of one priority take turns. */
export type Turn = { readonly priority: Priority; readonly flow: string }

/** Of whom nothing else is known. */
export const anyTurn: Turn = { priority: 'change', flow: '' }

/**
 * The part of `max` slots that work of a priority may take, together with all work whose part is smaller. Retries may hang
 * again, so that they leave room for polls and what those turn up; both leave room for people's changes.
 */
const slotParts: Readonly<Record<Priority, number>> = { change: 1, poll: 1 / 2, retry: 1 / 4 }

/** The part of the work that goes on apart from the slots; no priority takes from the part of another. */
const apartParts: Readonly<Record<Priority, number>> = { change: 7 / 8, poll: 1 / 16, retry: 1 / 16 }

/**
 * Of what a priority may have and nobody else has, the part that one flow may take. Whatever all of a flow does, something
 * is left to the next; a namespace that is alone has most of the room for its changes.
 */
const flowParts: Readonly<Record<Priority, number>> = { change: 7 / 8, poll: 1 / 2, retry: 1 / 2 }

const partOf = (max: number, part: number) => Math.max(1, Math.floor(max * part))

/** Of three slots or more, retries leave one to polls, and both leave one to changes. */
export function slotsOf(max: number, priority: Priority): number {
  const part = partOf(max, slotParts[priority])
  return priority === 'poll' ? Math.max(part, Math.min(max - 1, slotsOf(max, 'retry') + 1)) : part
}

export const apartOf = (max: number, priority: Priority): number => partOf(max, apartParts[priority])

/** Slots that no work of a smaller part takes. */
const ownSlots = (max: number, priority: Priority): number => {
  const smaller = { change: 'poll', poll: 'retry', retry: undefined } as const
  const other = smaller[priority]
  return slotsOf(max, priority) - (other === undefined ? 0 : slotsOf(max, other))
}

/** Shares what may be under way of each priority, in slots or apart from them, among its flows. */
export interface Shares {
  /** Whether the flow leaves enough to others if one more of it begins. */
  mayBegin(turn: Turn): boolean
  begin(turn: Turn): void
  end(turn: Turn): void
}

export function createShares(max: number, maxApart: number): Shares {
  const totals: Record<Priority, number> = { change: 0, retry: 0, poll: 0 }
  const ofFlows = new Map<string, number>()
  const keyOf = ({ priority, flow }: Turn) => `${priority} ${flow}`
  const add = (turn: Turn, change: 1 | -1) => {
    const key = keyOf(turn)
    const now = (ofFlows.get(key) ?? 0) + change
    if (now > 0) ofFlows.set(key, now)
    else ofFlows.delete(key)
    totals[turn.priority] += change
  }
  return {
    mayBegin(turn) {
      const { priority } = turn
      const own = ofFlows.get(keyOf(turn)) ?? 0
      const free = apartOf(maxApart, priority) + ownSlots(max, priority) - totals[priority]
      // Who has nothing yet may take even the last place.
      return free > 0 && (own === 0 || own + 1 <= flowParts[priority] * (own + free))
    },
    begin: (turn) => add(turn, 1),
    end: (turn) => add(turn, -1),
  }
}

/** Counts who has one of `max` slots. */
export interface Slots {
  hasRoom(priority: Priority): boolean
  take(priority: Priority): void
  giveBack(priority: Priority): void
}

export function createSlots(max: number): Slots {
  const taken: Record<Priority, number> = { change: 0, retry: 0, poll: 0 }
  /** All slots that are taken by work whose part is not larger. */
  const takenWithin = (part: Priority) =>
    priorities.reduce((sum, one) => (slotParts[one] <= slotParts[part] ? sum + taken[one] : sum), 0)
  return {
    hasRoom: (priority) =>
      priorities.every((part) => slotParts[part] < slotParts[priority] || takenWithin(part) < slotsOf(max, part)),
    take(priority) {
      taken[priority] += 1
    },
    giveBack(priority) {
      taken[priority] -= 1
    },
  }
}
