/** Which changes of an object are news to this operator, and how urgent. */
import { reconcileRequestedAt, statusOf, type StoredModelService } from '../api/modelservice.ts'

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
