/** Measured figures, and what they are held against. */
export type Figure = {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** A plain controller-runtime operator, and a plain client-node informer operator, as measured elsewhere with objects of a few short fields. */
  readonly references?: readonly [controllerRuntime: string, clientNode: string]
  readonly target?: string
  /** The plain client-node operator in the same run, on the same machine. */
  readonly here?: number
  /** What else was seen: all runs, or the first of a row. */
  readonly note?: string
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The smallest value that so many per cent of all, or more, do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}

/** The median of several runs, which the note lists. */
export function ofRuns(
  figure: Omit<Figure, 'value' | 'here' | 'note'>,
  runs: readonly number[],
  here: readonly number[],
): Figure {
  return { ...figure, value: median(runs), here: median(here), note: `runs ${runs.map(spell).join(' ')}` }
}

/** Three digits say enough: 0.874, 8.4, 205. */
export function spell(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)
}

const headings = [
  '',
  'measured',
  'reach',
  'controller-runtime',
  'client-node',
  'client-node here',
  'ratio to it',
  'reach as ratio',
  '',
] as const

function ratioOf(target: Figure['target'], references: Figure['references']): string {
  return spell(Number(target) / Number(references?.[1]))
}

/** The figures as a table of aligned columns. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, references, target, here, note }) => [
    name,
    `${spell(value)} ${unit}`.trim(),
    target ?? '',
    ...(references ?? ['', '']),
    ...(here === undefined ? ['', '', ''] : [spell(here), spell(value / here), ratioOf(target, references)]),
    note ?? '',
  ])
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [headings, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')
}
