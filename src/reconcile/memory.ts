/** What one pass must tell the next. All that matters beyond a restart is in status, and is recalled from there. */
import type { FieldName } from '../api/modelservice.ts'
import type { Status, UpdateCause } from '../api/status.ts'
import type { Difference } from '../decide/assess.ts'
import type { Failure } from '../decide/failure.ts'
import { hour, type Seen } from '../decide/outcome.ts'
import { conditionOf } from '../decide/report.ts'
import type { JobRef } from './ports.ts'

/** A difference at a generation, by the drift that status shows: what even a restart can compare with. */
export type Subject = { readonly generation: number; readonly drift: string }

/** No update of the subject until then: refused with `failure`, or accepted too often without effect. */
export type Hold = { readonly subject: Subject; readonly until: number; readonly failure?: Failure }

/** An update on its way: what it changes, and the differences it sets out to mend. */
export type Errand = {
  readonly fields: readonly FieldName[]
  readonly cause: UpdateCause
  readonly mends: readonly Difference[]
}

export type PendingJob = {
  readonly ref: JobRef
  readonly since: number
  readonly looks: number
  readonly seen: Seen
  readonly errand: Errand
}

export type Memory = {
  /** Updates in a row that were accepted and left the subject as it was. */
  tries?: { readonly subject: Subject; readonly count: number } | undefined
  hold?: Hold | undefined
  job?: PendingJob | undefined
  /** Since when there has been nothing to judge by. */
  unseenSince?: number | undefined
}

/** Updates in a row that leave the same difference, before the fuse blows (design.md, Reconciliation). */
export const fuse = 3

export function subjectOf(generation: number, drift: Status['drift']): Subject {
  return { generation, drift: JSON.stringify(drift ?? []) }
}

export function isSame(a: Subject | undefined, b: Subject): boolean {
  return a?.generation === b.generation && a.drift === b.drift
}

/** What a former process knew of the object, as far as its status tells. */
export function recall(status: Status | undefined, now: number): Memory {
  const stalled = conditionOf(status, 'Stalled')
  const last = status?.lastUpdate
  const count = last?.attempts ?? 0
  const tries = last && count > 0 ? { subject: subjectOf(last.generation, status.drift), count } : undefined
  if (!stalled) return { tries }
  const subject = subjectOf(stalled.observedGeneration, status?.drift)
  if (stalled.reason === 'UpdateNotEffective')
    return { tries, hold: { subject, until: (last ? Date.parse(last.time) : now) + hour } }
  if (stalled.reason === 'RemoteRejected')
    return { tries, hold: { subject, until: now + hour, failure: { kind: 'rejected', message: stalled.message } } }
  return { tries }
}
