/** What an outcome makes of the conditions, and the sentences that people read in them. */
import { reasons, type Reason } from '../api/reasons.ts'
import type { ConditionPatch } from './conditions.ts'
import { differenceMessage } from './display.ts'
import { failurePolicy, progressOf } from './failure.ts'
import type { Comparison, Outcome } from './outcome.ts'
import { suspensionMessage, type Suspension } from './suspension.ts'

type ConditionStatus = ConditionPatch['status']

/**
 * @param endpoint where ZStack was asked, as people know it
 * @param note what people should know of the spec beside the outcome; Synced has it, and Ready after it
 */
export function conditionPatches(outcome: Outcome, endpoint: string, note?: string): readonly ConditionPatch[] {
  const patches = patchesOf(outcome, endpoint)
  return note === undefined
    ? patches
    : patches.map((one) =>
        one.type === 'Synced' ? patch(one.type, one.status, one.reason, `${one.message}; ${note}`) : one,
      )
}

function patchesOf(outcome: Outcome, endpoint: string): readonly ConditionPatch[] {
  const connected = patch('Connected', 'True', 'InSync', `ZStack answers at ${endpoint}`)
  switch (outcome.kind) {
    case 'initializing':
      return unread('Initializing', `waiting for the first answer of ZStack at ${endpoint}`)
    case 'invalid':
      return unread(outcome.reason, outcome.issues.join('; '))
    case 'unresolved':
      return unread('ReferenceNotFound', outcome.issues.join('; '))
    case 'conflict':
      return unread('UUIDConflict', conflictMessage(outcome))
    case 'missing': {
      const message = missingMessage(outcome.uuid, endpoint)
      return [connected, patch('Synced', 'False', 'NotFound', message), progress('NotFound', message)]
    }
    case 'inSync':
      return [connected, patch('Synced', 'True', 'InSync', inSyncMessage(outcome.comparison))]
    case 'drifted': {
      const message = `${differenceMessage(outcome.comparison.assessment)}; policy ${outcome.policy} leaves it`
      return [connected, patch('Synced', 'False', 'DriftDetected', message)]
    }
    case 'suspended':
      return [connected, synced('DriftDetected', outcome.comparison, suspendedMessage(outcome.comparison))]
    case 'updating':
      return [connected, ...pending('Updating', outcome.comparison, differenceMessage(outcome.comparison.assessment))]
    case 'awaitingJob':
      return outcome.comparison ? [connected, ...awaitingJob(outcome.comparison)] : []
    case 'ineffective':
      return [connected, ...pending('UpdateNotEffective', outcome.comparison, ineffectiveMessage(outcome.comparison))]
    case 'failed':
      return failurePatches(outcome, connected)
  }
}

/** The condition that says whether a suspension is in force. */
export function suspensionPatches(suspension: Suspension | undefined): readonly ConditionPatch[] {
  return suspension ? [patch('Suspended', 'True', 'Suspended', suspensionMessage(suspension))] : []
}

/** What the end of a suspension will bring. */
export function suspendedMessage({ assessment }: Comparison): string {
  return `${differenceMessage(assessment)}; waits for the suspension to end`
}

function failurePatches(
  { failure, comparison, stale }: Outcome & { kind: 'failed' },
  connected: ConditionPatch,
): readonly ConditionPatch[] {
  const { reason, scope } = failurePolicy[failure.kind]
  const { message } = failure
  const next = patch(progressOf(failure.kind), 'True', reason, message)
  const connection = scope === 'object' ? connected : patch('Connected', 'False', reason, message)
  if (stale)
    return [connection, next, patch('Synced', 'Unknown', 'ObservationStale', `not read for too long: ${message}`)]
  if (!comparison) return [connection, next, patch('Synced', 'Unknown', reason, message)]
  return [connection, next, synced(reason, comparison, `${differenceMessage(comparison.assessment)}; ${message}`)]
}

function awaitingJob(comparison: Comparison): readonly ConditionPatch[] {
  const message = `ZStack is at work on it: ${differenceMessage(comparison.assessment)}`
  return pending('AwaitingJob', comparison, message)
}

/** Nothing was compared. */
function unread(reason: Reason, message: string): readonly ConditionPatch[] {
  return [patch('Synced', 'Unknown', reason, message), progress(reason, message)]
}

/** Work is left, whoever has to do it. */
function pending(reason: Reason, comparison: Comparison, message: string): readonly ConditionPatch[] {
  return [synced(reason, comparison, message), progress(reason, message)]
}

/** Synced speaks of what can be read: a write-only value that is still to be sent does not make it False. */
function synced(reason: Reason, comparison: Comparison, message: string): ConditionPatch {
  return comparison.assessment.differences.length === 0
    ? patch('Synced', 'True', 'InSync', inSyncMessage(comparison))
    : patch('Synced', 'False', reason, message)
}

/** Reconciling or Stalled, as the row of the reason says. */
function progress(reason: Reason, message: string): ConditionPatch {
  const row = reasons[reason]
  return patch('progress' in row ? row.progress : 'Reconciling', 'True', reason, message)
}

function patch(type: ConditionPatch['type'], status: ConditionStatus, reason: Reason, message: string): ConditionPatch {
  const cut = message.length > 1024 ? `${message.slice(0, 1023)}…` : message
  return { type, status, reason, message: cut.toWellFormed() }
}

function inSyncMessage({ assessment }: Comparison): string {
  const { unverifiable } = assessment
  return unverifiable.length === 0
    ? 'ZStack shows every declared field as declared'
    : `ZStack shows every declared field as declared, save what it never shows: ${unverifiable.join(', ')}`
}

function ineffectiveMessage({ assessment }: Comparison): string {
  return `ZStack accepts the update and still shows ${differenceMessage(assessment)}; correct the spec or request a reconcile; where ZStack takes another body of updates than the operator found out, set ZSTACK_REQUEST_BODY`
}

function missingMessage(uuid: string, endpoint: string): string {
  return `ZStack at ${endpoint} shows this account no model service ${uuid}; check spec.uuid and the account`
}

function conflictMessage({ uuid, winner }: { readonly uuid: string; readonly winner: string }): string {
  return `ModelService ${winner} is older and speaks for ${uuid}; delete one of the two`
}
