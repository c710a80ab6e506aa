import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import packageJson from '../../package.json' with { type: 'json' }
import { chartFolder, derivedFiles } from '../../deploy/chart.ts'

const root = new URL('../../', import.meta.url)
const isUpToDate = 'node deploy/chart.ts brings it up to date'

describe('what follows from other files', () => {
  it.for([...derivedFiles()])('%s is up to date', ([file, content]) => {
    expect(readFileSync(file, 'utf8'), isUpToDate).toBe(content)
  })

  it('the chart has no CRD that crds/ has not', () => {
    const copies = readdirSync(new URL('files/crds/', chartFolder))
    expect(copies).toEqual(readdirSync(new URL('crds/', root)).filter((name) => copies.includes(name)))
  })

  it('chart, its app and the manifests have the version of package.json', () => {
    const { version, appVersion } = parse(readFileSync(new URL('Chart.yaml', chartFolder), 'utf8')) as Record<
      string,
      string
    >
    const base = parse(readFileSync(new URL('deploy/base/kustomization.yaml', root), 'utf8')) as {
      images: { newTag: string }[]
    }
    const named = [version, appVersion, ...base.images.map(({ newTag }) => newTag)]
    expect(named).toEqual([packageJson.version, packageJson.version, packageJson.version])
  })

  it.for(['Dockerfile', 'README.md', 'deploy/argocd/root.yaml', 'deploy/argocd/applications/operator.yaml'])(
    '%s follows when the version changes',
    (file) => {
      const next = derivedFiles('98.7.6-rc.5')
      const { href } = new URL(file, root)
      const [, content = ''] = [...next].find(([url]) => url.href === href) ?? []
      expect(content).toContain('98.7.6-rc.5')
      expect(content).not.toContain(packageJson.version)
    },
  )
})
