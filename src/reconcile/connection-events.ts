/** What follows from the state of a connection: an outage is told once, and its end wakes those who wait for it. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { connectionStepOf, failurePolicy, progressOf, type Failure, type Result } from '../decide/failure.ts'
import type { Connection, ConnectionEvent } from './ports.ts'

export type ConnectionEventsOptions = {
  readonly enqueue: (key: string, priority: 'retry' | 'poll') => void
  /** The keys of all objects that speak through the connection. */
  readonly keys: (connection: Connection) => Iterable<string>
  /** Those of them that wait for the connection, longest first. */
  readonly waiting: (connection: Connection) => Iterable<string>
  readonly pollNow: (connection: Connection) => void
  /** Told of each trouble once, and of each check that shows that the connection works. */
  readonly onVerdict: (connection: Connection, failure: Failure | undefined) => void
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Logger
}

export interface ConnectionEventHandler {
  onEvent(connection: Connection, event: ConnectionEvent): void
  onChecked(connection: Connection, result: Result<void>): void
}

export function createConnectionEventHandler(options: ConnectionEventsOptions): ConnectionEventHandler {
  const { enqueue, keys, waiting, pollNow, onVerdict, clock, log } = options
  /** The trouble of each connection that has some, as it was told. */
  const troubles = new Map<string, { readonly failure: Failure; readonly since: number }>()
  /** The connections that a check has shown to work. */
  const working = new Set<string>()
  const about = ({ name, endpoint }: Connection) => ({ connection: name, zstack: endpoint })

  function tell(connection: Connection, failure: Failure) {
    const { name } = connection
    const known = troubles.get(name)
    if (known && isSame(failure, known.failure)) return
    troubles.set(name, { failure, since: known?.since ?? clock.monotonic() })
    const { reason, retry } = failurePolicy[failure.kind]
    const line = { ...about(connection), step: connectionStepOf(failure.kind), reason }
    log[progressOf(failure.kind) === 'Stalled' ? 'error' : 'warn'](line, failure.message)
    onVerdict(connection, failure)
    // An outage that passes by itself changes no status of objects in sync; what a person must correct shows on all.
    if (retry !== 'backOff') for (const key of keys(connection)) enqueue(key, 'poll')
  }

  return {
    onEvent(connection, event) {
      const { name } = connection
      const known = troubles.get(name)
      const failure = connection.currentFailure()
      if (failure) {
        tell(connection, failure)
        return
      }
      if (event === 'heldBack') return
      troubles.delete(name)
      const seconds = known ? Math.round((clock.monotonic() - known.since) / 1_000) : 0
      const objects = [...waiting(connection)]
      log.info({ ...about(connection), seconds, waiting: objects.length }, 'ZStack answers again')
      for (const key of objects) enqueue(key, 'retry')
      pollNow(connection)
    },
    onChecked(connection, result) {
      const { name } = connection
      if (!result.ok) {
        tell(connection, result.failure)
        return
      }
      if (troubles.delete(name) || !working.has(name)) log.info(about(connection), connectionWorks)
      working.add(name)
      onVerdict(connection, undefined)
    },
  }
}

/** What a check has shown, in words. */
export const connectionWorks = 'ZStack answers, takes the credentials, and lets them query model services'

const isSame = (a: Failure, b: Failure) => a.kind === b.kind && a.message === b.message
