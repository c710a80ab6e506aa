import { beforeAll, describe, expect, it } from 'vitest'
import type { ApiServerAccess } from '../support/envtest/access.ts'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'
import { dryRunRefusals, foreignKinds } from './dry-run.ts'
import { podTemplate, theOnly } from './manifest.ts'
import {
  type Values,
  fullValues,
  helmMissing,
  kubectlMissing,
  kustomize,
  minimalValues,
  renderChart,
} from './render.ts'

describe.skipIf(apiServerMissing())('the API server, asked to apply in a dry run,', () => {
  let server: ApiServerAccess

  beforeAll(async () => {
    server = await sharedApiServer()
  })

  describe.skipIf(kubectlMissing !== undefined)('what kustomize gives', () => {
    it.for(['base', 'overlays/production', 'overlays/sharded'])('takes all of deploy/%s', async (folder) => {
      expect(await dryRunRefusals(server, await kustomize(folder))).toEqual([])
    })

    it('refuses a field that a type does not have', async () => {
      const deployment = theOnly(await kustomize('base'), 'Deployment')
      const wrong = { ...deployment, spec: { ...deployment.spec, template: { spec: podTemplate(deployment).spec } } }
      expect(await dryRunRefusals(server, [wrong])).toEqual([expect.stringMatching(/^Deployment .*422.*selector/)])
      const unknown = { ...deployment, spec: { ...deployment.spec, replica: 1 } }
      expect(await dryRunRefusals(server, [unknown])).toEqual([expect.stringContaining('replica')])
    })
  })

  describe.skipIf(helmMissing !== undefined)('what the chart gives', () => {
    const all: [string, Values][] = [
      ['minimal values', minimalValues],
      ['all values', { ...fullValues, watchNamespaces: ['default'] }],
      ['all values, for the whole cluster', { ...fullValues, watchNamespaces: [] }],
    ]
    it.for(all)('takes all of it with %s', async ([, values]) => {
      const manifests = await renderChart(values, await testNamespace(server))
      const known = manifests.filter(({ kind }) => !foreignKinds.includes(kind))
      expect(await dryRunRefusals(server, known)).toEqual([])
    })
  })
})
