/** What follows from a change of an object that the watch shows, or that a write of ours made. */
import type { StoredModelService } from '../api/modelservice.ts'
import type { ClaimedConnection, Claims } from './claims.ts'
import type { ForeignStatus } from './foreign-status.ts'
import { isForeignStatus, isRelevantChange, priorityOf } from './predicates.ts'

export type ObjectChangesOptions = {
  readonly claims: Claims
  /** The connection that an object speaks through, if there is one. */
  readonly connectionOf: (object: StoredModelService) => ClaimedConnection | undefined
  readonly enqueue: (key: string, priority: 'change' | 'poll') => void
  /** A person changed the object. */
  readonly onChanged: (key: string) => void
  readonly foreignStatus: ForeignStatus
}

export function createObjectChangeHandler(options: ObjectChangesOptions) {
  const { claims, connectionOf, enqueue, onChanged, foreignStatus } = options
  return (
    key: string,
    before: StoredModelService | undefined,
    after: StoredModelService | undefined,
    isOwn: boolean,
  ): void => {
    // Whoever speaks for the same service may have won or lost it.
    for (const other of claims.note(key, after, after && connectionOf(after))) enqueue(other, 'change')
    if (!after) foreignStatus.forget(key)
    if (isRelevantChange(before, after)) {
      const priority = priorityOf(before, after, after && connectionOf(after)?.endpoint)
      if (priority === 'change') onChanged(key)
      enqueue(key, priority)
    } else if (isForeignStatus(before, after, isOwn)) {
      foreignStatus.written(key)
    }
  }
}
