/** How late the event loop is, seen by a timer that ought to fire every second. */
import type { Clock } from '../clock.ts'

export interface EventLoopLag {
  /** The longest lag of the last minute or two, in milliseconds. */
  lagMs(): number
  /** The longest lag that ended within the last ten seconds, or is going on, in milliseconds. */
  recentLagMs(): number
  close(): void
}

const everyMs = 1_000
const windowMs = 60_000
/** Shorter than the time between two probes: a block that is over fails one of them, blocks again and again fail all. */
const recentMs = 10_000

type Window = { readonly since: number; readonly lag: number }

export function measureEventLoopLag(clock: Clock): EventLoopLag {
  let due = 0
  let cancel: () => void = () => undefined
  let [before, current]: [Window, Window] = [
    { since: -Infinity, lag: 0 },
    { since: clock.monotonic(), lag: 0 },
  ]
  let recent: readonly { readonly at: number; readonly lag: number }[] = []

  /** How late the timer is that has not fired yet: after a block, others may be served before it. */
  const overdue = () => Math.max(0, clock.monotonic() - due)

  function tick() {
    const lag = overdue()
    const now = clock.monotonic()
    if (now - current.since >= windowMs) [before, current] = [current, { since: now, lag: 0 }]
    if (lag > current.lag) current = { ...current, lag }
    recent = [...recent.filter(({ at }) => now - at < recentMs), { at: now, lag }]
    arm()
  }

  function arm() {
    due = clock.monotonic() + everyMs
    cancel = clock.after(everyMs, tick)
  }

  arm()
  return {
    lagMs: () => Math.max(before.lag, current.lag, overdue()),
    recentLagMs: () => {
      const now = clock.monotonic()
      return Math.max(overdue(), ...recent.filter(({ at }) => now - at < recentMs).map(({ lag }) => lag))
    },
    close: () => cancel(),
  }
}
