/** What follows from the state of a connection: an outage is told once, and its end wakes those who wait for it. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { failurePolicy, type Failure } from '../decide/failure.ts'
import type { Connection, ConnectionEvent } from './ports.ts'

export type ConnectionEventsOptions = {
  readonly enqueue: (key: string, priority: 'retry' | 'poll') => void
  /** The keys of all objects that speak through the connection. */
  readonly keys: (connection: Connection) => Iterable<string>
  /** Those of them that wait for the connection, longest first. */
  readonly waiting: (connection: Connection) => Iterable<string>
  readonly pollNow: (connection: Connection) => void
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Logger
}

export function createConnectionEventHandler(options: ConnectionEventsOptions) {
  const { enqueue, keys, waiting, pollNow, clock, log } = options
  /** The trouble of each connection that has some, as it was told. */
  const troubles = new Map<string, { readonly failure: Failure; readonly since: number }>()

  return (connection: Connection, event: ConnectionEvent): void => {
    const { name, endpoint } = connection
    const about = { connection: name, zstack: endpoint }
    const known = troubles.get(name)
    const failure = connection.currentFailure()
    if (failure) {
      if (known && isSame(failure, known.failure)) return
      troubles.set(name, { failure, since: known?.since ?? clock.monotonic() })
      const { reason, retry } = failurePolicy[failure.kind]
      log.warn({ ...about, reason }, failure.message)
      // An outage that passes by itself changes no status of objects in sync; what a person must correct shows on all.
      if (retry !== 'backOff') for (const key of keys(connection)) enqueue(key, 'poll')
      return
    }
    if (event === 'heldBack') return
    troubles.delete(name)
    const seconds = known ? Math.round((clock.monotonic() - known.since) / 1_000) : 0
    const objects = [...waiting(connection)]
    log.info({ ...about, seconds, waiting: objects.length }, 'ZStack answers again')
    for (const key of objects) enqueue(key, 'retry')
    pollNow(connection)
  }
}

const isSame = (a: Failure, b: Failure) => a.kind === b.kind && a.message === b.message
