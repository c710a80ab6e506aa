import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { type Manifest, ofKind, podTemplate, theOnly } from './manifest.ts'
import { chart, fullValues, helmMissing, minimalValues, renderChart, runHelm } from './render.ts'

if (helmMissing !== undefined) console.log(`tests of the chart are skipped: ${helmMissing}`)

/** The environment that the operator's process gets, fields of the pod apart. */
function environmentOf(manifests: Manifest[]): Record<string, string> {
  const { containers } = podTemplate(theOnly(manifests, 'Deployment')).spec
  const { name } = theOnly(manifests, 'Deployment').metadata
  const config = ofKind(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === `${name}-config`)
  const set = containers[0].env.filter(({ value }) => value !== undefined).map((each) => [each.name, each.value])
  return { ...config?.data, ...(Object.fromEntries(set) as Record<string, string>) }
}

describe.skipIf(helmMissing !== undefined)('the chart', () => {
  it('has no complaint of helm lint, strictly', async () => {
    for (const values of [minimalValues, fullValues]) {
      expect(await runHelm(['lint', chart, '--strict'], values)).toMatchObject({ ok: true })
    }
  })

  it('by default configures the operator as the operator does by itself', async () => {
    const inCluster = { KUBERNETES_SERVICE_HOST: '10.0.0.1' }
    const { ZSTACK_ENDPOINT, ZSTACK_CREDENTIALS_DIR, ZSTACK_CREDENTIALS_SECRET, ...others } = environmentOf(
      await renderChart(minimalValues),
    )
    const required = { ...inCluster, ZSTACK_ENDPOINT, ZSTACK_CREDENTIALS_DIR, ZSTACK_CREDENTIALS_SECRET }
    expect(parseConfig({ ...required, ...others }, false)).toEqual({ ...parseConfig(required, false), ok: true })
    expect(Object.keys(others).length).toBeGreaterThan(5)
  })

  it('brings every value to the operator', async () => {
    const { ZSTACK_CA_FILE, KUBECONFIG, ...environment } = environmentOf(await renderChart(fullValues))
    expect(parseConfig(environment, false)).toEqual({
      ok: true,
      warnings: [],
      config: {
        endpoint: 'https://zstack.example.com/zstack',
        credentials: {
          kind: 'directory',
          directory: '/var/run/secrets/zstack',
          mounted: 'Secret keeper-zstack',
        },
        ca: undefined,
        insecureSkipTlsVerify: true,
        requestBody: 'flat',
        requestTimeoutMs: 20_000,
        maxInFlight: 8,
        pollIntervalMs: 120_000,
        watchNamespaces: ['default', 'models'],
        watchLabelSelector: 'ai.zstack.io/shard in (a, b)',
        maxConcurrentReconciles: 64,
        leaderElection: true,
        leaderElectionNamespace: 'default',
        pod: undefined,
        podNamespace: undefined,
        metricsPort: 9090,
        healthPort: 9091,
        logLevel: 'debug',
        logFormat: 'pretty',
      },
    })
    expect([ZSTACK_CA_FILE, KUBECONFIG]).toEqual(['/var/run/zstack-ca/zstack.pem', '/etc/other/kubeconfig'])
  })

  it('takes host and port in place of the endpoint', async () => {
    const manifests = await renderChart({
      zstack: { ...minimalValues.zstack, endpoint: '', host: '10.1.2.3', port: 8090 },
    })
    expect(parseConfig(environmentOf(manifests), false)).toMatchObject({
      config: { endpoint: 'http://10.1.2.3:8090/zstack' },
    })
    expect(JSON.stringify(theOnly(manifests, 'NetworkPolicy').spec?.egress)).toContain('"port":8090')
  })

  it.for([
    ['https://zstack.example.com/zstack', 443],
    ['http://zstack.example.com/zstack', 80],
    ['http://zstack.example.com:8081/zstack', 8081],
  ] as const)('lets the pod reach ZStack at %s', async ([endpoint, port]) => {
    const policy = theOnly(await renderChart({ zstack: { ...minimalValues.zstack, endpoint } }), 'NetworkPolicy')
    expect(policy.spec?.egress).toContainEqual({ ports: [{ port }] })
  })

  it('makes a Secret of credentials given inline, and mounts it where the operator reads them', async () => {
    const manifests = await renderChart(fullValues)
    const secret = theOnly(manifests, 'Secret')
    expect(secret.stringData).toEqual({ ZSTACK_ACCOUNT_NAME: 'admin', ZSTACK_ACCOUNT_PASSWORD: 'it\'s "secret"' })
    const { volumes, containers } = podTemplate(theOnly(manifests, 'Deployment')).spec
    expect(volumes).toContainEqual({ name: 'zstack', secret: { secretName: secret.metadata.name, optional: true } })
    expect(containers[0].volumeMounts).toContainEqual({
      name: 'zstack',
      mountPath: '/var/run/secrets/zstack',
      readOnly: true,
    })
    expect(JSON.stringify(manifests.filter(({ kind }) => kind !== 'Secret'))).not.toContain('secret\\"')
  })

  it('mounts the authority of ZStack where the operator reads it', async () => {
    const caOf = async (ca: object) => {
      const manifests = await renderChart({ zstack: { ...minimalValues.zstack, ca } })
      const { volumes, containers } = podTemplate(theOnly(manifests, 'Deployment')).spec
      expect(containers[0].volumeMounts).toContainEqual(expect.objectContaining({ mountPath: '/var/run/zstack-ca' }))
      return { volume: volumes?.find(({ name }) => name === 'zstack-ca'), manifests }
    }
    const inline = await caOf({ pem: fullValues.zstack.ca.pem })
    expect(inline.volume).toMatchObject({ configMap: { name: 'modelservice-operator-ca' } })
    const made = ofKind(inline.manifests, 'ConfigMap').find(({ metadata }) => metadata.name.endsWith('-ca'))
    expect(made?.data).toEqual({ 'ca.crt': fullValues.zstack.ca.pem })
    expect((await caOf({ existingSecret: 'tls' })).volume).toMatchObject({ secret: { secretName: 'tls' } })
    expect((await caOf({ existingConfigMap: 'cas' })).volume).toMatchObject({ configMap: { name: 'cas' } })
  })

  it('starts other pods when the configuration changes, not when credentials do', async () => {
    const annotationsWith = async (zstack: object) => {
      const manifests = await renderChart({ zstack: { ...minimalValues.zstack, ...zstack } })
      return podTemplate(theOnly(manifests, 'Deployment')).metadata.annotations
    }
    const credentials = (accessKeySecret: string) => ({ credentials: { accessKeyId: 'id', accessKeySecret } })
    expect(await annotationsWith(credentials('old'))).toEqual(await annotationsWith(credentials('new')))
    expect(await annotationsWith({ maxInFlight: 8 })).not.toEqual(await annotationsWith({ maxInFlight: 9 }))
  })

  it('has no right on the cluster when it watches namespaces by name', async () => {
    const manifests = await renderChart(fullValues)
    expect(manifests.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([])
    const [cluster] = ofKind(await renderChart(minimalValues), 'ClusterRole')
    const watching = ofKind(manifests, 'Role').filter(({ rules }) => JSON.stringify(rules).includes('modelservices'))
    expect(watching.map(({ metadata, rules }) => [metadata.namespace, rules])).toEqual([
      ['default', cluster?.rules],
      ['models', cluster?.rules],
    ])
  })

  it('puts every value about the pod into the pod', async () => {
    const { replicas, nodeSelector, tolerations, affinity, topologySpreadConstraints, priorityClassName } = fullValues
    const deployment = theOnly(await renderChart(fullValues), 'Deployment')
    expect(deployment).toMatchObject({
      metadata: { name: 'keeper' },
      spec: {
        replicas,
        template: {
          metadata: { labels: fullValues.podLabels, annotations: fullValues.podAnnotations },
          spec: {
            serviceAccountName: 'keeper',
            nodeSelector,
            tolerations,
            affinity,
            topologySpreadConstraints,
            priorityClassName,
            terminationGracePeriodSeconds: 60,
            imagePullSecrets: fullValues.imagePullSecrets,
          },
        },
      },
    })
    const { containers, volumes } = podTemplate(deployment).spec
    expect(containers[0]).toMatchObject({
      image: `registry.example.com/operator@${fullValues.image.digest}`,
      imagePullPolicy: 'Always',
      resources: { limits: { memory: '1Gi' } },
    })
    expect(containers[0].envFrom).toContainEqual(fullValues.extraEnvFrom[0])
    expect(containers[0].volumeMounts).toContainEqual(fullValues.extraVolumeMounts[0])
    expect(volumes).toContainEqual(fullValues.extraVolumes[0])
  })

  it('leaves out what is turned off', async () => {
    const manifests = await renderChart({
      ...minimalValues,
      metrics: { port: 0 },
      health: { port: 0 },
      crds: { install: false },
      serviceAccount: { create: false },
      rbac: { create: false },
      podDisruptionBudget: { enabled: false },
      networkPolicy: { enabled: false },
    })
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(['ConfigMap', 'Deployment'])
    const [container] = podTemplate(theOnly(manifests, 'Deployment')).spec.containers
    expect(Object.keys(container)).not.toEqual(expect.arrayContaining([expect.stringMatching(/Probe$|^ports$/)]))
  })
})
