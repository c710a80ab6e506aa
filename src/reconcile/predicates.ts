/** Which changes of an object are worth a pass, and how urgent they are. */
import { isDeepStrictEqual } from 'node:util'
import { statusOf, type StoredModelService } from '../api/modelservice.ts'
import { reconcileRequestedAt, suspendReason, suspendUntil } from '../api/names.ts'
import { statusAt } from '../decide/status.ts'

/** The annotations that people steer the operator by. */
const steering = [reconcileRequestedAt, suspendUntil, suspendReason] as const

/** Spec, annotations and existence are news; the operator's own status writes wake nothing. */
export function isRelevantChange(
  before: StoredModelService | undefined,
  after: StoredModelService | undefined,
): boolean {
  if (!before || !after) return true
  const [was, is] = [before.metadata, after.metadata]
  return (
    was.uid !== is.uid ||
    was.generation !== is.generation ||
    was.deletionTimestamp !== is.deletionTimestamp ||
    steering.some((annotation) => was.annotations?.[annotation] !== is.annotations?.[annotation])
  )
}

/** Somebody else wrote it, a former leader at its end perhaps: what it says now is to be looked at again. */
export function isForeignStatus(
  before: StoredModelService | undefined,
  after: StoredModelService | undefined,
  isOwn: boolean,
): boolean {
  return !isOwn && before !== undefined && after !== undefined && !isDeepStrictEqual(before.status, after.status)
}

/**
 * What a list shows at the start and a former process has dealt with, at the same endpoint, is no person's change: it waits
 * behind those.
 */
export function priorityOf(
  before: StoredModelService | undefined,
  after: StoredModelService | undefined,
  endpoint: string | undefined,
): 'change' | 'poll' {
  if (before || !after) return 'change'
  const { generation, annotations } = after.metadata
  const status = statusAt(endpoint, statusOf(after))
  const isDealtWith =
    status?.observedGeneration === generation && status.lastHandledReconcileAt === annotations?.[reconcileRequestedAt]
  return isDealtWith ? 'poll' : 'change'
}
