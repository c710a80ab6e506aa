/** What follows from the state of a connection: in an outage one object tries for all, and its success wakes the others. */
import type { Logger } from 'pino'
import { failurePolicy } from '../decide/failure.ts'
import type { Connection, ConnectionEvent } from './ports.ts'

export type ConnectionEventsOptions = {
  readonly enqueue: (key: string, priority: 'retry' | 'poll') => void
  /** The keys of all objects that speak through the connection. */
  readonly keys: (connection: Connection) => Iterable<string>
  /** Those of them that wait for the connection, longest first. */
  readonly waiting: (connection: Connection) => Iterable<string>
  readonly pollNow: (connection: Connection) => void
  readonly log: Logger
}

export function createConnectionEventHandler(options: ConnectionEventsOptions) {
  const { enqueue, keys, waiting, pollNow, log } = options
  return (connection: Connection, event: ConnectionEvent): void => {
    const about = { connection: connection.name, zstack: connection.endpoint }
    if (event === 'heldBack') {
      const failure = connection.currentFailure()
      if (!failure) return
      const { reason, retry } = failurePolicy[failure.kind]
      log.warn({ ...about, reason }, failure.message)
      // An outage that passes by itself changes no status of objects in sync; what a person must correct shows on all.
      if (retry !== 'backOff') for (const key of keys(connection)) enqueue(key, 'poll')
      return
    }
    const all = [...waiting(connection)]
    if (event === 'restored') log.info(about, 'ZStack answers again')
    for (const key of event === 'probe' ? all.slice(0, 1) : all) enqueue(key, 'retry')
    if (event === 'restored' || all.length === 0) pollNow(connection)
  }
}
