/** Measured figures, and what they are held against in the same run. */
export type Figure = {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The plain controller-runtime operator. */
  readonly plain?: number
  /** The bare loop. */
  readonly bare?: number
  /** At most so many times the plain operator's figure. */
  readonly maxRatio?: number
  /** At most so much. */
  readonly max?: number
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

/** Three digits say enough: 0.874, 8.4, 205. */
export function spell(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return ''
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)
}

export type Row = Figure & { readonly ratio?: number; readonly ratioToBare?: number; readonly isReached?: boolean }

/** The figure with its ratios, which hold on other machines too. */
export function rowOf(figure: Figure): Row {
  const { value, plain, bare, maxRatio, max } = figure
  const ratio = plain === undefined || plain === 0 ? undefined : value / plain
  const isHeld = (maxRatio !== undefined && ratio !== undefined) || max !== undefined
  const isReached = (max === undefined || value <= max) && (ratio === undefined || ratio <= (maxRatio ?? Infinity))
  return {
    ...figure,
    ...(ratio !== undefined && { ratio }),
    ...(bare !== undefined && bare > 0 && { ratioToBare: value / bare }),
    ...(isHeld && { isReached }),
  }
}

const headings = [
  ...['', 'to plain Go', 'reach', 'to bare loop', 'measured', 'reach'],
  ...['plain Go', 'bare loop', '', ''],
] as const

/** The figures as a table of aligned columns, ratios first. */
export function table(figures: readonly Figure[]): string {
  const rows = figures
    .map(rowOf)
    .map(({ name, value, unit, plain, bare, maxRatio, max, note, ratio, ratioToBare, isReached }) => [
      ...[name, spell(ratio), spell(maxRatio), spell(ratioToBare), `${spell(value)} ${unit}`.trim(), spell(max)],
      ...[spell(plain), spell(bare), isReached === false ? 'missed' : '', note ?? ''],
    ])
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [headings, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')
}
