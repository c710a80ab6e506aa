import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { parseConfig } from '../../src/config.ts'
import type { ApiServerAccess } from '../support/envtest/access.ts'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'
import { type Manifest, ofKind, podTemplate, theOnly } from './manifest.ts'
import { kubectlMissing, kustomize, kustomizeAt } from './render.ts'

const root = join(import.meta.dirname, '../..')

const variable = (deployment: Manifest, name: string) =>
  podTemplate(deployment).spec.containers[0].env.find((each) => each.name === name)?.value

describe.skipIf(kubectlMissing !== undefined)('deploy/base', () => {
  let base: Manifest[]

  beforeAll(async () => {
    base = await kustomize('base')
  })

  it('is a whole install in one command', () => {
    expect(base.map(({ kind }) => kind).sort()).toEqual([
      'ClusterRole',
      'ClusterRole',
      'ClusterRole',
      'ClusterRoleBinding',
      'CustomResourceDefinition',
      'Deployment',
      'Namespace',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Role',
      'RoleBinding',
      'Service',
      'ServiceAccount',
    ])
  })

  it('selects its own pods by every selector', () => {
    const deployment = theOnly(base, 'Deployment')
    const { labels } = podTemplate(deployment).metadata
    const selectors = [
      theOnly(base, 'Service').spec?.selector,
      ...['Deployment', 'PodDisruptionBudget'].map(
        (kind) => (theOnly(base, kind).spec?.selector as { matchLabels: object }).matchLabels,
      ),
      (theOnly(base, 'NetworkPolicy').spec?.podSelector as { matchLabels: object }).matchLabels,
    ]
    for (const selector of selectors) expect(labels).toMatchObject(selector as object)
  })

  it('lets a node be drained with one replica', () => {
    expect(theOnly(base, 'PodDisruptionBudget').spec).toMatchObject({
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    })
  })

  it('starts without ConfigMap and Secret, so that the operator itself can say what is missing', () => {
    const { containers, volumes } = podTemplate(theOnly(base, 'Deployment')).spec
    expect(containers[0]).toMatchObject({
      envFrom: [{ configMapRef: { name: 'modelservice-operator-config', optional: true } }],
      terminationMessagePolicy: 'FallbackToLogsOnError',
    })
    expect(volumes).toEqual([
      { name: 'zstack', secret: { secretName: 'modelservice-operator-zstack', optional: true } },
    ])
    const set = containers[0].env.map(({ name, value = 'from-a-field' }) => [name, value])
    const parsed = parseConfig(Object.fromEntries(set) as Record<string, string>, false)
    expect(parsed).toEqual({
      ok: false,
      warnings: [],
      problems: [expect.stringContaining('ZSTACK_ENDPOINT is missing')],
    })
  })
})

describe.skipIf(kubectlMissing !== undefined)('deploy/overlays/production', () => {
  it('runs two replicas that avoid one node and one zone, and changes nothing else of the base', async () => {
    const [base, production] = await Promise.all([kustomize('base'), kustomize('overlays/production')])
    const deployment = theOnly(production, 'Deployment')
    expect(deployment.spec).toMatchObject({
      replicas: 2,
      template: {
        spec: {
          affinity: { podAntiAffinity: expect.anything() as object },
          topologySpreadConstraints: [{ topologyKey: 'topology.kubernetes.io/zone' }],
        },
      },
    })
    const others = (manifests: Manifest[]) => manifests.filter(({ kind }) => kind !== 'Deployment')
    expect(others(production)).toEqual(others(base))
  })
})

it.skipIf(kubectlMissing !== undefined).for(['base', 'overlays/production', 'overlays/sharded'])(
  'deploy/%s tells each operator its pod, in whose name it holds the lease',
  async (folder) => {
    const field = (fieldPath: string) => ({ fieldRef: { fieldPath } })
    for (const deployment of ofKind(await kustomize(folder), 'Deployment'))
      expect(podTemplate(deployment).spec.containers[0].env).toEqual(
        expect.arrayContaining([
          { name: 'POD_NAME', valueFrom: field('metadata.name') },
          { name: 'POD_UID', valueFrom: field('metadata.uid') },
        ]),
      )
  },
)

