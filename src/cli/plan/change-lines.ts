/** One change as people read it: on one line, or line by line where a value is a longer text or has parts. */
import { structuredPatch } from 'diff'
import { stringify } from 'yaml'
import { fields } from '../../api/fields.ts'
import { isEmpty, type Json } from '../../api/json.ts'
import { display, noValue } from '../../decide/display.ts'
import { printable } from '../terminal.ts'
import type { PlannedChange } from './planned.ts'

export type DiffLine = { readonly sign: '-' | '+' | ' ' | '@'; readonly text: string }

export type ChangeLines =
  | { readonly kind: 'line'; readonly live: string; readonly desired: string }
  | { readonly kind: 'diff'; readonly lines: readonly DiffLine[] }
  /** No value may be shown. */
  | { readonly kind: 'masked'; readonly why: string }

/** Lines around a change that show where it is. */
const contextLines = 3
/** A diff of more edits takes long, and nobody reads it. */
const maxEditLength = 2_000

export function changeLines({ field, isWriteOnly, isConcealed, live, desired }: PlannedChange): ChangeLines {
  if (isWriteOnly) return { kind: 'masked', why: 'write-only: cannot be verified' }
  if (isConcealed) return { kind: 'masked', why: 'from a Secret or ConfigMap' }
  const before = textOf(field, live, desired)
  const after = textOf(field, desired, desired)
  const isLong = [before, after].some((text) => text.includes('\n'))
  if (!isLong) return { kind: 'line', live: before, desired: after }
  return { kind: 'diff', lines: diffLines(field, live, desired, before, after) }
}

function diffLines(
  field: PlannedChange['field'],
  live: Json | undefined,
  desired: Json,
  before: string,
  after: string,
): readonly DiffLine[] {
  // Whether the last line ends is worth a word only where that differs.
  const isOpen = [before, after].every((text) => !text.endsWith('\n'))
  const [old, now] = [live === undefined ? '' : before, after].map((text) =>
    isOpen && text !== '' ? `${text}\n` : text,
  )
  const patch = structuredPatch('', '', old ?? '', now ?? '', undefined, undefined, {
    context: contextLines,
    maxEditLength,
  })
  if (!patch)
    return [
      { sign: '-', text: display(field, live, desired) },
      { sign: '+', text: display(field, desired) },
    ]
  return patch.hunks.flatMap(({ lines, oldStart }, index): readonly DiffLine[] => [
    ...(index > 0 || oldStart > 1 ? [{ sign: '@', text: `line ${oldStart}` } as const] : []),
    ...lines.flatMap((line): readonly DiffLine[] => {
      const sign = line[0]
      if (sign === '\\') return [{ sign: ' ', text: '\\ no line end after this line' }]
      return [{ sign: sign === '+' || sign === '-' ? sign : ' ', text: line.slice(1) }]
    }),
  ])
}

/** Blank space at the ends of a line would not be seen. */
function textValue(value: string): string {
  if (value === '') return '(empty)'
  const text = printable(value.replaceAll('\r\n', '\n'))
  const isSeen = text.includes('\n') ? text.trim() !== '' : text === text.trim()
  return isSeen ? text : JSON.stringify(text)
}

/** What has parts is shown as YAML, in the order in which it is compared. */
function textOf(field: PlannedChange['field'], value: Json | undefined, desired: Json): string {
  if (value === undefined || value === null) return noValue
  if (typeof value === 'string') return textValue(value)
  if (typeof value !== 'object') return display(field, value)
  if (isEmpty(value)) return '(empty)'
  const row = fields[field]
  const shown = row.display ? (JSON.parse(row.display(value, desired)) as Json) : value
  return printable(stringify(shown, { lineWidth: 0 }).trimEnd())
}
