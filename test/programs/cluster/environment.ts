/** What every step has at hand. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { startZStackSimulator, type ZStackSimulator } from '../../support/zstack/simulator.ts'
import { createModelServices, services, type ModelServices } from './model-services.ts'
import type { Flags } from './flags.ts'
import { connect, type Kubernetes, type KubeObject } from './kubernetes.ts'
import { crdName, modelsNamespace, operatorNamespace, e2eLabels, e2eSelector, paths } from './names.ts'

export type Environment = {
  readonly kubernetes: Kubernetes
  readonly zstack: ZStackSimulator
  /** ZStack as pods reach it. */
  readonly endpoint: string
  /** Where the API server listens behind its Service: a NetworkPolicy has to allow that. */
  readonly apiServerPort: number
  readonly models: ModelServices
  /** What the cluster calls itself, for the first line. */
  readonly about: string
}

type Node = KubeObject & {
  readonly status: {
    readonly addresses: readonly { readonly type: string; readonly address: string }[]
    readonly nodeInfo: { readonly kubeletVersion: string }
  }
}

/** Throws where the cluster has an operator that this program did not install; what an earlier run left is removed. */
export async function prepareEnvironment({ kubeconfig, hostAddress, port }: Flags): Promise<Environment> {
  const kubernetes = await connect(kubeconfig)
  const nodes = (await kubernetes.get<{ items: Node[] }>('/api/v1/nodes'))?.items ?? []
  await assertClusterIsFree(kubernetes)
  await clean(kubernetes)
  const zstack = await startZStackSimulator({ host: '0.0.0.0', port, services: services() })
  const [node] = nodes
  const nodeAddress = node?.status.addresses.find(({ type }) => type === 'InternalIP')?.address ?? ''
  const host = hostAddress ?? (await addressTowards(nodeAddress))
  const { port: bound, pathname } = new URL(zstack.url)
  return {
    kubernetes,
    zstack,
    endpoint: `http://${host}:${bound}${pathname}`,
    apiServerPort: await apiServerPort(kubernetes),
    models: createModelServices(kubernetes, zstack),
    about: `Kubernetes ${node?.status.nodeInfo.kubeletVersion ?? ''}, ${nodes.length} node${nodes.length === 1 ? '' : 's'}`,
  }
}

/** A run deletes the CRD, and every ModelService with it. */
async function assertClusterIsFree(kubernetes: Kubernetes): Promise<void> {
  const crd = await kubernetes.get<KubeObject>(paths.crd)
  if (crd === undefined) return
  const isFromEarlierRun = isFromThisProgram(crd) || (await kubernetes.get(paths.namespace)) !== undefined
  const { items = [] } = (await kubernetes.get<{ items: KubeObject[] }>(paths.everyModel)) ?? {}
  if (isFromEarlierRun && items.every(({ metadata }) => metadata.namespace === modelsNamespace)) return
  throw new Error(`this cluster has ${crdName} already: take one where nobody would miss it`)
}

/** Removes whatever a run makes. */
export async function clean(kubernetes: Kubernetes): Promise<void> {
  const gone = ['--ignore-not-found', '--wait', '--timeout=120s']
  // Objects before their CRD, and the operator before both: it would only look after what is about to go.
  await kubernetes.kubectl(['delete', 'namespace', operatorNamespace, modelsNamespace, ...gone])
  await kubernetes.kubectl(['delete', 'clusterrole,clusterrolebinding', '-l', e2eSelector, ...gone])
  const release = `${operatorNamespace}-modelservice-operator`
  const roles = ['', '-view', '-edit'].map((suffix) => `clusterrole/${release}${suffix}`)
  await kubernetes.kubectl(['delete', ...roles, `clusterrolebinding/${release}`, ...gone])
  await kubernetes.kubectl(['delete', 'crd', crdName, ...gone])
}

function isFromThisProgram({ metadata: { labels = {} } }: KubeObject): boolean {
  return Object.entries(e2eLabels).every(([name, value]) => labels[name] === value)
}

/** The address of this machine that a packet to the node would bear. */
async function addressTowards(node: string): Promise<string> {
  const socket = createSocket(node.includes(':') ? 'udp6' : 'udp4')
  try {
    socket.connect(9, node)
    await once(socket, 'connect')
    return socket.address().address
  } finally {
    socket.close()
  }
}

async function apiServerPort(kubernetes: Kubernetes): Promise<number> {
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes'
  const slice = await kubernetes.get<{ ports: readonly { port: number }[] }>(slices)
  return slice?.ports[0]?.port ?? 6443
}
