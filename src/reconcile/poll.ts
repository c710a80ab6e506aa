/** Looks at all services of one connection at every interval, and wakes only the objects that it concerns. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Claims } from './claims.ts'
import type { Connection } from './ports.ts'

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
  /** Whether a first poll has ended, well or badly. */
  hasPolled(): boolean
  /** How long ago a poll last read every service, or, where none has, the first poll began; nothing before that. */
  observationAgeMs(): number | undefined
}

/** Spread of the interval, so that many operators do not ask one ZStack at the same moment for ever. */
const jitter = 0.1

export function createPoller(options: PollerOptions): Poller {
  const { claims, connection, isSettledOrActive, enqueue, clock, random, log, intervalMs, staleAfterMs } = options
  const { inventory } = connection
  let polled = false
  let observed: number | undefined
  let wake = new AbortController()

  async function poll(signal: AbortSignal) {
    const uuids = claims.uuids(connection.name)
    inventory.retain(new Set(uuids))
    const answer = await inventory.refresh(uuids, signal)
    if (answer.ok) {
      observed = clock.monotonic()
      for (const uuid of answer.value) for (const key of claims.claimants(connection.name, uuid)) enqueue(key, true)
      for (const uuid of uuids)
        for (const key of claims.claimants(connection.name, uuid)) if (!isSettledOrActive(key)) enqueue(key, false)
    } else {
      log.debug({ kind: answer.failure.kind }, answer.failure.message)
      for (const uuid of uuids)
        if (isStale(uuid)) for (const key of claims.claimants(connection.name, uuid)) enqueue(key, false)
    }
  }

  function isStale(uuid: string): boolean {
    const known = inventory.cached(uuid)
    return !known || clock.monotonic() - known.at > staleAfterMs
  }

  return {
    async run(signal) {
      const isStopped = () => signal.aborted
      observed = clock.monotonic()
      while (!isStopped()) {
        wake = new AbortController()
        try {
          await poll(signal)
        } catch (error) {
          if (!isStopped())
            log.error({ err: error }, 'a poll failed for an unforeseen reason; the next one tries again')
        }
        polled = true
        const spread = 1 - jitter + 2 * jitter * random()
        await clock.sleep(intervalMs * spread, AbortSignal.any([signal, wake.signal]))
      }
    },
    pollNow: () => wake.abort(),
    hasPolled: () => polled,
    observationAgeMs: () => (observed === undefined ? undefined : clock.monotonic() - observed),
  }
}
