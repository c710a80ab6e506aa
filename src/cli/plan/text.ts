/** A plan for people at a terminal: object by object, what differs first in each. */
import type { Terminal } from '../terminal.ts'
import { printable } from '../terminal.ts'
import { changeLines } from './change-lines.ts'
import type { PlannedChange, PlannedObject, PlanResult } from './planned.ts'

type Heading = { readonly mark: string; readonly colour: 'green' | 'yellow' | 'red' | 'dim'; readonly words: string }

const headings: Readonly<Record<PlanResult, Heading>> = {
  same: { mark: '=', colour: 'green', words: 'same: nothing would be sent' },
  update: { mark: '~', colour: 'yellow', words: 'would be updated' },
  left: { mark: '!', colour: 'yellow', words: 'differs' },
  suspended: { mark: '!', colour: 'yellow', words: 'differs' },
  held: { mark: '!', colour: 'red', words: 'differs' },
  refused: { mark: '×', colour: 'red', words: 'invalid' },
  conflict: { mark: '×', colour: 'red', words: 'conflict' },
  missing: { mark: '×', colour: 'red', words: 'not found' },
  failed: { mark: '×', colour: 'red', words: 'not known' },
}

export function printPlan(planned: readonly PlannedObject[], terminal: Terminal, isVerbose: boolean): void {
  const { paint } = terminal
  const print = (line: string) => terminal.print(line)
  for (const object of planned) {
    const { result, message, changes, unverifiable, source } = object
    if (result === 'same' && !isVerbose) continue
    const { mark, colour, words } = headings[result]
    const where = source === undefined ? '' : paint('dim', `  ${printable(source)}`)
    print(`${paint(colour, mark)} ${paint('bold', titleOf(object))}  ${paint(colour, words)}${where}`)
    if (message !== undefined) print(`    ${printable(message)}`)
    printChanges(changes, terminal)
    const isSaid = (field: string) => changes.some((change) => change.field === field)
    const unseen = unverifiable.filter((field) => !isSaid(field))
    if (unseen.length > 0) print(paint('dim', `    cannot be verified: ${unseen.join(', ')}`))
  }
}

function titleOf({ namespace, name, uuid }: PlannedObject): string {
  const full = namespace === undefined ? name : `${namespace}/${name}`
  return printable(uuid === undefined ? full : `${full} (${uuid})`)
}

function printChanges(changes: readonly PlannedChange[], terminal: Terminal): void {
  const { paint } = terminal
  const print = (line: string) => terminal.print(line)
  const width = Math.max(0, ...changes.map(({ field }) => field.length))
  for (const change of changes) {
    const shown = changeLines(change)
    const name = change.field.padEnd(width)
    if (shown.kind === 'line') print(`    ${name}  ${paint('red', shown.live)} → ${paint('green', shown.desired)}`)
    else if (shown.kind === 'masked') print(`    ${name}  (not shown)  ${paint('dim', shown.why)}`)
    else {
      print(`    ${change.field}`)
      for (const { sign, text } of shown.lines) {
        const line = sign === '@' ? `@ ${text}` : `${sign} ${text}`.trimEnd()
        print(`      ${sign === '+' ? paint('green', line) : sign === '-' ? paint('red', line) : paint('dim', line)}`)
      }
    }
  }
}

/** `1 of 3 objects would be updated (5 fields), 1 differs and is left alone, 1 same`. */
export function summaryOf(planned: readonly PlannedObject[]): string {
  const count = (...results: readonly PlanResult[]) => planned.filter(({ result }) => results.includes(result)).length
  const updates = planned.filter(({ result }) => result === 'update')
  const fieldCount = updates.reduce((sum, { changes }) => sum + changes.length, 0)
  const parts = [
    [updates.length, `would be updated (${plural(fieldCount, 'field')})`],
    [count('left', 'suspended'), 'left as different as they are'],
    [count('held'), 'held back'],
    [count('refused'), 'invalid'],
    [count('conflict'), 'in conflict'],
    [count('missing'), 'not found'],
    [count('failed'), 'not known'],
    [count('same'), 'same'],
  ] as const
  const told = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`)
  return `${plural(planned.length, 'object')}: ${told.length === 0 ? 'nothing to plan' : told.join(', ')}`
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
