/** The outcome of a pass as status. */
import type { FieldName } from '../api/modelservice.ts'
import type { Condition, Status } from '../api/status.ts'
import type { Reason } from '../api/reasons.ts'
import type { Hashes } from './assess.ts'
import { patchConditions, type ConditionPatch } from './conditions.ts'
import { differenceMessage, driftOf, liveOf } from './display.ts'
import { failurePolicy, progressOf } from './failure.ts'
import { fields } from './fields.ts'
import type { Outcome, Comparison, Update } from './outcome.ts'

export type StatusContext = {
  readonly generation: number
  readonly now: Date
  readonly suspend: boolean
  /** Where ZStack was asked, as people know it. */
  readonly endpoint: string
  readonly update?: Update
  /** The reconcile-requested-at token that this pass dealt with. */
  readonly handled?: string
}

/** The status after a pass. Equal to `previous` where there is nothing new to say, so that nothing is written. */
export function statusAfter(outcome: Outcome, previous: Status | undefined, at: StatusContext): Status {
  if (outcome.kind === 'failed' && isShortOutage(outcome, previous, at)) return previous ?? {}
  const seen = 'seen' in outcome ? outcome.seen : undefined
  const suspendedWork = outcome.kind === 'suspended' ? suspendedMessage(outcome.seen) : undefined
  const judged = { generation: at.generation, now: at.now, ...(suspendedWork !== undefined && { suspendedWork }) }
  const conditions = patchConditions(
    previous?.conditions ?? [],
    [...conditionPatches(outcome, at), ...suspension(at)],
    judged,
  )
  const forgetLive = outcome.kind === 'missing' || outcome.kind === 'conflict'
  // A comparison speaks of the spec it was made with.
  const compared = forgetLive || previous?.observedGeneration !== at.generation ? undefined : previous
  const drift = seen ? driftOf(seen.assessment.differences) : compared?.drift
  const unverifiable = seen ? seen.assessment.unverifiable : compared?.unverifiableFields
  const live = seen ? liveOf(seen.observation.live) : forgetLive ? undefined : previous?.live
  const converged = outcome.kind === 'inSync' ? at.generation : previous?.convergedGeneration
  const lastUpdate = at.update ? updateOf(at.update, at) : settledUpdate(outcome, previous)
  const handled = at.handled ?? previous?.lastHandledReconcileAt
  return {
    observedGeneration: at.generation,
    ...(converged !== undefined && { convergedGeneration: converged }),
    conditions: [...conditions],
    ...(drift && { drift }),
    ...(live && { live }),
    ...(lastUpdate && { lastUpdate }),
    ...(unverifiable && unverifiable.length > 0 && { unverifiableFields: [...unverifiable] }),
    ...(seen ? hashesOf(seen) : keptHashes(outcome, previous)),
    ...(handled !== undefined && { lastHandledReconcileAt: handled }),
  }
}

/** At rest when last seen, and out of reach only for a while: the fleet's status does not flicker with the network. */
function isShortOutage(
  outcome: Outcome & { kind: 'failed' },
  previous: Status | undefined,
  at: StatusContext,
): boolean {
  const synced = conditionOf(previous, 'Synced')
  return (
    conditionOf(previous, 'Reconciling') === undefined &&
    conditionOf(previous, 'Stalled') === undefined &&
    failurePolicy[outcome.failure.kind].retry === 'backOff' &&
    !outcome.stale &&
    outcome.seen === undefined &&
    at.handled === undefined &&
    (synced?.reason === 'InSync' || synced?.reason === 'DriftDetected') &&
    synced.observedGeneration === at.generation
  )
}

function conditionPatches(outcome: Outcome, { endpoint }: StatusContext): readonly ConditionPatch[] {
  const connected = patch('Connected', 'True', 'InSync', `ZStack answers at ${endpoint}`)
  const synced = (status: ConditionPatch['status'], reason: Reason, message: string) =>
    patch('Synced', status, reason, message)
  switch (outcome.kind) {
    case 'initializing':
      return both(
        'Reconciling',
        synced('Unknown', 'Initializing', `waiting for the first answer of ZStack at ${endpoint}`),
      )
    case 'invalid':
      return both('Stalled', synced('Unknown', outcome.reason, outcome.issues.join('; ')))
    case 'conflict':
      return both('Stalled', synced('Unknown', 'UUIDConflict', conflictMessage(outcome)))
    case 'missing':
      return [connected, ...both('Stalled', synced('False', 'NotFound', missingMessage(outcome.uuid, endpoint)))]
    case 'inSync':
      return [connected, synced('True', 'InSync', inSyncMessage(outcome.seen))]
    case 'drifted':
      return [
        connected,
        synced(
          'False',
          'DriftDetected',
          `${differenceMessage(outcome.seen.assessment)}; policy ${outcome.policy} leaves it`,
        ),
      ]
    case 'suspended':
      return [connected, readable('DriftDetected', outcome.seen, suspendedMessage(outcome.seen))]
    case 'updating':
      return [
        connected,
        ...pending('Reconciling', 'Updating', outcome.seen, differenceMessage(outcome.seen.assessment)),
      ]
    case 'awaitingJob':
      return [
        connected,
        ...pending(
          'Reconciling',
          'AwaitingJob',
          outcome.seen,
          `ZStack is at work on it: ${differenceMessage(outcome.seen.assessment)}`,
        ),
      ]
    case 'ineffective':
      return [connected, ...pending('Stalled', 'UpdateNotEffective', outcome.seen, ineffectiveMessage(outcome.seen))]
    case 'failed':
      return failurePatches(outcome, connected)
  }
}

