/**
 * Which of the two documented body shapes updates are sent in. A connection prefers one of them, at first the envelope,
 * until the other is seen to work or ZStack refuses the preferred one in its own words.
 */
import type { FieldName } from '../api/modelservice.ts'
import { isEqual, type Live } from '../decide/assess.ts'
import { fields } from '../api/fields.ts'
import { isEmpty, type Json } from '../api/json.ts'
import type { Patch } from '../decide/plan.ts'
import { otherShape, type BodyShape } from './wire.ts'

export interface BodyShapePreference {
  /** Whether the configuration names the shape: then nothing is sent in the other, and nothing is learned. */
  readonly isPinned: boolean
  preferred(): BodyShape
  /** Whether the preferred shape is more than a first guess. */
  isConfirmed(): boolean
  /** An update in this shape showed its effect: from now on the shape is preferred. */
  noteWorked(shape: BodyShape): void
  /** ZStack said in its own words that it finds no action in this shape: from now on the other one is preferred. */
  noteRefused(shape: BodyShape): void
}

/** @param onConfirmed told of the preferred shape when it is first confirmed, and whenever it changes */
export function createBodyShapePreference(
  setting: 'auto' | BodyShape,
  onConfirmed: (shape: BodyShape) => void,
): BodyShapePreference {
  const isPinned = setting !== 'auto'
  let preferred: BodyShape = isPinned ? setting : 'envelope'
  let isConfirmed = isPinned
  function confirm(shape: BodyShape) {
    if (isPinned || (isConfirmed && shape === preferred)) return
    preferred = shape
    isConfirmed = true
    onConfirmed(shape)
  }
  return {
    isPinned,
    preferred: () => preferred,
    isConfirmed: () => isConfirmed,
    noteWorked: confirm,
    noteRefused: (shape) => confirm(otherShape(shape)),
  }
}

/** What two reads, one before and one after an update, say about the shape that the update was sent in. */
export type Evidence = 'effective' | 'ineffective' | 'inconclusive'

/** One field that came to show what was sent proves the shape, whatever the other fields of the update show. */
export function evidenceOf(patch: Patch, before: Live | undefined, after: Live | undefined): Evidence {
  if (!before || !after) return 'inconclusive'
  let evidence: Evidence = 'inconclusive'
  for (const [field, sent] of Object.entries(patch) as [FieldName, Json][]) {
    const row = fields[field]
    const [was, is] = [before.values.get(field), after.values.get(field)]
    // ZStack never shows the field, so that it cannot tell anything.
    if (row.visibility === 'hidden') continue
    if (isEmpty(sent)) {
      // A field that still holds a value was not emptied. One that holds none may be hidden, so that it proves nothing.
      if (was !== undefined && is !== undefined) evidence = 'ineffective'
      continue
    }
    // An older ZStack does not show the field, even if the update set it.
    if (is === undefined && row.visibility === 'newer') continue
    // The field already was as it was sent, so that it would look the same without the update.
    if (was !== undefined && isEqual(field, sent, was)) continue
    if (is !== undefined && isEqual(field, sent, is)) return 'effective'
    evidence = 'ineffective'
  }
  return evidence
}

/** The words of ZStack's REST dispatcher for a body that lacks the key of the action. */
export const noAction = "the body doesn't contain action mapping to the URL"

export function saysNoAction(message: string): boolean {
  return message.includes(noAction)
}
