import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import type { ApiServerAccess } from '../support/envtest/access.ts'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'
import { type Manifest, ofKind, podTemplate, theOnly } from './manifest.ts'
import { kubectlMissing, kustomize } from './render.ts'

if (kubectlMissing !== undefined) console.log(`tests of the kustomize manifests are skipped: ${kubectlMissing}`)

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
    const manifests = await kustomize(folder)
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
