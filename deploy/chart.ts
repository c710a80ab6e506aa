/** Brings chart, manifests and documents up to date with the CRDs and the version: `node deploy/chart.ts`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import packageJson from '../package.json' with { type: 'json' }

export const chartFolder = new URL('charts/modelservice-operator/', import.meta.url)
const root = new URL('../', import.meta.url)
const crdFolder = new URL('crds/', root)

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

/** What follows from other files, by URL: the chart's copies of the CRDs, and each place that names the version. */
export function derivedFiles(version = packageJson.version): ReadonlyMap<URL, string> {
  return new Map([
    ...namesVersion.map(([file, where]): [URL, string] => [
      file,
      readFileSync(file, 'utf8').replaceAll(where, version),
    ]),
    ...readdirSync(crdFolder)
      .filter((name) => name.startsWith('ai.zstack.io_'))
      .map((name): [URL, string] => [
        new URL(`files/crds/${name}`, chartFolder),
        readFileSync(new URL(name, crdFolder), 'utf8'),
      ]),
  ])
}

if (import.meta.main) for (const [file, content] of derivedFiles()) writeFileSync(file, content)