function failurePatches(
  { failure, seen, stale }: Outcome & { kind: 'failed' },
  connected: ConditionPatch,
): readonly ConditionPatch[] {
  const { reason, scope } = failurePolicy[failure.kind]
  const progress = patch(progressOf(failure.kind), 'True', reason, failure.message)
  const connection = scope === 'object' ? connected : patch('Connected', 'False', reason, failure.message)
  if (stale)
    return [
      connection,
      progress,
      patch('Synced', 'Unknown', 'ObservationStale', `not read for too long: ${failure.message}`),
    ]
  if (!seen) return [connection, progress, patch('Synced', 'Unknown', reason, failure.message)]
  return [connection, progress, readable(reason, seen, `${differenceMessage(seen.assessment)}; ${failure.message}`)]
}

function pending(
  type: 'Reconciling' | 'Stalled',
  reason: Reason,
  seen: Comparison,
  message: string,
): readonly ConditionPatch[] {
  return [readable(reason, seen, message), patch(type, 'True', reason, message)]
}

/** Synced speaks of what can be read; a value that is only on its way out does not make it False. */
function readable(reason: Reason, seen: Comparison, message: string): ConditionPatch {
  return seen.assessment.differences.length === 0
    ? patch('Synced', 'True', 'InSync', inSyncMessage(seen))
    : patch('Synced', 'False', reason, message)
}

function both(type: 'Reconciling' | 'Stalled', synced: ConditionPatch): readonly ConditionPatch[] {
  return [synced, { ...synced, type, status: 'True' }]
}

function suspension({ suspend }: StatusContext): readonly ConditionPatch[] {
  return suspend
    ? [patch('Suspended', 'True', 'Suspended', 'spec.suspend is true: ZStack is read and never written')]
    : []
}

function patch(
  type: ConditionPatch['type'],
  status: ConditionPatch['status'],
  reason: Reason,
  message: string,
): ConditionPatch {
  const cut = message.length > 1024 ? `${message.slice(0, 1023)}…` : message
  return { type, status, reason, message: cut.toWellFormed() }
}

function inSyncMessage({ assessment }: Comparison): string {
  const { unverifiable } = assessment
  return unverifiable.length === 0
    ? 'ZStack shows every declared field as declared'
    : `ZStack shows every declared field as declared, save what it never shows: ${unverifiable.join(', ')}`
}

function suspendedMessage({ assessment }: Comparison): string {
  return `${differenceMessage(assessment)}; waits for spec.suspend to end`
}

function ineffectiveMessage({ assessment }: Comparison): string {
  return `ZStack accepts the update and still shows ${differenceMessage(assessment)}; correct the spec or request a reconcile`
}

function missingMessage(uuid: string, endpoint: string): string {
  return `ZStack at ${endpoint} shows this account no model service ${uuid}; check spec.uuid and the account`
}

function conflictMessage({ uuid, winner }: { readonly uuid: string; readonly winner: string }): string {
  return `ModelService ${winner} is older and speaks for ${uuid}; delete one of the two`
}

function updateOf({ fields: changed, cause, attempts }: Update, at: StatusContext): Status['lastUpdate'] {
  return {
    time: at.now.toISOString().replace(/\.\d+Z$/, 'Z'),
    generation: at.generation,
    fields: [...changed],
    cause,
    ...(attempts > 0 && { attempts }),
  }
}

/** Once a later read proves an update effective, its count of tries has nothing more to say. */
function settledUpdate(outcome: Outcome, previous: Status | undefined): Status['lastUpdate'] {
  const last = previous?.lastUpdate
  if (!last?.attempts || outcome.kind !== 'inSync') return last
  const { time, generation, fields: changed, cause } = last
  return { time, generation, fields: changed, cause }
}

type StatusHashes = Pick<Status, 'writeOnlyHashes' | 'appliedHashes'>

/** A service that is gone took with it what it never showed: one that comes back is sent that again. */
function keptHashes({ kind }: Outcome, previous: Status | undefined): StatusHashes {
  const kept = (Object.entries(previous?.writeOnlyHashes ?? {}) as [FieldName, string][]).filter(
    ([field]) => kind !== 'missing' || fields[field].textual === true,
  )
  return {
    ...(kept.length > 0 && { writeOnlyHashes: Object.fromEntries(kept) }),
    ...(previous?.appliedHashes && { appliedHashes: previous.appliedHashes }),
  }
}

function hashesOf(seen: Comparison): StatusHashes {
  const entries = Object.entries(seen.assessment.accepted) as [FieldName, string][]
  const isUnreadable = (field: FieldName) =>
    fields[field].textual === true || seen.assessment.unverifiable.includes(field)
  const writeOnly = entries.filter(([field]) => isUnreadable(field))
  const applied = entries.filter(([field]) => !isUnreadable(field))
  return {
    ...(writeOnly.length > 0 && { writeOnlyHashes: Object.fromEntries(writeOnly) }),
    ...(applied.length > 0 && { appliedHashes: Object.fromEntries(applied) }),
  }
}

/** The hashes that {@link statusAfter} wrote, wherever it put them. */
export function hashesIn(previous: Status | undefined): Hashes {
  return { ...previous?.appliedHashes, ...previous?.writeOnlyHashes }
}

export function conditionOf(status: Status | undefined, type: Condition['type']): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}
