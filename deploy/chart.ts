/** Brings chart, manifests and documents up to date with CRDs, dashboard, alerts and version: `node deploy/chart.ts`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import packageJson from '../package.json' with { type: 'json' }
import { dashboard } from './dashboard/grafana.ts'
import { alertFile } from './tables.ts'

export const chartFolder = new URL('charts/modelservice-operator/', import.meta.url)
const root = new URL('../', import.meta.url)
const crdFolder = new URL('crds/', root)
const rule = new URL('components/monitoring/prometheus-rule.yaml', import.meta.url)

/** What else names the version; package.json alone decides it. */
const namesVersion: readonly (readonly [file: URL, where: RegExp])[] = [
  [new URL('Chart.yaml', chartFolder), /(?<=^(?:version|appVersion): ).*$/gm],
  [new URL('deploy/base/kustomization.yaml', root), /(?<=^ +newTag: ).*$/gm],
  [new URL('deploy/argocd/applications/operator.yaml', root), /(?<=targetRevision: v|modelservice-operator:)\d\S*$/gm],
  [new URL('deploy/argocd/root.yaml', root), /(?<=targetRevision: v)\d\S*$/gm],
  [new URL('deploy/argocd/settings/kustomization.yaml', root), /(?<=\?ref=v)\d\S*$/gm],
  [new URL('Dockerfile', root), /(?<=^ARG VERSION=).*$/gm],
  [new URL('README.md', root), /(?<=modelservice-operator:)\d[\w.+-]*\w/g],
]

/** What follows from other files, by URL: copies of the CRDs, dashboard, alerts, and each place that names the version. */
export function derivedFiles(version = packageJson.version): ReadonlyMap<URL, string> {
  return new Map([
    ...namesVersion.map(([file, where]): [URL, string] => [
      file,
      readFileSync(file, 'utf8').replaceAll(where, version),
    ]),
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
