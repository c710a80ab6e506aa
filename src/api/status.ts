/** The status of a ModelService: its conditions, with the closed lists of their types and reasons. */
import * as z from 'zod'

/** Condition types and what each one says. `Ready` is computed from the others and never set by hand. */
export const conditionTypes = {
  Ready: 'Nothing is wrong and nothing is left for the operator to do.',
  Synced: 'Every managed field that can be read was read equal to the spec.',
  Connected: 'The endpoint answers and accepts the credentials.',
  Reconciling: 'The operator is at work on a difference or will try again by itself. Present only while True.',
  Stalled: 'No progress without a person, or a change in ZStack. Present only while True.',
  Suspended: 'The spec says suspend: observed, never written. Present only while True.',
} as const
export type ConditionType = keyof typeof conditionTypes

/** Every reason a condition or a warning event can carry, with its meaning and its cure. A user-facing contract. */
export const reasons = {
  Initializing: {
    means: 'The operator has not read the model service yet.',
    cure: 'Wait a moment; if it stays, look at the log of the operator.',
  },
  InSync: { means: 'All is as declared.', cure: 'Nothing to do.' },
  Updating: {
    means: 'A change was sent, or is about to be, and has not been read back yet.',
    cure: 'Nothing to do; the operator checks by itself.',
  },
  AwaitingJob: {
    means: 'ZStack took the change as a job that is still running.',
    cure: 'Nothing to do; the operator follows the job.',
  },
  DriftDetected: {
    means: 'ZStack holds other values than declared and the policy, or suspend, forbids to write them.',
    cure: 'See status.drift; change the spec, or set policy: Enforce, or put the value back in ZStack.',
  },
  UpdateNotEffective: {
    means: 'ZStack accepted three updates and still shows the same difference.',
    cure: 'See status.drift for what ZStack kept. Correct the spec, or annotate ai.zstack.io/reconcile-requested-at to try again; otherwise the next try is in an hour.',
  },
  InvalidSpec: {
    means: 'The stored spec is not one this operator understands, so nothing of it was applied.',
    cure: 'Mend the fields the message names.',
  },
  UnknownPolicy: {
    means: 'spec.policy is none that this operator knows, so it writes nothing.',
    cure: 'Use Enforce, ApplyChanges or Observe, or upgrade the operator.',
  },
  RemoteRejected: {
    means: 'ZStack refused the update; the message holds its words.',
    cure: 'Correct the spec; the operator tries again at the next change, or in an hour.',
  },
  NotFound: {
    means: 'ZStack shows no model service of this uuid to this account.',
    cure: 'Check spec.uuid and the account; if the service appears, the operator goes on by itself.',
  },
  UUIDConflict: {
    means: 'An older ModelService speaks for the same uuid; this one writes nothing.',
    cure: 'Delete one of the two; when the older one goes, this one takes over.',
  },
  ConnectionNotFound: {
    means: 'The ZStack connection this object refers to does not exist.',
    cure: 'Create the connection, or correct the reference.',
  },
  SecretNotFound: {
    means: 'The credentials of the connection cannot be read.',
    cure: 'Create the Secret with the keys the message names.',
  },
  CredentialsRejected: {
    means: 'ZStack refused the credentials. The operator has stopped trying, for repeated tries can lock the account.',
    cure: 'Correct the credentials; a changed Secret is noticed by itself, otherwise the next try is in 30 minutes.',
  },
  PermissionDenied: {
    means: 'The account may not do this.',
    cure: 'Grant the account the permission in ZStack; tried again every 10 minutes.',
  },
  QuotaExceeded: {
    means: 'The update would exceed the quota of the account.',
    cure: 'Raise the quota or lower the request; tried again every 10 minutes.',
  },
  TooManySessions: {
    means: 'ZStack has no session left for this account.',
    cure: 'Log out unused sessions or raise the limit; tried again slowly.',
  },
  Unreachable: {
    means: 'ZStack does not answer as it should; the message says how.',
    cure: 'Check ZSTACK_ENDPOINT, the network and the management node; the operator retries by itself.',
  },
  ObservationStale: {
    means: 'ZStack could not be read for so long that the last observation proves nothing any more.',
    cure: 'As for Unreachable.',
  },
  Suspended: {
    means: 'The spec says suspend and something differs.',
    cure: 'Set suspend: false to let the operator write.',
  },
} as const
export type Reason = keyof typeof reasons
/** Any text in the CRD: a newer operator may know more reasons than the CRD that is installed. */
const reason = z.string() as unknown as z.ZodType<Reason, Reason>

const time = z.string().meta({ format: 'date-time' })
const count = z.int().min(0).meta({ format: 'int64' })

/**
 * Written and owned as a whole. Otherwise the API server keeps, compares and sends an owner for each leaf, which was a
 * quarter of its work for a status write.
 */
const whole = { 'x-kubernetes-map-type': 'atomic' }

const condition = z
  .object({
    type: z.string().describe('What the condition speaks of.'),
    status: z.enum(['True', 'False', 'Unknown']),
    reason: reason.describe('Why, from a closed list.'),
    message: z.string().describe('One sentence for people.'),
    observedGeneration: count.describe('Generation of the spec the condition was judged by.'),
    lastTransitionTime: time.describe('When the status of the condition last flipped.'),
  })
  .meta(whole)
  .describe('A metav1.Condition.')

export const updateCauses = ['SpecChanged', 'DriftCorrected', 'Requested'] as const

export const status = z
  .object({
    observedGeneration: count.optional().describe('Generation of the spec last worked on.'),
    convergedGeneration: count.optional().describe('Last generation that was seen equal to ZStack.'),
    conditions: z
      .array(condition)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
    drift: z
      .array(
        z.object({
          field: z.string(),
          desired: z.string().describe('Declared value; long text is cut, write-only values are never shown.'),
          live: z.string().describe('What ZStack shows.'),
        }),
      )
      .optional()
      .describe('Fields that ZStack holds otherwise than declared, at most 20.'),
    live: z
      .object({
        name: z.string().optional(),
        type: z.string().optional(),
        requestCpu: z.int().optional(),
        requestMemory: z.string().optional().describe('As a quantity.'),
        yaml: z.object({ sha256: z.string(), size: z.int() }).optional().describe('Fingerprint and size in bytes.'),
        modelCenterUuid: z.string().optional(),
        system: z.boolean().optional(),
      })
      .optional()
      .meta(whole)
      .describe('What ZStack last showed.'),
    lastUpdate: z
      .object({
        time,
        generation: count,
        fields: z.array(z.string()),
        cause: z.enum(updateCauses),
        attempts: z.int().optional().describe('Updates in a row that ZStack accepted without effect.'),
      })
      .optional()
      .meta(whole)
      .describe('The last update that ZStack accepted.'),
    unverifiableFields: z.array(z.string()).optional().describe('Declared fields that ZStack does not show.'),
    writeOnlyHashes: z
      .record(z.string(), z.string())
      .optional()
      .meta(whole)
      .describe('Keyed hash of each value ZStack accepted and does not show, and of the wording of yaml.'),
    appliedHashes: z
      .record(z.string(), z.string())
      .optional()
      .meta(whole)
      .describe('Keyed hash of each declared value once it was in effect: tells a change of the spec from drift.'),
    lastHandledReconcileAt: z.string().optional().describe('Last token of the reconcile-requested-at annotation.'),
  })
  .describe('What the operator saw. Written by the operator alone.')

export type Condition = Readonly<z.infer<typeof condition>>
export type Status = Readonly<z.infer<typeof status>>
export type UpdateCause = (typeof updateCauses)[number]
