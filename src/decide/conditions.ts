/** Patches into conditions; `Ready` computed from the others. */
import type { Reason } from '../api/reasons.ts'
import { timestamp } from '../api/time.ts'
import type { Condition, ConditionType, Status } from '../api/status.ts'

export type ConditionPatch = {
  readonly type: Exclude<ConditionType, 'Ready'>
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
  readonly message: string
}

type Judged = Omit<Condition, 'observedGeneration' | 'lastTransitionTime'>

/** Conditions that are there only while True (kstatus; and Suspended likewise). */
const presentWhileTrue: readonly ConditionType[] = ['Reconciling', 'Stalled', 'Suspended']

/**
 * The conditions after a pass: the patches, what they leave as it was, and `Ready`.
 * `at.suspendedWork` says what a suspension holds back, if it does.
 * `lastTransitionTime` moves only when a status flips (Kubernetes API conventions).
 */
export function patchConditions(
  previous: readonly Condition[],
  patches: readonly ConditionPatch[],
  at: { readonly generation: number; readonly now: Date; readonly suspendedWork?: string },
): readonly Condition[] {
  const kept = previous.filter(
    ({ type }) => type !== 'Ready' && !isOneOf(presentWhileTrue, type) && !patches.some((patch) => patch.type === type),
  )
  const others: readonly Judged[] = [...patches, ...kept]
  return [ready(others, at.suspendedWork), ...others].map((judged): Condition => {
    const before = previous.find(({ type }) => type === judged.type)
    const flipped = before?.status !== judged.status
    return {
      type: judged.type,
      status: judged.status,
      reason: judged.reason,
      message: judged.message,
      observedGeneration:
        kept.some(({ type }) => type === judged.type) && before ? before.observedGeneration : at.generation,
      lastTransitionTime: flipped ? timestamp(at.now) : before.lastTransitionTime,
    }
  })
}

/**
 * Drift that the policy leaves is no fault of the object's, so it leaves Ready True; a difference that waits for
 * the end of a suspension (`suspendedWork` says which) leaves it Unknown.
 */
function ready(others: readonly Judged[], suspendedWork: string | undefined): Judged {
  const find = (type: ConditionType) => others.find((patch) => patch.type === type)
  const because = (judged: Judged, status: Judged['status']): Judged => ({ ...judged, type: 'Ready', status })
  const [stalled, reconciling, synced] = [find('Stalled'), find('Reconciling'), find('Synced')]
  if (stalled) return because(stalled, 'False')
  if (!synced || synced.status === 'Unknown') return because(synced ?? unread, 'Unknown')
  if (suspendedWork !== undefined)
    return { type: 'Ready', status: 'Unknown', reason: 'Suspended', message: suspendedWork }
  if (reconciling) return because(reconciling, 'False')
  return because(synced, synced.status === 'True' || synced.reason === 'DriftDetected' ? 'True' : 'False')
}

const unread: Judged = { type: 'Synced', status: 'Unknown', reason: 'Initializing', message: 'not read yet' }

function isOneOf(list: readonly string[], value: string): boolean {
  return list.includes(value)
}

export function conditionOf(status: Status | undefined, type: Condition['type']): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}
