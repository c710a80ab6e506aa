/**
 * Holds: updates of the present difference that were refused or without effect, and until when no other is sent.
 *
 *   an update is accepted and leaves the same difference ──▶ attempts + 1; from `maxIneffectiveUpdates` on, none for
 *                                                            `ineffectiveRetryMs`
 *   an update is refused ──▶ none for `slowRetryMs` or `ineffectiveRetryMs`, by what it was refused for
 *   the difference, the generation, the service or a source of values changes, all is equal, or a person asks for an
 *   update ──▶ no hold
 *
 * `decide.ts` counts (`holdAfter`) and asks whether a hold is in force, `plan.ts` obeys it, `reconcile/reporter.ts` writes
 * it to status, and `reconcile/object-state.ts` restores it, so that a restart does not begin the count anew. Beside this,
 * `zstack/updates.ts` counts to the same number, in memory only, before it tries the other body shape.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Reason } from '../api/reasons.ts'
import type { Status } from '../api/status.ts'
import { timestamp } from '../api/time.ts'
import { limits } from '../limits.ts'
import type { Assessment, Hashes } from './assess.ts'
import { conditionOf } from './conditions.ts'
import { driftOf, noValue } from './display.ts'
import { failurePolicy, type Failure, type FailureKind } from './failure.ts'

/** A difference at a generation, by what status shows of it, so that it can be compared after a restart too. */
export type DriftKey = {
  readonly generation: number
  readonly drift: Drift
  /** Declared fields that could not be read. */
  readonly unread: readonly string[]
  /** Hashes of the values from elsewhere, whose change is no change of the generation. */
  readonly sources: Hashes
}

type Drift = NonNullable<Status['drift']>

export type UpdateHold = {
  readonly key: DriftKey
  /** How many updates ZStack accepted, one after the other, that left the difference as it was. */
  readonly attempts: number
  /** No update before then, in milliseconds since the epoch, by a clock that does not jump. */
  readonly until: number
  /** What ZStack refused the update for; absent where it accepted it without effect. */
  readonly failure?: Failure
}

export function driftKeyOf({ differences, unverifiable, declared, sources }: Assessment, generation: number): DriftKey {
  const hashes = Object.fromEntries([...sources.keys()].map((field) => [field, declared[field]]))
  return { generation, drift: driftOf(differences) ?? [], unread: unverifiable, sources: hashes }
}

/** The difference that status shows. */
export function driftKeyIn(status: Status | undefined, generation: number): DriftKey {
  return {
    generation,
    drift: status?.drift ?? [],
    unread: status?.unverifiableFields ?? [],
    sources: status?.hold?.fieldHashes ?? {},
  }
}

/** Whether the difference is the same now as it was when `before` was taken. */
export function isSameDrift(before: DriftKey | undefined, now: DriftKey): boolean {
  return (
    before?.generation === now.generation &&
    isDeepStrictEqual(before.sources, now.sources) &&
    isDeepStrictEqual(withoutUnread(before.drift, now), now.drift)
  )
}

/**
 * One process may know that the server shows a field, and the next may not yet: where it counts the field as unread, the
 * absence of a value that was a difference to the one is none to the other, and must not make the hold end.
 */
function withoutUnread(drift: Drift, { unread }: DriftKey): Drift {
  return drift.filter(({ field, live }) => live !== noValue || !unread.includes(field))
}

/** The hold after an update that was accepted and left its difference. */
export function holdAfterIneffective(before: UpdateHold | undefined, key: DriftKey, now: number): UpdateHold {
  const attempts = isSameDrift(before?.key, key) ? (before?.attempts ?? 0) + 1 : 1
  return { key, attempts, until: attempts < limits.maxIneffectiveUpdates ? now : now + limits.ineffectiveRetryMs }
}

/** The hold after ZStack refused an update. */
export function holdAfterRefusal(
  before: UpdateHold | undefined,
  key: DriftKey,
  failure: Failure,
  now: number,
): UpdateHold {
  const attempts = isSameDrift(before?.key, key) ? (before?.attempts ?? 0) : 0
  return { key, attempts, until: now + refusalMs(failure), failure }
}

/** How long a refusal stands. */
export function refusalMs({ kind }: Failure): number {
  return failurePolicy[kind].retry === 'slowly' ? limits.slowRetryMs : limits.ineffectiveRetryMs
}

/** The hold as status keeps it. */
export function statusOfHold({ key, attempts, until, failure }: UpdateHold): NonNullable<Status['hold']> {
  const reason: Reason = failure ? failurePolicy[failure.kind].reason : 'UpdateNotEffective'
  const { generation, sources } = key
  const hashes = Object.keys(sources).length > 0 ? { fieldHashes: sources } : {}
  return { reason, generation, until: timestamp(until), attempts, ...hashes }
}

/**
 * The hold that a former process left in the status of the object. The clock of that process may have been wrong: from
 * now on the hold lasts no longer than it may last at all.
 */
export function restoreHold(status: Status | undefined, now: number): UpdateHold | undefined {
  const { hold } = status ?? {}
  if (!hold) return undefined
  const { generation, attempts } = hold
  const key = driftKeyIn(status, generation)
  const kind = refusals[hold.reason]
  const failure = kind && { kind, message: messageOf(hold.reason, status) }
  const maxMs = failure ? refusalMs(failure) : limits.ineffectiveRetryMs
  const until = Math.min(Date.parse(hold.until), now + maxMs)
  return { key, attempts, until, ...(failure && { failure }) }
}

/** The failures that hold updates of one object back, by the reason under which status keeps them. */
const refusals: Readonly<Partial<Record<Reason, FailureKind>>> = {
  RemoteRejected: 'rejected',
  PermissionDenied: 'permission',
  QuotaExceeded: 'quota',
}

/** The message of the condition stays as people read it before; nothing is decided by it. */
function messageOf(reason: Reason, status: Status | undefined): string {
  const condition = conditionOf(status, 'Stalled') ?? conditionOf(status, 'Reconciling')
  return condition?.reason === reason ? condition.message : 'ZStack refused the last update of this difference'
}