/** The kustomization that README.md asks for, in a folder beside deploy; what it needs besides is there too. */
async function overlayOfReadme(change = (text: string) => text): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, text = ''] = /`overlay\/kustomization\.yaml`:\n\n```yaml\n([^]*?)```/.exec(readme) ?? []
  const checkout = await realpath(await mkdtemp(join(tmpdir(), 'checkout-')))
  onTestFinished(() => rm(checkout, { recursive: true }))
  await Promise.all(
    ['deploy', 'crds'].map((folder) => cp(join(root, folder), join(checkout, folder), { recursive: true })),
  )
  const overlay = join(checkout, 'overlay')
  await mkdir(overlay)
  await writeFile(join(overlay, 'kustomization.yaml'), change(text))
  await writeFile(join(overlay, 'zstack.env'), 'ZSTACK_ACCESS_KEY_ID=id\nZSTACK_ACCESS_KEY_SECRET=s=ecret\n')
  return overlay
}

describe.skipIf(kubectlMissing !== undefined)('the overlay of README.md', () => {
  it('has image, configuration and credentials in one command, in an order in which the pods find them', async () => {
    const manifests = await kustomizeAt(await overlayOfReadme())
    const deployment = theOnly(manifests, 'Deployment')
    const { containers, volumes } = podTemplate(deployment).spec
    expect(containers[0].image).toBe(`registry.example.com/modelservice-operator:${packageJson.version}`)
    const config = theOnly(manifests, 'ConfigMap')
    expect(config.data).toEqual({ ZSTACK_ENDPOINT: 'http://zstack.example.com:8080/zstack' })
    expect(containers[0].envFrom).toMatchObject([{ configMapRef: { name: config.metadata.name } }])
    const secret = theOnly(manifests, 'Secret')
    // A fixed name: a change of it must start no other pods.
    expect(secret.metadata.name).toBe('modelservice-operator-zstack')
    expect(volumes).toMatchObject([{ secret: { secretName: secret.metadata.name } }])
    const order = manifests.map(({ kind }) => kind)
    expect(order.indexOf('Namespace')).toBe(0)
    for (const kind of ['CustomResourceDefinition', 'ServiceAccount', 'ConfigMap', 'Secret'])
      expect(order.indexOf(kind)).toBeLessThan(order.indexOf('Deployment'))
  })

  it('with the component for some namespaces gives no right on the cluster, and keeps the list of rights', async () => {
    const overlay = await overlayOfReadme((text) => `${text}components: [../deploy/components/namespaced]\n`)
    const manifests = await kustomizeAt(overlay)
    expect(ofKind(manifests, 'ClusterRoleBinding')).toEqual([])
    expect(ofKind(manifests, 'ClusterRole')).toEqual(ofKind(await kustomize('base'), 'ClusterRole'))
  })

  it('with the component for sources of values grants them in their namespace, to the account of the operator', async () => {
    const overlay = await overlayOfReadme((text) => `${text}components: [../deploy/components/value-sources]\n`)
    const manifests = await kustomizeAt(overlay)
    const granted = [...ofKind(manifests, 'Role'), ...ofKind(manifests, 'RoleBinding')].filter(({ metadata }) =>
      metadata.name.endsWith('value-sources'),
    )
    expect(granted.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ['Role', 'models'],
      ['RoleBinding', 'models'],
    ])
    const { name, namespace } = theOnly(manifests, 'ServiceAccount').metadata
    expect(granted[1]?.subjects).toMatchObject([{ kind: 'ServiceAccount', name, namespace }])
  })
})

