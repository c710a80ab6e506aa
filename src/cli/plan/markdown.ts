/** A plan as Markdown, for the comment of a pull request. */
import { changeLines, type DiffLine } from './change-lines.ts'
import type { PlannedObject } from './planned.ts'
import { summaryOf } from './text.ts'

/** GitHub takes 65,536 characters in a comment. What is beyond is counted. */
const maxCharacters = 60_000

const words: Readonly<Record<PlannedObject['result'], string>> = {
  same: 'same',
  update: '**would be updated**',
  left: 'differs, left alone',
  suspended: 'differs, suspended',
  held: '**differs, held back**',
  refused: '**invalid**',
  conflict: '**conflict**',
  missing: '**not found**',
  failed: '**not known**',
}

export function planMarkdown(planned: readonly PlannedObject[], endpoint: string): string {
  const told = planned.filter(({ result }) => result !== 'same')
  const head = [`### Plan for ModelServices`, '', `${summaryOf(planned)}. Compared with ${code(endpoint)}.`, '']
  if (told.length === 0) return [...head, 'Nothing would be sent.', ''].join('\n')
  const table = ['| object | result | fields |', '| --- | --- | --- |', ...told.map(row), '']
  const sections: string[] = []
  let size = [...head, ...table].join('\n').length
  for (const object of told) {
    const section = sectionOf(object)
    size += section.length + 1
    if (size > maxCharacters) break
    sections.push(section)
  }
  const left = told.length - sections.length
  if (left > 0) sections.push(`The details of ${left} more are too long for a comment; \`plan -o json\` has them.\n`)
  return [...head, ...table, ...sections].join('\n')
}

function row(object: PlannedObject): string {
  return `| ${code(nameOf(object))} | ${words[object.result]} | ${object.changes.map(({ field }) => `\`${field}\``).join(', ')} |`
}

function sectionOf(object: PlannedObject): string {
  const { changes, message, source, unverifiable } = object
  const said = [
    ...(source === undefined ? [] : [`From ${code(source)}.`]),
    ...(message === undefined ? [] : [inline(message)]),
  ]
  const diff = changes.flatMap((change): readonly DiffLine[] => {
    const shown = changeLines(change)
    const title = { sign: '@', text: `${change.field} @@` } as const
    if (shown.kind === 'masked') return [title, { sign: ' ', text: `(not shown) ${shown.why}` }]
    if (shown.kind === 'diff') return [title, ...shown.lines]
    return [title, { sign: '-', text: shown.live }, { sign: '+', text: shown.desired }]
  })
  const unseen = unverifiable.filter((field) => !changes.some((change) => change.field === field))
  const lines = diff.map(({ sign, text }) => (sign === '@' ? `@@ ${text}` : `${sign} ${text}`.trimEnd()))
  const fence = fenceFor(lines)
  return [
    `<details><summary>${escapeHtml(nameOf(object))}: ${object.result}</summary>`,
    '',
    ...(said.length > 0 ? [said.join(' '), ''] : []),
    ...(lines.length > 0 ? [`${fence}diff`, ...lines, fence, ''] : []),
    ...(unseen.length > 0 ? [`Cannot be verified: ${unseen.map((field) => `\`${field}\``).join(', ')}.`, ''] : []),
    '</details>',
    '',
  ].join('\n')
}

function nameOf({ namespace, name }: PlannedObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** Longer than any run of backticks inside. */
function fenceFor(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map(({ length }) => length)))
  return '`'.repeat(longest + 1)
}

const code = (text: string) => `\`${text.replaceAll('`', "'").replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')}\``
const inline = (text: string) => escapeHtml(text.replaceAll(/\s+/g, ' ')).replaceAll(/([\\`*_[\]|@#])/g, '\\$1')
const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
