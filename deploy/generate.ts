/** Writes every file, or part of a file, that follows from something else: `npm run generate`. The list below is all of it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import packageJson from '../package.json' with { type: 'json' }
import { customResourceDefinition } from '../src/api/crd.ts'
import { chartReadme } from './chart-readme.ts'
import { crdReference } from './crd-reference.ts'
import { dashboard } from './dashboard/grafana.ts'
import { jsonSchemas } from './json-schema.ts'
import { limitTable } from './limit-table.ts'
import { alertFile, chartFolder, repositoryRoot } from './paths.ts'
import { planTable } from './plan-reference.ts'
import { alertTable, metricTable, reasonTable } from './tables.ts'

const chart = 'deploy/charts/modelservice-operator'

const generated: readonly GeneratedFile[] = [
  // src/api, the zod schemas → the CRD, its copy in the chart, its reference
  { file: 'crds/ai.zstack.io_modelservices.yaml', content: crd },
  { file: `${chart}/files/crds/ai.zstack.io_modelservices.yaml`, content: crd },
  { file: 'crds/README.md', content: () => crdReference(customResourceDefinition()) },
  // the CRD → its schemas for editors, kubeconform and others
  ...jsonSchemas(customResourceDefinition()).map(({ file, schema }) => ({
    file: `crds/schemas/${file}`,
    content: () => `${JSON.stringify(schema, null, 2)}\n`,
  })),
  // the chart's values.yaml and values.schema.json → its README
  { file: `${chart}/README.md`, content: readmeOfChart },
  // deploy/dashboard → what Grafana imports
  { file: `${chart}/files/dashboard.json`, content: () => `${JSON.stringify(dashboard(), null, 2)}\n` },
  // the chart's files/alerts.yaml → the same alerts for those who install by kustomize
  { file: 'deploy/components/monitoring/prometheus-rule.yaml', content: prometheusRule },
  // src/api/reasons.ts, src/telemetry/catalogue.ts, files/alerts.yaml, src/limits.ts → the tables of the manual
  {
    file: 'deploy/README.md',
    edits: [
      table('reasons', reasonTable),
      table('metrics', metricTable),
      table('alerts', alertTable),
      table('limits', limitTable),
      version(/(?<=modelservice-operator:)\d[\w.+-]*\w/g),
    ],
  },
  // src/cli/plan/document.ts → its reference
  { file: 'src/cli/README.md', edits: [table('plan', planTable)] },
  // package.json → every other place that names the version
  { file: 'README.md', edits: [version(/(?<=modelservice-operator:|newTag: )\d[\w.+-]*\w/g)] },
  { file: 'deploy/pull-requests.md', edits: [version(/(?<=modelservice-operator:)\d[\w.+-]*\w/g)] },
  { file: 'Dockerfile', edits: [version(/(?<=^ARG VERSION=).*$/gm)] },
  { file: `${chart}/Chart.yaml`, edits: [version(/(?<=^(?:version|appVersion): ).*$/gm)] },
  { file: 'deploy/base/kustomization.yaml', edits: [version(/(?<=^ +newTag: ).*$/gm)] },
  {
    file: 'deploy/argocd/applications/operator.yaml',
    edits: [version(/(?<=targetRevision: v|modelservice-operator:)\d\S*$/gm)],
  },
  { file: 'deploy/argocd/settings/kustomization.yaml', edits: [version(/(?<=\?ref=v)\d\S*$/gm)] },
]

type GeneratedFile = {
  /** Its path in the repository. */
  readonly file: string
} & (
  | { readonly content: (version: string) => string }
  /** Applied one after the other to the text that is there; the rest of the file is written by hand. */
  | { readonly edits: readonly Edit[] }
)

type Edit = (text: string, context: { readonly file: string; readonly version: string }) => string

/** What the files of the list should hold, by their path in the repository. */
export function generatedFiles(version = packageJson.version): ReadonlyMap<string, string> {
  return new Map(
    generated.map((entry) => {
      const { file } = entry
      if ('content' in entry) return [file, entry.content(version)]
      const current = readFileSync(new URL(file, repositoryRoot), 'utf8')
      return [file, entry.edits.reduce((text, edit) => edit(text, { file, version }), current)]
    }),
  )
}

/** Puts a table between the two comments of its name. */
function table(name: string, content: () => string): Edit {
  const place = new RegExp(`(?<=<!-- ${name} -->\n)[^]*?(?=<!-- /${name} -->)`)
  return (text, { file }) => {
    if (!place.test(text)) throw new Error(`${file} has no place for its table of ${name}`)
    return text.replace(place, () => `${content()}\n`)
  }
}

/** Puts the version wherever the pattern matches. */
function version(pattern: RegExp): Edit {
  return (text, { file, version }) => {
    if (text.search(pattern) < 0) throw new Error(`${file} does not name the version where it is expected`)
    return text.replaceAll(pattern, version)
  }
}

function crd(): string {
  const header = '# Generated from src/api by "npm run generate"; edits are lost.\n'
  return header + stringify(customResourceDefinition(), { lineWidth: 120 })
}

function readmeOfChart(version: string): string {
  const [values, schema] = ['values.yaml', 'values.schema.json'].map((name) =>
    readFileSync(new URL(name, chartFolder), 'utf8'),
  ) as [string, string]
  return chartReadme({ name: packageJson.name, version, values, schema })
}

function prometheusRule(): string {
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
  return head + readFileSync(alertFile, 'utf8').replaceAll(/^(?=.)/gm, '  ')
}

if (import.meta.main)
  for (const [file, content] of generatedFiles()) writeFileSync(new URL(file, repositoryRoot), content)
