/**
 * Every reason that a condition or an event can carry: one row each, and a user-facing contract. Conditions, events and
 * the documents' tables are made from these rows.
 */
import { limits, spellMs } from '../limits.ts'
import { reconcileRequestedAt, suspendUntil } from './names.ts'

export type ReasonRow = {
  /** What it means, for whoever reads it on an object. */
  readonly meaning: string
  /** What a person can do about it. */
  readonly advice: string
  /** The statuses that Ready has under this reason: the second only while nothing could be compared. */
  readonly ready: 'True' | 'False' | 'Unknown' | 'False or Unknown'
  /** kstatus: `Reconciling` goes on by itself, `Stalled` needs a person or a change in ZStack. */
  readonly progress?: 'Reconciling' | 'Stalled'
  /**
   * Whether an object that comes to this reason gets a Warning event. A failure of a whole connection is reported once, in
   * log and metrics, rather than by an event on every object.
   */
  readonly warns?: true
}

const row = <const R extends ReasonRow>(row: R): R => row
const slowly = `tried again every ${spellMs(limits.slowRetryMs)}`

export const reasons = {
  Initializing: row({
    meaning: 'The operator has not read the model service yet.',
    advice: 'Wait a moment; if it stays, look at the log of the operator.',
    ready: 'Unknown',
    progress: 'Reconciling',
  }),
  InSync: row({ meaning: 'All is as declared.', advice: 'Nothing to do.', ready: 'True' }),
  Updating: row({
    meaning: 'A change was sent, or is about to be, and has not been read back yet.',
    advice: 'Nothing to do; the operator checks by itself.',
    ready: 'False',
    progress: 'Reconciling',
  }),
  AwaitingJob: row({
    meaning: 'ZStack took the change as a job that is still running.',
    advice: 'Nothing to do; the operator follows the job.',
    ready: 'False',
    progress: 'Reconciling',
  }),
  DriftDetected: row({
    meaning: 'ZStack holds other values than declared and the policy, or suspend, forbids to write them.',
    advice: 'See status.drift; change the spec, or set policy: Enforce, or put the value back in ZStack.',
    ready: 'True',
    warns: true,
  }),
  UpdateNotEffective: row({
    meaning: `ZStack accepted ${limits.maxIneffectiveUpdates} updates and still shows the same difference.`,
    advice: `See status.drift for what ZStack kept. Correct the spec, or annotate ${reconcileRequestedAt} to try again; otherwise the next try is in ${spellMs(limits.ineffectiveRetryMs)}.`,
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  InvalidSpec: row({
    meaning: 'The stored spec is not one this operator understands, so nothing of it was applied.',
    advice: 'Correct the fields that the message names.',
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  UnknownPolicy: row({
    meaning: 'spec.policy is none that this operator knows, so it writes nothing.',
    advice: 'Use Enforce, ApplyChanges or Observe, or upgrade the operator.',
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  RemoteRejected: row({
    meaning: 'ZStack refused the update; the message holds its words.',
    advice: `Correct the spec; the operator tries again at the next change, or in ${spellMs(limits.ineffectiveRetryMs)}.`,
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  NotFound: row({
    meaning: 'ZStack shows no model service of this uuid to this account.',
    advice: 'Check spec.uuid and the account; if the service appears, the operator goes on by itself.',
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  UUIDConflict: row({
    meaning: 'An older ModelService speaks for the same uuid; this one writes nothing.',
    advice: 'Delete one of the two; when the older one goes, this one takes over.',
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  ConnectionNotFound: row({
    meaning: 'The ZStack connection this object refers to does not exist.',
    advice: 'Create the connection, or correct the reference.',
    ready: 'False',
    progress: 'Stalled',
  }),
  SecretNotFound: row({
    meaning: 'The credentials of the connection cannot be read.',
    advice: 'Create the Secret with the keys the message names.',
    ready: 'False',
    progress: 'Stalled',
  }),
  ReferenceNotFound: row({
    meaning:
      'A Secret, a ConfigMap or a key that the spec refers to is missing or may not be read, so nothing is sent.',
    advice: `Create what the message names, or grant the right with the commands in it; it is looked for again at least every ${spellMs(limits.referenceRetry.maxMs)}.`,
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  CredentialsRejected: row({
    meaning:
      'ZStack refused the credentials. The operator has stopped trying, for repeated tries can lock the account.',
    advice: `Correct the credentials; a changed Secret is noticed by itself, otherwise the next try is in ${spellMs(limits.credentialsPauseMs)}.`,
    ready: 'False',
    progress: 'Stalled',
  }),
  AccountDisabled: row({
    meaning: 'The ZStack account is disabled, so its credentials are good for nothing.',
    advice: `Enable the account in ZStack, or use another one; a changed Secret is noticed by itself, otherwise the next try is in ${spellMs(limits.credentialsPauseMs)}.`,
    ready: 'False',
    progress: 'Stalled',
  }),
  PermissionDenied: row({
    meaning: 'The account may not do this.',
    advice: `Grant the account the permission in ZStack; ${slowly}.`,
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  QuotaExceeded: row({
    meaning: 'The update would exceed the quota of the account.',
    advice: `Raise the quota or lower the request; ${slowly}.`,
    ready: 'False',
    progress: 'Stalled',
    warns: true,
  }),
  TooManySessions: row({
    meaning: 'ZStack has no session left for this account, or another log-in of the account ends each of them.',
    advice: `Log out unused sessions or raise the limit; where others use the account too, give the operator an access key or an account of its own. Tried again ever later, at least every ${spellMs(limits.sessionRetry.maxMs)}.`,
    ready: 'False or Unknown',
    progress: 'Reconciling',
  }),
  Unreachable: row({
    meaning: 'ZStack does not answer as it should; the message says how.',
    advice: 'Check ZSTACK_ENDPOINT, the network and the management node; the operator retries by itself.',
    ready: 'False or Unknown',
    progress: 'Reconciling',
  }),
  ObservationStale: row({
    meaning: 'ZStack could not be read for so long that the last observation proves nothing any more.',
    advice: 'As for Unreachable.',
    ready: 'Unknown',
    progress: 'Reconciling',
  }),
  Suspended: row({
    meaning: 'The object is suspended and something differs.',
    advice: `Set suspend: false, or remove the annotation ${suspendUntil}, to let the operator write.`,
    ready: 'Unknown',
  }),
} as const satisfies Readonly<Record<string, ReasonRow>>
export type Reason = keyof typeof reasons
