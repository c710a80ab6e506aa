import { execFile } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findTool, toolMissing } from '../support/tools/tools.ts'
import { type Manifest, parseManifests } from './manifest.ts'

const run = promisify(execFile)
const maxBuffer = 16 * 1024 * 1024
const deploy = new URL('../../deploy/', import.meta.url)

export const chart = fileURLToPath(new URL('charts/modelservice-operator', deploy))

/** Why nothing can be rendered by kustomize here, or undefined. */
export const kubectlMissing = await run('kubectl', ['version', '--client']).then(
  () => undefined,
  () => 'kubectl is not on PATH',
)

if (kubectlMissing !== undefined) console.log(`tests that render by kustomize are skipped: ${kubectlMissing}`)

const helm = await findTool('helm')
/** Why nothing can be rendered by Helm here, or undefined. */
export const helmMissing = helm === undefined ? toolMissing('helm') : undefined
if (helmMissing !== undefined) console.log(`tests that render by Helm are skipped: ${helmMissing}`)

/** What `kubectl apply -k FOLDER` sends. */
export async function kustomizeAt(folder: string): Promise<Manifest[]> {
  const { stdout } = await run('kubectl', ['kustomize', folder], { maxBuffer })
  return parseManifests(stdout)
}

/** The same of a folder beneath `deploy`; of several components, in this order, where more are named. */
export async function kustomize(folder: string, ...components: readonly string[]): Promise<Manifest[]> {
  const at = (path: string) => fileURLToPath(new URL(path, deploy))
  if (components.length === 0) return kustomizeAt(at(folder))
  const place = await realpath(await mkdtemp(join(tmpdir(), 'components-')))
  try {
    const named = [folder, ...components].map((each) => relative(place, at(each)))
    await writeFile(join(place, 'kustomization.yaml'), JSON.stringify({ components: named }))
    return await kustomizeAt(place)
  } finally {
    await rm(place, { recursive: true })
  }
}

export type Values = Readonly<Record<string, unknown>>
type Ended = { readonly ok: boolean; readonly stdout: string; readonly stderr: string }

/** Runs the real Helm with values, given to it on its stdin. */
export async function runHelm(args: readonly string[], values?: Values, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const withValues = values === undefined ? args : [...args, '--values', '-']
  // No cluster unless the test names one.
  const running = run(helm ?? 'helm', withValues, {
    maxBuffer,
    env: { ...process.env, KUBECONFIG: '/dev/null', ...env },
  })
  running.child.stdin?.end(values === undefined ? '' : JSON.stringify(values))
  return running.then(
    ({ stdout, stderr }) => ({ ok: true, stdout, stderr }),
    (error: unknown) => ({ ok: false, ...(error as { stdout: string; stderr: string }) }),
  )
}

const release = 'modelservice-operator'

/** The oldest that the chart is promised for. Without a cluster Helm takes that which it was built with, if any. */
export const kubeVersion = ['--kube-version', '1.29.0'] as const

export function template(values: Values, namespace = 'modelservice-system'): Promise<Ended> {
  return runHelm(['template', release, chart, '--namespace', namespace, ...kubeVersion], values)
}

async function renderAll(values: Values, namespace?: string): Promise<Manifest[]> {
  const { ok, stdout, stderr } = await template(values, namespace)
  if (!ok) throw new Error(stderr)
  return parseManifests(stdout)
}

const isHook = ({ metadata }: Manifest) => metadata.annotations?.['helm.sh/hook'] !== undefined

/** What an install of the chart with these values sends. */
export async function renderChart(values: Values, namespace?: string): Promise<Manifest[]> {
  return (await renderAll(values, namespace)).filter((manifest) => !isHook(manifest))
}

/** What `helm test` of such an install sends. */
export async function renderChartTest(values: Values, namespace?: string): Promise<Manifest[]> {
  return (await renderAll(values, namespace)).filter(isHook)
}

/** What an install needs, and nothing else. */
export const minimalValues = {
  zstack: {
    endpoint: 'http://zstack.example.com:8080/zstack',
    credentials: { existingSecret: 'modelservice-operator-zstack' },
  },
} as const

/** A value for everything that can be set, each another than the default. */
export const fullValues = {
  zstack: {
    endpoint: 'https://zstack.example.com/zstack',
    credentials: { accountName: 'admin', accountPassword: 'it\'s "secret"' },
    ca: { pem: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', key: 'zstack.pem' },
    insecureSkipTlsVerify: true,
    requestBody: 'flat',
    requestTimeout: '20s',
    maxInFlight: 8,
  },
  pollInterval: '2m',
  watchNamespaces: ['default', 'models'],
  watchLabelSelector: 'ai.zstack.io/shard in (a, b)',
  maxConcurrentReconciles: 64,
  leaderElection: { namespace: 'default' },
  log: { level: 'debug', format: 'pretty' },
  metrics: {
    port: 9090,
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '15s', scrapeTimeout: '5s' },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    dashboard: { enabled: true, annotations: { grafana_folder: 'ZStack' } },
  },
  health: { port: 9091 },
  crds: { keep: false },
  image: { repository: 'registry.example.com/operator', digest: `sha256:${'0'.repeat(64)}`, pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'pull' }],
  replicas: 2,
  resources: { limits: { memory: '1Gi' } },
  fullnameOverride: 'keeper',
  podLabels: { team: 'models' },
  podAnnotations: { note: 'yes' },
  priorityClassName: 'system-cluster-critical',
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  topologySpreadConstraints: [
    { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' },
  ],
  terminationGracePeriodSeconds: 60,
  extraEnv: [{ name: 'KUBECONFIG', value: '/etc/other/kubeconfig' }],
  extraEnvFrom: [{ configMapRef: { name: 'more', optional: true } }],
  extraVolumes: [{ name: 'other', secret: { secretName: 'other' } }],
  extraVolumeMounts: [{ name: 'other', mountPath: '/etc/other' }],
  serviceAccount: { name: 'keeper', annotations: { a: 'b' } },
  rbac: {
    valueSources: [
      { namespace: 'default', secrets: ['hugging-face'], configMaps: ['chat-settings'] },
      { namespace: 'kube-system', all: true },
    ],
  },
  podDisruptionBudget: { maxUnavailable: '50%' },
  networkPolicy: {
    apiServerPorts: [16443],
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    extraEgress: [{ ports: [{ port: 3128 }] }],
  },
} as const
