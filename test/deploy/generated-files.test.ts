import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import packageJson from '../../package.json' with { type: 'json' }
import { generatedFiles } from '../../deploy/generate.ts'
import { chartFolder, crdFolder, repositoryRoot } from '../../deploy/paths.ts'
import { reasons } from '../../src/api/reasons.ts'
import { limits } from '../../src/limits.ts'
import { catalogue } from '../../src/telemetry/catalogue.ts'

const read = (file: string) => readFileSync(new URL(file, repositoryRoot), 'utf8')

describe('the generated files', () => {
  it.for([...generatedFiles()])('%s is up to date', ([file, content]) => {
    expect(read(file), 'run "npm run generate"').toBe(content)
  })

  it('include every CRD, and its copy in the chart', () => {
    const isCrd = (name: string) => name.startsWith('ai.zstack.io_')
    const crds = readdirSync(crdFolder).filter(isCrd)
    expect(readdirSync(new URL('files/crds/', chartFolder))).toEqual(crds)
    expect([...generatedFiles().keys()]).toEqual(expect.arrayContaining(crds.map((name) => `crds/${name}`)))
  })

  it('give the chart, its app and the manifests the version of package.json', () => {
    const { version, appVersion } = parse(readFileSync(new URL('Chart.yaml', chartFolder), 'utf8')) as Record<
      string,
      string
    >
    const base = parse(read('deploy/base/kustomization.yaml')) as { images: { newTag: string }[] }
    const named = [version, appVersion, ...base.images.map(({ newTag }) => newTag)]
    expect(named).toEqual([packageJson.version, packageJson.version, packageJson.version])
  })

  it.for(['Dockerfile', 'README.md', 'deploy/README.md', 'deploy/argocd/applications/operator.yaml'])(
    '%s follows when the version changes',
    (file) => {
      const content = generatedFiles('98.7.6-rc.5').get(file)
      expect(content).toContain('98.7.6-rc.5')
      expect(content).not.toContain(packageJson.version)
    },
  )
})

describe('the tables of deploy/README.md', () => {
  it.each([
    ['reasons', Object.keys(reasons)],
    ['metrics', Object.values(catalogue).map(({ name }) => name)],
    ['limits', Object.keys(limits)],
  ])('have one row for each of the %s', (table, names) => {
    const [, text = ''] = new RegExp(`<!-- ${table} -->\n([^]*)<!-- /${table} -->`).exec(read('deploy/README.md')) ?? []
    const rows = text.split('\n').flatMap((line) => /^\| `(\w+)/.exec(line)?.[1] ?? [])
    expect(rows).toEqual(names)
  })
})
