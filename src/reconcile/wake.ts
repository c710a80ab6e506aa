/** Who is woken by what: changes of an object, and changes of the connection. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { reconcileRequestedAt, statusOf, type StoredModelService } from '../api/modelservice.ts'
import { cures } from '../decide/failure.ts'
import type { Connections } from './ports.ts'

/** Spec, annotation and existence are news; the operator's own status writes wake nothing. */
export function isChangeForUs(before: StoredModelService | undefined, after: StoredModelService | undefined): boolean {
  if (!before || !after) return true
  const [was, is] = [before.metadata, after.metadata]
  return (
    was.uid !== is.uid ||
    was.generation !== is.generation ||
    was.deletionTimestamp !== is.deletionTimestamp ||
    was.annotations?.[reconcileRequestedAt] !== is.annotations?.[reconcileRequestedAt]
  )
}

/** Somebody else wrote it, a former leader at its end perhaps: what it says now is to be looked at again. */
export function isOthersStatus(
  before: StoredModelService | undefined,
  after: StoredModelService | undefined,
  isOwn: boolean,
): boolean {
  return !isOwn && before !== undefined && after !== undefined && !isDeepStrictEqual(before.status, after.status)
}

/** What a list shows at the start and a former process has dealt with is no person's change: it waits behind those. */
export function urgencyOf(
  before: StoredModelService | undefined,
  after: StoredModelService | undefined,
): 'change' | 'poll' {
  if (before || !after) return 'change'
  const { generation, annotations } = after.metadata
  const status = statusOf(after)
  const isDealtWith =
    status?.observedGeneration === generation && status.lastHandledReconcileAt === annotations?.[reconcileRequestedAt]
  return isDealtWith ? 'poll' : 'change'
}

export type AlarmOptions = {
  readonly connections: Connections
  readonly enqueue: (key: string, priority: 'retry' | 'poll') => void
  /** The keys of all objects. */
  readonly keys: () => Iterable<string>
  /** The keys that wait for the connection, longest first. */
  readonly waiting: () => Iterable<string>
  readonly hurryPoll: () => void
  readonly log: Logger
}

/** Answers changes of the connection: in an outage one object tries for all, and its success wakes the others. */
export function createAlarm({ connections, enqueue, keys, waiting, hurryPoll, log }: AlarmOptions) {
  return (change: 'open' | 'trial' | 'closed') => {
    if (change === 'open') {
      const opened = connections.open()
      const trouble = opened.ok ? opened.value.trouble() : opened.failure
      if (!trouble) return
      const { reason, retry } = cures[trouble.kind]
      log.warn({ reason }, trouble.message)
      // An outage that passes by itself changes no status of objects in sync; what a person must mend shows on all.
      if (retry !== 'backOff') for (const key of keys()) enqueue(key, 'poll')
      return
    }
    const all = [...waiting()]
    if (change === 'closed') log.info('ZStack answers again')
    for (const key of change === 'trial' ? all.slice(0, 1) : all) enqueue(key, 'retry')
    if (change === 'closed' || all.length === 0) hurryPoll()
  }
}
