/** Looks at all services of one connection at every interval, and wakes only the objects that it concerns. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Claims } from './claims.ts'
import type { Connection, Refreshed } from './ports.ts'

export type PollerOptions = {
  readonly claims: Claims
  readonly connection: Connection
  /** Whether nothing is left to do for the object, or a pass over it is under way. */
  readonly isSettledOrActive: (key: string) => boolean
  /** `isChanged`: the service of the object looks other than before. */
  readonly enqueue: (key: string, isChanged: boolean) => void
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly intervalMs: number
  readonly staleAfterMs: number
}

export interface Poller {
  /** Polls until aborted. */
  run(signal: AbortSignal): Promise<void>
  /** Polls now, without waiting for the interval. */
  pollNow(): void
  /** Whether a first poll has ended, well or badly, or has lasted for an interval. */
  hasPolled(): boolean
  /** How long ago a poll last read any service, or, where none has, the first poll began; nothing before that. */
  observationAgeMs(): number | undefined
}

/** Spread of the interval, so that many operators do not ask one ZStack at the same moment for ever. */
const jitter = 0.1

export function createPoller(options: PollerOptions): Poller {
  const { claims, connection, isSettledOrActive, enqueue, clock, random, log, intervalMs, staleAfterMs } = options
  const { inventory } = connection
  let polled = false
  let observed: number | undefined
  let current: Promise<void> = Promise.resolve()
  let next = new AbortController()

  async function poll(signal: AbortSignal) {
    const uuids = claims.uuids(connection.name)
    inventory.retain(new Set(uuids))
    let failures = 0
    await inventory.refresh(uuids, signal, (refreshed) => {
      if (refreshed.kind === 'read') observed = clock.monotonic()
      else failures++
      wakeAfter(refreshed)
    })
    if (failures === 0) observed = clock.monotonic()
  }

  function wakeAfter(refreshed: Refreshed) {
    if (refreshed.kind === 'read') {
      for (const uuid of refreshed.changed) wake(uuid, true)
      for (const uuid of refreshed.uuids)
        for (const key of claims.claimants(connection.name, uuid)) if (!isSettledOrActive(key)) enqueue(key, false)
      return
    }
    const { kind, failure } = refreshed
    log.debug({ kind: failure.kind }, failure.message)
    if (kind === 'unreadable') wake(refreshed.uuid, false)
    else for (const uuid of refreshed.uuids) if (isStale(uuid)) wake(uuid, false)
  }

  function wake(uuid: string, isChanged: boolean) {
    for (const key of claims.claimants(connection.name, uuid)) enqueue(key, isChanged)
  }

  function isStale(uuid: string): boolean {
    const known = inventory.cached(uuid)
    return !known || clock.monotonic() - known.at > staleAfterMs
  }

  async function pollOnce(signal: AbortSignal) {
    try {
      await poll(signal)
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'a poll failed for an unforeseen reason; the next one tries again')
    }
    polled = true
  }

  return {
    async run(signal) {
      observed = clock.monotonic()
      while (!signal.aborted) {
        next = new AbortController()
        // A poll that hangs on some services does not keep the next one from reading all others.
        current = pollOnce(signal)
        const spread = 1 - jitter + 2 * jitter * random()
        await clock.sleep(intervalMs * spread, AbortSignal.any([signal, next.signal]))
        polled = true
      }
      await current
    },
    pollNow() {
      const waiting = next
      void current.then(() => waiting.abort())
    },
    hasPolled: () => polled,
    observationAgeMs: () => (observed === undefined ? undefined : clock.monotonic() - observed),
  }
}
