import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { settings } from './engine.ts'
import { kubectlMissing } from '../render.ts'

const read = (file: string) => readFile(new URL(file, settings), 'utf8')
const run = promisify(execFile)

const customizations = 'resource.customizations'

type ConfigMap = { readonly metadata: object; readonly data: Readonly<Record<string, string>> }

describe('the settings for Argo CD', () => {
  it('hold each script word for word as its file has it', async () => {
    const { data } = parse(await read('argocd-cm.yaml')) as ConfigMap
    expect(Object.keys(data).sort()).toEqual([
      `${customizations}.actions.ai.zstack.io_ModelService`,
      `${customizations}.health.ai.zstack.io_ModelService`,
      `${customizations}.health.argoproj.io_Application`,
    ])
    expect(data[`${customizations}.health.ai.zstack.io_ModelService`]).toBe(await read('health.lua'))
    expect(data[`${customizations}.health.argoproj.io_Application`]).toBe(await read('application-health.lua'))
    const actions = parse(data[`${customizations}.actions.ai.zstack.io_ModelService`] ?? '') as Record<string, unknown>
    const names = ['reconcile-now', 'suspend', 'resume']
    expect(actions).toEqual({
      'discovery.lua': await read('actions/discovery.lua'),
      definitions: await Promise.all(
        names.map(async (name) => ({ name, 'action.lua': await read(`actions/${name}.lua`) })),
      ),
    })
    expect((await readdir(new URL('actions/', settings))).sort()).toEqual(
      ['discovery', ...names].sort().map((name) => `${name}.lua`),
    )
  })

  it.skipIf(kubectlMissing !== undefined)(
    'go into the ConfigMap of an Argo CD that kustomize installs, and leave the rest of it',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'argocd-'))
      onTestFinished(() => rm(folder, { recursive: true }))
      const metadata = { name: 'argocd-cm', namespace: 'argocd' }
      const existing = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { url: 'https://argocd.example.com' } }
      await writeFile(join(folder, 'argocd-cm.yaml'), JSON.stringify(existing))
      const components = [relative(folder, settings.pathname)]
      await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify({ resources: ['argocd-cm.yaml'], components }))
      const { stdout } = await run('kubectl', ['kustomize', '--load-restrictor=LoadRestrictionsNone', folder])
      const { data } = parse(await read('argocd-cm.yaml')) as ConfigMap
      expect((parse(stdout) as ConfigMap).data).toEqual({ url: 'https://argocd.example.com', ...data })
    },
  )
})
