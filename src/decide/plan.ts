/**
 * What to send, given what was observed and what is remembered. Drift is put back here: under the policy Enforce every
 * field that differs is due, under ApplyChanges only those that the spec changed. `reconcile/apply.ts` sends what is due.
 */
import type { FieldName, Policy } from '../api/modelservice.ts'
import type { UpdateCause } from '../api/status.ts'
import { fields, type Desired } from '../api/fields.ts'
import type { Json } from '../api/json.ts'
import type { Assessment } from './assess.ts'

/** Fields and values of one update: only what has to change. */
export type Patch = Readonly<Partial<Record<FieldName, Json>>>

/** What the object allows. */
export type Intent = {
  readonly policy: Policy
  readonly suspend: boolean
  /** A person asked to look now and to push write-only fields again. During a suspension, a look is all there is. */
  readonly requested: boolean
  /** Updates of the same difference were refused or without effect, and the next try is not due yet. */
  readonly held: boolean
}

export type Plan =
  | { readonly kind: 'nothing' }
  /** Something differs that the policy leaves as it is. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'suspended' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'update'; readonly patch: Patch; readonly cause: UpdateCause }

export function plan(desired: Desired, assessment: Assessment, intent: Intent): Plan {
  const due = dueFields(desired, assessment, intent)
  if (due.length === 0) return { kind: assessment.differences.length > 0 ? 'leave' : 'nothing' }
  if (intent.suspend) return { kind: 'suspended' }
  if (intent.held) return { kind: 'hold' }
  const patch: Partial<Record<FieldName, Json>> = {}
  for (const [field, value] of desired) if (due.includes(field)) patch[field] = value
  const isDrift = due.every((field) => assessment.drifted.has(field))
  return { kind: 'update', patch, cause: intent.requested ? 'Requested' : isDrift ? 'DriftCorrected' : 'SpecChanged' }
}

function dueFields(desired: Desired, { differences, unsent, drifted }: Assessment, intent: Intent): FieldName[] {
  if (intent.policy === 'Observe') return []
  const differing = differences
    .map(({ field }) => field)
    .filter((field) => intent.policy === 'Enforce' || !drifted.has(field))
  const isRepeated = intent.requested && !intent.suspend
  const again = isRepeated
    ? [...desired.keys()].filter((field) => fields[field].visibility === 'hidden' && !unsent.includes(field))
    : []
  return [...differing, ...unsent, ...again]
}
