/** What one pass must tell the next. All that matters beyond a restart is in status, and is recalled from there. */
import { isDeepStrictEqual } from 'node:util'
import type { Condition, Status, UpdateCause } from '../api/status.ts'
import type { Assessment, Difference } from '../decide/assess.ts'
import { driftOf, noValue } from '../decide/display.ts'
import { failurePolicy, type Failure, type FailureKind } from '../decide/failure.ts'
import type { Comparison } from '../decide/outcome.ts'
import type { Patch } from '../decide/plan.ts'
import { conditionOf } from '../decide/status.ts'
import { limits } from '../limits.ts'
import type { JobRef } from './ports.ts'

/** A difference at a generation, by what status shows of it: what even a restart can compare with. */
export type DriftKey = {
  readonly generation: number
  readonly drift: Drift
  /** Declared fields that could not be read. */
  readonly unread: readonly string[]
}

type Drift = NonNullable<Status['drift']>

/** No update of the subject until then: refused with `failure`, or accepted too often without effect. */
export type UpdateHold = { readonly subject: DriftKey; readonly until: number; readonly failure?: Failure }

/** An update on its way: what was sent, and the differences it sets out to mend. */
export type UpdateAttempt = {
  readonly patch: Patch
  readonly cause: UpdateCause
  readonly expected: readonly Difference[]
}

export type PendingJob = {
  readonly ref: JobRef
  /** By the monotonic clock. */
  readonly since: number
  readonly looks: number
  readonly seen: Comparison
  readonly errand: UpdateAttempt
}

export type RetryState = {
  /** Updates in a row that were accepted and left the subject as it was. */
  tries?: { readonly subject: DriftKey; readonly count: number } | undefined
  hold?: UpdateHold | undefined
  job?: PendingJob | undefined
  /** Since when, by the monotonic clock, nothing has been read. */
  unseenSince?: number | undefined
}

export function driftKey(generation: number, drift: Drift = [], unread: readonly string[] = []): DriftKey {
  return { generation, drift, unread }
}

export function driftKeyOf({ differences, unverifiable }: Assessment, generation: number): DriftKey {
  return driftKey(generation, driftOf(differences), unverifiable)
}

export function isSame(a: DriftKey | undefined, b: DriftKey): boolean {
  return a?.generation === b.generation && isDeepStrictEqual(readableTo(b, a.drift), b.drift)
}

/** That a server shows a field at all may be known to one process, and not yet to the next: it cannot miss its value. */
function readableTo({ unread }: DriftKey, drift: Drift): Drift {
  return drift.filter(({ field, live }) => live !== noValue || !unread.includes(field))
}

/** How long ZStack's refusal of an update stands. */
export function refusalMs({ kind }: Failure): number {
  return failurePolicy[kind].retry === 'slowly' ? limits.slowRetryMs : limits.ineffectiveRetryMs
}

/** What a former process knew of the object, as far as its status tells. */
export function restore(status: Status | undefined, now: number): RetryState {
  const last = status?.lastUpdate
  const count = last?.attempts ?? 0
  const subjectAt = (generation: number) => driftKey(generation, status?.drift, status?.unverifiableFields)
  const tries = last && count > 0 ? { subject: subjectAt(last.generation), count } : undefined
  const told = conditionOf(status, 'Stalled') ?? conditionOf(status, 'Reconciling')
  if (!told) return { tries }
  const subject = subjectAt(told.observedGeneration)
  if (told.reason === 'UpdateNotEffective')
    return { tries, hold: { subject, until: (last ? Date.parse(last.time) : now) + limits.ineffectiveRetryMs } }
  const kind = refusalIn(told)
  if (!kind) return { tries }
  const failure = { kind, message: told.message }
  return { tries, hold: { subject, until: now + refusalMs(failure), failure } }
}

function refusalIn({ type, reason }: Condition): FailureKind | undefined {
  switch (reason) {
    case 'RemoteRejected':
      return type === 'Stalled' ? 'rejected' : 'operation'
    case 'PermissionDenied':
      return 'permission'
    case 'QuotaExceeded':
      return 'quota'
    default:
      return undefined
  }
}
