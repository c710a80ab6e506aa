import { beforeAll, describe, expect, it } from 'vitest'
import type { ApiServerAccess } from '../support/envtest/access.ts'
import { apiServerMissing, sharedApiServer } from '../support/envtest/shared.ts'
import { type PodTemplate, ofKind, podTemplate } from './manifest.ts'
import {
  fullValues,
  helmMissing,
  kubectlMissing,
  kustomize,
  minimalValues,
  renderChart,
  renderChartTest,
} from './render.ts'
import { restrictedViolations } from './restricted.ts'

/** The pod templates of everything that can be installed, by what installs them. */
async function everyTemplate(): Promise<[string, PodTemplate][]> {
  const overlays = kubectlMissing === undefined ? ['base', 'overlays/production', 'overlays/sharded'] : []
  const rendered = await Promise.all([
    ...overlays.map(async (folder) => ({ from: folder, manifests: await kustomize(folder) })),
    ...(helmMissing === undefined ? [minimalValues, fullValues] : []).map(async (values, index) => ({
      from: `chart with ${index === 0 ? 'minimal' : 'all'} values`,
      manifests: [...(await renderChart(values)), ...(await renderChartTest(values))],
    })),
  ])
  return rendered.flatMap(({ from, manifests }) =>
    [
      ...ofKind(manifests, 'Deployment').map((each) => [each.metadata.name, podTemplate(each)] as const),
      ...ofKind(manifests, 'Pod').map((each) => [each.metadata.name, each as unknown as PodTemplate] as const),
    ].map(([name, pod]): [string, PodTemplate] => [`${from}, ${name}`, pod]),
  )
}

const templates = await everyTemplate()

describe.each(templates)('the pod of %s', (_, template) => {
  it('asks for nothing that Pod Security restricted refuses', () => {
    expect(restrictedViolations(template.spec)).toEqual([])
  })

  it('has a root file system it cannot write, and an image with a version', () => {
    for (const { securityContext, image } of template.spec.containers) {
      expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true })
      expect(image).toMatch(/:\d+\.\d+\.\d+|@sha256:/)
    }
  })
})

describe('the check by hand', () => {
  it('names each thing that a pod must not ask for', () => {
    const container = {
      name: 'c',
      image: 'i:1',
      env: [],
      securityContext: { privileged: true, capabilities: { add: ['SYS_ADMIN'] } },
      ports: [{ hostPort: 80 }],
    }
    const pod = {
      containers: [container],
      serviceAccountName: 's',
      hostNetwork: true,
      volumes: [{ name: 'v', hostPath: {} }],
    }
    expect(restrictedViolations(pod as never)).toEqual([
      'hostNetwork',
      'volumes[].hostPath',
      'c: privileged',
      'c: allowPrivilegeEscalation',
      'c: capabilities.drop',
      'c: capabilities.add',
      'c: runAsNonRoot',
      'c: seccompProfile',
      'c: hostPort',
    ])
  })
})

describe.skipIf(apiServerMissing())('a namespace that enforces restricted', () => {
  let server: ApiServerAccess
  let pods: string

  beforeAll(async () => {
    server = await sharedApiServer()
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    const metadata = { generateName: 'restricted-', labels }
    const { body } = await server.request('POST', '/api/v1/namespaces', { metadata })
    pods = `/api/v1/namespaces/${(body as { metadata: { name: string } }).metadata.name}/pods?dryRun=All`
  })

  const create = ({ metadata: { labels }, spec }: PodTemplate) =>
    server.request('POST', pods, { metadata: { name: 'operator', labels }, spec })

  it.for(templates)('takes the pod of %s', async ([, template]) => {
    // Whether a priority class exists is not Pod Security's question.
    expect(await create(template)).toMatchObject({ status: 201 })
  })

  it('refuses the same pod with one right more', async ({ skip }) => {
    const [first] = templates
    if (first === undefined) return skip('nothing can be rendered here')
    const [, { metadata, spec }] = first
    expect(await create({ metadata, spec: { ...spec, hostNetwork: true } })).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('violates PodSecurity "restricted') as string },
    })
  })
})
