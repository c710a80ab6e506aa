/** The status of a ModelService: its conditions, with the closed lists of their types and reasons. */
import * as z from 'zod'
import { limits } from '../limits.ts'
import type { Reason } from './reasons.ts'

/** Condition types and what each one says. `Ready` is computed from the others and never set by hand. */
export const conditionTypes = {
  Ready: 'Nothing is wrong and nothing is left for the operator to do.',
  Synced: 'Every managed field that can be read was read equal to the spec.',
  Connected: 'The endpoint answers and accepts the credentials.',
  Reconciling: 'The operator is at work on a difference or will try again by itself. Present only while True.',
  Stalled: 'No progress without a person, or a change in ZStack. Present only while True.',
  Suspended: 'The spec, or an annotation, says suspend: observed, never written. Present only while True.',
} as const
export type ConditionType = keyof typeof conditionTypes

/** Any text in the CRD: a newer operator may know more reasons than the CRD that is installed. */
const reason = z.string() as unknown as z.ZodType<Reason, Reason>

const time = z.string().meta({ format: 'date-time' })
const count = z.int().min(0).meta({ format: 'int64' })

/**
 * Written and owned as a whole. Otherwise the API server keeps, compares and sends an owner for each leaf, which was a
 * quarter of its work for a status write.
 */
const atomic = { 'x-kubernetes-map-type': 'atomic' }

const condition = z
  .object({
    type: z.string().describe('What the condition speaks of.'),
    status: z.enum(['True', 'False', 'Unknown']),
    reason: reason.describe('Why, from a closed list.'),
    message: z.string().describe('One sentence for people.'),
    observedGeneration: count.describe('Generation of the spec the condition was judged by.'),
    lastTransitionTime: time.describe('When the status of the condition last flipped.'),
  })
  .meta(atomic)
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
      .describe(`Fields that ZStack holds otherwise than declared, at most ${limits.maxDriftEntries}.`),
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
      .meta(atomic)
      .describe('What ZStack last showed.'),
    connection: z
      .object({
        kind: z.string().optional().describe('What describes the connection: Environment, that of the operator.'),
        name: z.string(),
        endpoint: z.string().describe('Where ZStack was asked; a status of another endpoint says nothing any more.'),
      })
      .optional()
      .meta(atomic)
      .describe('The connection through which this status was found out.'),
    lastUpdate: z
      .object({
        time,
        generation: count,
        fields: z.array(z.string()),
        cause: z.enum(updateCauses),
      })
      .optional()
      .meta(atomic)
      .describe('The last update that ZStack accepted.'),
    unverifiableFields: z.array(z.string()).optional().describe('Declared fields that ZStack does not show.'),
    fieldHashes: z
      .record(z.string(), z.string())
      .optional()
      .meta(atomic)
      .describe(
        'Salted hash of each declared value that is in effect: tells a change of the spec from drift, and what was sent of the fields that ZStack does not show. Of a value from a Secret or ConfigMap, the hash is of the uid and resourceVersion of that.',
      ),
    hold: z
      .object({
        reason: reason.describe('Why: UpdateNotEffective, or what ZStack refused the update for.'),
        generation: count.describe('Generation of the spec that the update was for.'),
        until: time.describe('No update of the same difference before this time.'),
        attempts: z.int().min(0).describe('Updates in a row that ZStack accepted without effect.'),
        fieldHashes: z
          .record(z.string(), z.string())
          .optional()
          .describe('As above, of the values from Secrets and ConfigMaps that the update was for.'),
      })
      .optional()
      .meta(atomic)
      .describe(
        'Updates of the present difference that were refused or without effect, and until when no other is sent.',
      ),
    job: z
      .object({
        uuid: z.string().regex(/^[0-9a-zA-Z-]{1,64}$/),
        since: time,
        generation: count.describe('Generation of the spec that the update was for.'),
        timeoutSeconds: z.int().min(0).optional().describe('The time that ZStack gives the job, where it named one.'),
      })
      .optional()
      .meta(atomic)
      .describe('An update that ZStack is still at work on.'),
    lastHandledReconcileAt: z.string().optional().describe('Last token of the reconcile-requested-at annotation.'),
  })
  .describe('What the operator saw. Written by the operator alone.')

export type Condition = Readonly<z.infer<typeof condition>>
export type Status = Readonly<z.infer<typeof status>>
export type UpdateCause = (typeof updateCauses)[number]
