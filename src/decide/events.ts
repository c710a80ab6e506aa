/** What changed between two statuses, as events for people. Transitions only: a state that stays says nothing new. */
import type { Status } from '../api/status.ts'
import { reasons, type Reason } from '../api/reasons.ts'
import type { Difference } from './assess.ts'
import { displayDifference } from './display.ts'
import { conditionOf } from './conditions.ts'

/** Reasons of good news; a warning carries the reason of Ready. */
export const normalReasons = ['Updated', 'Recovered', 'Suspended', 'Resumed', 'ReconcileRequestHandled'] as const

export type ObjectEvent =
  | { readonly type: 'Normal'; readonly reason: (typeof normalReasons)[number]; readonly message: string }
  | { readonly type: 'Warning'; readonly reason: Reason | 'UnparsableYAML'; readonly message: string }

type LastUpdate = NonNullable<Status['lastUpdate']>

const warns = (reason: Reason) => 'warns' in reasons[reason]

/**
 * The events that a change of the status is worth.
 * @param corrected the differences that the update of this pass was to end, to be named with both values
 */
export function eventsBetween(
  before: Status | undefined,
  after: Status,
  corrected: readonly Difference[],
): readonly ObjectEvent[] {
  const events: ObjectEvent[] = []
  const { lastUpdate } = after
  if (lastUpdate && isNewlyVerified(lastUpdate, before, after))
    events.push({ type: 'Normal', reason: 'Updated', message: updateMessage(lastUpdate, corrected) })
  const [was, is] = [conditionOf(before, 'Ready'), conditionOf(after, 'Ready')]
  if (is && is.reason !== was?.reason) {
    if (warns(is.reason) && !isOfConnection(after, is.reason))
      events.push({ type: 'Warning', reason: is.reason, message: is.message })
    else if (is.reason === 'InSync' && was && warns(was.reason))
      events.push({ type: 'Normal', reason: 'Recovered', message: `${is.message}; before: ${was.reason}` })
  }
  const [wasSuspended, isSuspended] = [conditionOf(before, 'Suspended'), conditionOf(after, 'Suspended')]
  if (isSuspended && !wasSuspended) events.push({ type: 'Normal', reason: 'Suspended', message: isSuspended.message })
  if (wasSuspended && !isSuspended)
    events.push({ type: 'Normal', reason: 'Resumed', message: 'the suspension has ended' })
  const token = after.lastHandledReconcileAt
  if (token !== undefined && token !== before?.lastHandledReconcileAt)
    events.push({ type: 'Normal', reason: 'ReconcileRequestHandled', message: 'looked at ZStack as requested' })
  return events
}

/** A failure of the whole connection is reported once, in log and metrics, rather than by an event on every object. */
function isOfConnection(status: Status, reason: Reason): boolean {
  const connected = conditionOf(status, 'Connected')
  return connected?.status === 'False' && connected.reason === reason
}

/**
 * An update is announced once it was read back: at once, or where its first tries were without effect, by a later read,
 * which ends their hold.
 */
function isNewlyVerified(update: LastUpdate, before: Status | undefined, after: Status): boolean {
  if (isIneffective(after)) return false
  const last = before?.lastUpdate
  // Two updates of one second, an edit and drift put back, are told apart by their cause.
  if (update.time !== last?.time || update.generation !== last.generation || update.cause !== last.cause) return true
  return isIneffective(before) && update.generation === after.observedGeneration
}

const isIneffective = (status: Status | undefined) => status?.hold?.reason === 'UpdateNotEffective'

function updateMessage(update: LastUpdate, corrected: readonly Difference[]): string {
  const named = update.fields.map((field) => {
    const difference = corrected.find((one) => one.field === field)
    if (!difference) return field
    const { live, desired } = displayDifference(difference)
    return `${field} ${live} → ${desired}`
  })
  const why = { SpecChanged: 'as the spec declares', DriftCorrected: 'drift put back', Requested: 'as requested' }
  return `${named.join(', ')} (${why[update.cause]})`
}
