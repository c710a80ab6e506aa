/**
 * Slots for the requests in flight. A request that has not been answered for a while gives its slot back and goes on
 * apart, so that requests that hang hold nobody up. One that is known to take long, or that can wait, may take no more
 * than half of the slots, so that there is always room for the others.
 */
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'

export type SlotRequest<T> = {
  /** Whether it takes its slot from one half of them only. */
  readonly canWait: boolean
  /** Called when it has not ended for so long that its slot is due to be given back. */
  readonly onOverdue?: () => void
  readonly run: () => Promise<T>
}

export type Slots = <T>(request: SlotRequest<T>) => Promise<T>

type Kind = 'urgent' | 'canWait'

export function createSlots(max: number, clock: Pick<Clock, 'after'>): Slots {
  const maxWaiting = Math.max(1, Math.floor(max / 2))
  const maxApart = max * limits.slowRequestsPerSlot
  const waiting: Readonly<Record<Kind, (() => void)[]>> = { urgent: [], canWait: [] }
  const taken = { urgent: 0, canWait: 0 }
  let apart = 0
  /** How requests go apart that are overdue while so many are apart that they keep their slots. */
  const overdue = new Set<() => void>()

  const isFree = (kind: Kind) => taken.urgent + taken.canWait < max && (kind === 'urgent' || taken.canWait < maxWaiting)

  function grant() {
    for (const kind of ['urgent', 'canWait'] as const)
      while (isFree(kind)) {
        const next = waiting[kind].shift()
        if (!next) break
        taken[kind]++
        next()
      }
  }

  return async ({ canWait, onOverdue, run }) => {
    const kind = canWait ? 'canWait' : 'urgent'
    if (isFree(kind)) taken[kind]++
    else await new Promise<void>((resolve) => waiting[kind].push(resolve))
    const place = { isApart: false }
    const goApart = () => {
      place.isApart = true
      apart++
      taken[kind]--
      grant()
    }
    const cancel = clock.after(limits.slowRequestMs, () => {
      onOverdue?.()
      if (apart < maxApart) goApart()
      else overdue.add(goApart)
    })
    try {
      return await run()
    } finally {
      cancel()
      overdue.delete(goApart)
      if (place.isApart) apart--
      else taken[kind]--
      const [next] = apart < maxApart ? overdue : []
      if (next) {
        overdue.delete(next)
        next()
      }
      grant()
    }
  }
}
