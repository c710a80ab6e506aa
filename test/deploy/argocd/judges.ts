/** What others make of an object: the rules of kstatus, which Flux, Helm and kpt wait by, and of `kubectl wait`. */

export type KStatus = 'InProgress' | 'Current' | 'Failed' | 'Terminating'

type Judged = {
  readonly metadata: { readonly generation?: unknown; readonly deletionTimestamp?: unknown }
  readonly status?: unknown
}

type ConditionLike = {
  readonly type?: unknown
  readonly status?: unknown
  readonly observedGeneration?: unknown
}

/**
 * `Compute` of sigs.k8s.io/cli-utils/pkg/kstatus for kinds it has no rules of their own for. Conditions are looked at in
 * the order of the list; what says nothing at all is Current.
 */
export function kstatus(object: Judged): KStatus {
  const { generation, deletionTimestamp } = object.metadata
  if (deletionTimestamp !== undefined) return 'Terminating'
  const { observedGeneration, conditions } = statusOf(object)
  if (observedGeneration !== undefined && observedGeneration !== generation) return 'InProgress'
  for (const { type, status } of conditions) {
    if (type === 'Reconciling' && status === 'True') return 'InProgress'
    if (type === 'Stalled' && status === 'True') return 'Failed'
  }
  const ready = conditions.find(({ type }) => type === 'Ready')
  return ready?.status === 'False' || ready?.status === 'Unknown' ? 'InProgress' : 'Current'
}

/** Whether `kubectl wait --for=condition=<type>[=<status>]` ends: what was said of an older generation does not count. */
export function isWaitOver(object: Judged, type: string, wanted = 'True'): boolean {
  const status = statusOf(object)
  const condition = status.conditions.find((each) => each.type === type)
  if (!condition) return false
  const observedGeneration = condition.observedGeneration ?? status.observedGeneration
  const isOld = typeof observedGeneration === 'number' && observedGeneration < Number(object.metadata.generation)
  return !isOld && String(condition.status).toLowerCase() === wanted.toLowerCase()
}

function statusOf({ status }: Judged): { observedGeneration?: unknown; conditions: readonly ConditionLike[] } {
  const { observedGeneration, conditions } = (status ?? {}) as { observedGeneration?: unknown; conditions?: unknown }
  return { observedGeneration, conditions: Array.isArray(conditions) ? (conditions as ConditionLike[]) : [] }
}
