/** What README tells of monitoring, as Markdown tables. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { catalogue, type Metric } from '../src/telemetry/catalogue.ts'

export const alertFile = new URL('charts/modelservice-operator/files/alerts.yaml', import.meta.url)

type Alert = {
  readonly alert: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

export function metricTable(): string {
  const all: readonly Metric[] = Object.values(catalogue)
  const rows = all.map(({ kind, name, labelNames, help }) => {
    const labels = labelNames.length > 0 ? `{${labelNames.join(',')}}` : ''
    return `| \`${name}${labels}\` | ${kind} | ${help} |`
  })
  return ['| metric | kind | what it tells |', '| --- | --- | --- |', ...rows].join('\n')
}

export function alertTable(): string {
  const { groups } = parse(readFileSync(alertFile, 'utf8')) as { groups: { rules: Alert[] }[] }
  const rows = groups.flatMap(({ rules }) =>
    rules.map(({ alert, for: wait = 'at once', labels, annotations }) => {
      const summary = annotations.summary.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '‹$1›')
      return `| \`${alert}\` | ${labels.severity} | ${wait} | ${summary} |`
    }),
  )
  return ['| alert | severity | after | what it says |', '| --- | --- | --- | --- |', ...rows].join('\n')
}
