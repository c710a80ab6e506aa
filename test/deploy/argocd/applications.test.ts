import { execFile } from 'node:child_process'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import packageJson from '../../../package.json' with { type: 'json' }
import { engineMissing, runScript } from './engine.ts'
import { kubectlMissing } from '../render.ts'

const root = new URL('../../../', import.meta.url)
const folder = new URL('deploy/argocd/', root)
const run = promisify(execFile)

type Retry = {
  readonly limit: number
  readonly backoff: { readonly duration: string; readonly factor: number; readonly maxDuration: string }
}

type Application = {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: {
    readonly source: { readonly path: string; readonly kustomize?: { images: string[]; patches: unknown[] } }
    readonly syncPolicy: { readonly syncOptions: readonly string[]; readonly retry: Retry }
  }
}

const read = async (file: string) => parse(await readFile(new URL(file, folder), 'utf8')) as Application
const wave = ({ metadata }: Application) => Number(metadata.annotations?.['argocd.argoproj.io/sync-wave'])

describe('the Applications', () => {
  it.each(['root.yaml', 'applications/operator.yaml', 'applications/modelservices.yaml'])(
    '%s applies by field owner, waits for kinds that come later, tries again, and never replaces',
    async (file) => {
      const { kind, spec } = await read(file)
      expect(kind).toBe('Application')
      const { syncOptions, retry } = spec.syncPolicy
      expect(syncOptions).toEqual(expect.arrayContaining(['ServerSideApply=true', 'SkipDryRunOnMissingResource=true']))
      expect(syncOptions.filter((option) => /^(Replace|Force)=/.test(option))).toEqual([])
      expect(retry.limit).toBeGreaterThan(0)
    },
  )

  it.each(['root.yaml', 'applications/operator.yaml', 'applications/modelservices.yaml'])(
    '%s keeps a newer commit waiting for two minutes at most while it tries again',
    async (file) => {
      const { limit, backoff } = (await read(file)).spec.syncPolicy.retry
      const [first, longest] = [backoff.duration, backoff.maxDuration].map((text) => Number(/^(\d+)s$/.exec(text)?.[1]))
      // Argo CD counts a try before it looks how long to wait for it: the first wait has the factor once already.
      const waits = Array.from({ length: limit }, (_, index) => first! * backoff.factor ** (index + 1))
      const seconds = waits.reduce((sum, wait) => sum + Math.min(wait, longest!), 0)
      expect(seconds).toBeGreaterThan(60)
      expect(seconds).toBeLessThanOrEqual(120)
    },
  )

  it('install the operator in a wave before the ModelServices', async () => {
    expect(wave(await read('applications/operator.yaml'))).toBeLessThan(
      wave(await read('applications/modelservices.yaml')),
    )
  })

  it('take the operator from a folder that this repository has', async () => {
    await access(new URL(`${(await read('applications/operator.yaml')).spec.source.path}/`, root))
  })

  it.skipIf(kubectlMissing !== undefined)(
    'install what the overlay holds, with the image, the endpoint, and a CRD and a namespace that stay',
    async () => {
      const { source } = (await read('applications/operator.yaml')).spec
      const place = await mkdtemp(join(tmpdir(), 'argocd-'))
      onTestFinished(() => rm(place, { recursive: true }))
      const image = /^(?<name>[^=]+)=(?<newName>.+):(?<newTag>[^:]+)$/.exec(source.kustomize?.images[0] ?? '')?.groups
      const kustomization = {
        resources: [relative(place, new URL(source.path, root).pathname)],
        images: [image],
        patches: source.kustomize?.patches,
      }
      await writeFile(join(place, 'kustomization.yaml'), JSON.stringify(kustomization))
      const { stdout } = await run('kubectl', ['kustomize', place], { maxBuffer: 2 ** 24 })
      const objects = parseAllDocuments(stdout).map((document) => document.toJS() as { kind: string })
      const find = (kind: string) => objects.find((object) => object.kind === kind)
      expect(find('CustomResourceDefinition')).toMatchObject({
        metadata: {
          annotations: {
            'argocd.argoproj.io/sync-wave': '-1',
            'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
          },
        },
      })
      expect(find('Namespace')).toMatchObject({
        metadata: { annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' } },
      })
      expect(find('Deployment')).toMatchObject({
        spec: {
          replicas: 2,
          template: {
            spec: {
              containers: [
                {
                  image: `registry.example.com/modelservice-operator:${packageJson.version}`,
                  env: expect.arrayContaining([
                    { name: 'ZSTACK_ENDPOINT', value: 'https://zstack.example.com/zstack' },
                    { name: 'ZSTACK_CREDENTIALS_DIR', value: '/var/run/secrets/zstack' },
                  ]) as unknown,
                },
              ],
            },
          },
        },
      })
    },
  )

  it.skipIf(engineMissing)('wait for one another: an Application is as healthy as it says', async () => {
    const healths = await runScript('application-health.lua', [
      { status: { health: { status: 'Healthy' } } },
      { status: { health: { status: 'Degraded', message: 'chat is Stalled' } } },
      { status: { health: {} } },
      { status: 'new' },
      {},
    ])
    expect(healths).toEqual([
      { status: 'Healthy', message: '' },
      { status: 'Degraded', message: 'chat is Stalled' },
      { status: 'Progressing', message: '' },
      { status: 'Progressing', message: '' },
      { status: 'Progressing', message: '' },
    ])
  })
})