describe.skipIf(kubectlMissing !== undefined)('an overlay of one’s own', () => {
  it('brings ConfigMap and Secret under generated names, and keeps the right to the lease', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'overlay-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const overlay = {
      namespace: 'modelservice-system',
      resources: [relative(folder, join(import.meta.dirname, '../../deploy/overlays/production'))],
      configMapGenerator: [
        { name: 'modelservice-operator-config', literals: ['ZSTACK_ENDPOINT=http://z:8080/zstack'] },
      ],
      secretGenerator: [{ name: 'modelservice-operator-zstack', literals: ['ZSTACK_ACCOUNT_NAME=admin'] }],
    }
    await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(overlay))
    const manifests = await kustomizeAt(folder)
    const { containers, volumes } = podTemplate(theOnly(manifests, 'Deployment')).spec
    expect(containers[0].envFrom).toMatchObject([
      { configMapRef: { name: theOnly(manifests, 'ConfigMap').metadata.name } },
    ])
    expect(volumes).toMatchObject([{ secret: { secretName: theOnly(manifests, 'Secret').metadata.name } }])
    expect(theOnly(manifests, 'Role').rules).toContainEqual(
      expect.objectContaining({ resourceNames: ['modelservice-operator'] }),
    )
  })
})

describe.skipIf(kubectlMissing !== undefined)('deploy/overlays/sharded', () => {
  let manifests: Manifest[]
  let shards: Manifest[]

  beforeAll(async () => {
    manifests = await kustomize('overlays/sharded')
    shards = ofKind(manifests, 'Deployment')
  })

  it('gives each shard a lease of its own, and its account the right to it and no other', () => {
    const namespaces = shards.map(({ metadata }) => metadata.namespace)
    expect(new Set(namespaces).size).toBe(shards.length)
    expect(ofKind(manifests, 'Namespace').map(({ metadata }) => metadata.name)).toEqual(namespaces)
    for (const shard of shards) {
      expect(variable(shard, 'LEADER_ELECTION_NAMESPACE')).toBeUndefined()
      const account = podTemplate(shard).spec.serviceAccountName
      const bindings = [...ofKind(manifests, 'RoleBinding'), ...ofKind(manifests, 'ClusterRoleBinding')]
      const bound = bindings.filter(({ subjects }) => subjects?.some(({ name }) => name === account))
      expect(bound.map(({ kind, metadata, subjects }) => [kind, metadata.namespace, subjects?.[0]?.namespace])).toEqual(
        [
          ['RoleBinding', shard.metadata.namespace, shard.metadata.namespace],
          ['ClusterRoleBinding', undefined, shard.metadata.namespace],
        ],
      )
    }
    const lease = ofKind(manifests, 'Role').map(({ rules }) => rules?.find(({ resourceNames }) => resourceNames))
    expect(lease.map((rule) => rule?.resourceNames)).toEqual(shards.map(() => ['modelservice-operator']))
  })

  it('has one CRD', () => {
    expect(ofKind(manifests, 'CustomResourceDefinition')).toHaveLength(1)
  })

  it.skipIf(apiServerMissing())('divides the fleet: every object is taken by exactly one shard', async () => {
    const server: ApiServerAccess = await sharedApiServer()
    const objects = `/api/v1/namespaces/${await testNamespace(server)}/configmaps`
    for (const [name, shard] of Object.entries({ a: 'a', b: 'b', other: 'c', none: undefined })) {
      const labels = { test: 'shard', ...(shard !== undefined && { 'ai.zstack.io/shard': shard }) }
      await server.request('POST', objects, { metadata: { name, labels } })
    }
    const taken = await Promise.all(
      shards.map(async (shard) => {
        const labelSelector = `test=shard,${variable(shard, 'WATCH_LABEL_SELECTOR') ?? ''}`
        const { body } = await server.request('GET', `${objects}?${new URLSearchParams({ labelSelector }).toString()}`)
        return (body as { items: Manifest[] }).items.map(({ metadata }) => metadata.name)
      }),
    )
    expect(taken).toEqual([['a'], ['b', 'none', 'other']])
  })
})
