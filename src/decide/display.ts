/** Values as people read them in status, events and logs. Values of write-only fields are never shown. */
import { createHash } from 'node:crypto'
import type { FieldName } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import { limits } from '../limits.ts'
import { fields } from '../api/fields.ts'
import { canonical, type Json } from '../api/json.ts'
import type { Assessment, Difference, Live } from './assess.ts'

/** Where ZStack shows no value. */
export const noValue = '(none)'
/** A value that nobody may see. */
const notShown = '(not shown)'
const maxTextLength = 64
const maxNameLength = 255

/**
 * A declared or live value in at most some 100 characters; a cut one ends in its size and fingerprint. The text is
 * well-formed: half a surrogate pair would come back from the API server as another text than was written.
 * @param declared of a live value, what the spec declares: the rest of the live one is left out
 */
export function display(field: FieldName, value: Json | undefined, declared = value): string {
  const row = fields[field]
  if (row.visibility === 'hidden') return notShown
  if (value === undefined || value === null) return noValue
  const plain = () => (typeof value === 'string' ? value : canonical(value))
  const text = (row.display?.(value, declared ?? value) ?? plain()).toWellFormed()
  if (text === '') return '(empty)'
  if (text.length <= maxTextLength && !text.includes('\n')) return text
  const { sha256, size } = fingerprint(text)
  const start = (text.split('\n', 1)[0] ?? '').slice(0, maxTextLength / 2).toWellFormed()
  return `${start}… (${size} bytes, sha256 ${sha256.slice(0, 8)})`
}

export function fingerprint(text: string): { sha256: string; size: number } {
  return { sha256: createHash('sha256').update(text).digest('hex'), size: Buffer.byteLength(text) }
}

/**
 * `requestCpu: want 8, is 4 (and 2 more)`; for what cannot be read, `servicePorts: not sent yet`. Where neither is left,
 * the work is a person's request.
 */
export function differenceMessage({ differences, unsent }: Assessment): string {
  const [first] = differences
  const [hidden] = unsent
  const rest = differences.length + unsent.length - 1
  const more = rest > 0 ? ` (and ${rest} more)` : ''
  const shown = first && displayDifference(first)
  return shown
    ? `${shown.field}: want ${shown.desired}, is ${shown.live}${more}`
    : hidden
      ? `${hidden}: not sent yet${more}`
      : 'what ZStack does not show is sent again, as requested'
}

export function driftOf(differences: readonly Difference[]): Status['drift'] {
  if (differences.length === 0) return undefined
  return differences.slice(0, limits.maxDriftEntries).map(displayDifference)
}

/** Both values of a difference; of the live one, what is declared. */
export function displayDifference({ field, desired, live, label, isLiveConcealed }: Difference) {
  return {
    field,
    desired: label === undefined ? display(field, desired) : `(${label})`,
    live: isLiveConcealed === true && live !== undefined ? notShown : display(field, live, desired),
  }
}

/** The part of an observation that status shows; of a value from elsewhere, not even a fingerprint. */
export function liveOf({ values, modelCenterUuid, system }: Live, concealed: ReadonlySet<FieldName>): Status['live'] {
  const text = (field: FieldName) => {
    const value = values.get(field)
    return typeof value === 'string' ? value.toWellFormed() : undefined
  }
  const short = (field: FieldName) => {
    const value = text(field)
    return value !== undefined && value.length > maxNameLength ? display(field, value) : value
  }
  const [name, type, yaml] = [short('name'), short('type'), text('yaml')]
  const [cpu, memory] = [values.get('requestCpu'), values.get('requestMemory')]
  return {
    ...(name !== undefined && { name }),
    ...(type !== undefined && { type }),
    ...(typeof cpu === 'number' && Number.isSafeInteger(cpu) && { requestCpu: cpu }),
    ...(typeof memory === 'number' && { requestMemory: display('requestMemory', memory) }),
    ...(yaml !== undefined && !concealed.has('yaml') && { yaml: fingerprint(yaml) }),
    ...(modelCenterUuid !== undefined && { modelCenterUuid }),
    ...(system !== undefined && { system }),
  }
}
