/** The Markdown tables of reasons, metrics and alerts, from the data that they tell of. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { reasons, type ReasonRow } from '../src/api/reasons.ts'
import { catalogue, type Metric } from '../src/telemetry/catalogue.ts'
import { alertFile } from './paths.ts'

/** A Markdown table. A cell must not hold a line break. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

export function reasonTable(): string {
  const all = Object.entries<ReasonRow>(reasons)
  return markdownTable(
    ['reason', '`Ready`', 'beside it', 'event', 'what it means', 'what to do'],
    all.map(([reason, { ready, progress, warns, meaning, advice }]) => [
      `\`${reason}\``,
      ready,
      progress === undefined ? '' : `\`${progress}\``,
      warns === true ? 'Warning' : '',
      meaning,
      advice,
    ]),
  )
}

export function metricTable(): string {
  const all: readonly Metric[] = Object.values(catalogue)
  return markdownTable(
    ['metric', 'kind', 'what it tells'],
    all.map(({ kind, name, labelNames, help }) => {
      const labels = labelNames.length > 0 ? `{${labelNames.join(',')}}` : ''
      return [`\`${name}${labels}\``, kind, help]
    }),
  )
}

type Alert = {
  readonly alert: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

export function alertTable(): string {
  const { groups } = parse(readFileSync(alertFile, 'utf8')) as { groups: { rules: Alert[] }[] }
  return markdownTable(
    ['alert', 'severity', 'after', 'what it says'],
    groups.flatMap(({ rules }) =>
      rules.map(({ alert, for: duration = 'at once', labels, annotations }) => {
        const summary = annotations.summary.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '‹$1›')
        return [`\`${alert}\``, labels.severity, duration, summary]
      }),
    ),
  )
}
