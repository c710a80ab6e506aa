/** What commands print: colours where the other side is a terminal that wants them, tables, and a line of progress. */
import { styleText } from 'node:util'
import stringWidth from 'string-width'
import type { Clock } from '../clock.ts'
import type { Environment } from '../config.ts'

/** A stream as `process.stdout` is one; a test hands in its own. */
export type OutputStream = {
  write(text: string): unknown
  readonly isTTY?: boolean
  /** Node's own judgement of terminal and environment: NO_COLOR, FORCE_COLOR and TERM=dumb among it. */
  readonly hasColors?: (env: Environment) => boolean
}

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (colour: Colour, text: string) => string

export interface Terminal {
  print(line: string): void
  readonly paint: Paint
  /** Columns as wide as their widest cell; the first row is the heading. */
  table(rows: readonly (readonly string[])[]): void
}

export const plainText: Paint = (_, text) => text

export function createTerminal(stream: OutputStream, env: Environment): Terminal {
  const isColoured = stream.isTTY === true && stream.hasColors?.(env) === true
  const paint: Paint = isColoured ? (colour, text) => styleText(colour, text, { validateStream: false }) : plainText
  return {
    print: (line) => void stream.write(`${line}\n`),
    paint,
    table(rows) {
      for (const [index, line] of layOut(rows).entries()) stream.write(`${index === 0 ? paint('bold', line) : line}\n`)
    },
  }
}

/** Wide characters, as of Chinese names, count as two columns, and colours as none. */
export function layOut(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => stringWidth(row[column] ?? ''))))
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(cell))))
      .join('   ')
      .trimEnd(),
  )
}

const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Text of others as a terminal may show it: what could move the cursor, or hide what follows, is spelt out. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(unprintable, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
}

/** Before that, work is over too soon for anybody to wonder. */
const progressAfterMs = 1_000
const progressEveryMs = 200

/** Shows what is being done on one line of a terminal that is wiped at the end; elsewhere nothing. */
export async function withProgress<R>(
  stream: OutputStream,
  clock: Clock,
  tell: () => string,
  work: () => Promise<R>,
): Promise<R> {
  if (stream.isTTY !== true) return work()
  const progress = { isShown: false, cancel: clock.after(progressAfterMs, show) }
  function show() {
    progress.isShown = true
    stream.write(`\r\u001b[K${tell()} …`)
    progress.cancel = clock.after(progressEveryMs, show)
  }
  try {
    return await work()
  } finally {
    progress.cancel()
    if (progress.isShown) stream.write('\r\u001b[K')
  }
}
