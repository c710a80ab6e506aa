/** Brings the chart and the manifests up to date with CRDs, dashboard and version: `node deploy/chart.ts`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import packageJson from '../package.json' with { type: 'json' }
import { dashboard } from './dashboard/grafana.ts'
import { alertFile } from './tables.ts'

export const chartFolder = new URL('charts/modelservice-operator/', import.meta.url)
const crdFolder = new URL('../crds/', import.meta.url)
const rule = new URL('components/monitoring/prometheus-rule.yaml', import.meta.url)
const base = new URL('base/kustomization.yaml', import.meta.url)

/** What follows from other files, by URL: CRDs and dashboard of the chart, the alerts, and where the version is named. */
export function derivedFiles(): ReadonlyMap<URL, string> {
  const { version } = packageJson
  const chart = new URL('Chart.yaml', chartFolder)
  return new Map([
    [chart, readFileSync(chart, 'utf8').replace(/^(version|appVersion): .*$/gm, `$1: ${version}`)],
    [base, readFileSync(base, 'utf8').replace(/^( +newTag): .*$/m, `$1: ${version}`)],
    [new URL('files/dashboard.json', chartFolder), `${JSON.stringify(dashboard(), null, 2)}\n`],
    [rule, prometheusRule(readFileSync(alertFile, 'utf8'))],
    ...readdirSync(crdFolder)
      .filter((name) => name.startsWith('ai.zstack.io_'))
      .map((name): [URL, string] => [
        new URL(`files/crds/${name}`, chartFolder),
        readFileSync(new URL(name, crdFolder), 'utf8'),
      ]),
  ])
}

/** The alerts of the chart for those who install by kustomize. */
function prometheusRule(alerts: string): string {
  const head = `# Generated from the chart's files/alerts.yaml by "npm run generate"; edits are lost.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: modelservice-operator
  namespace: modelservice-system
  labels:
    app.kubernetes.io/name: modelservice-operator
spec:
`
  return head + alerts.replaceAll(/^(?=.)/gm, '  ')
}

if (import.meta.main) for (const [file, content] of derivedFiles()) writeFileSync(file, content)
