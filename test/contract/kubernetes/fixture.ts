import { createCluster, loadKubeConfig, type Cluster } from '../../../src/kube/cluster.ts'
import { createResource, type KubeObject, type Resource } from '../../../src/kube/resource.ts'

/** A running Kubernetes API server that the client is tested against. */
export interface KubernetesServer {
  /** Path of a kubeconfig that may do everything. */
  readonly kubeconfig: string
  /** An empty namespace of the caller's own. */
  namespace(): Promise<string>
  /** One request behind the client's back; rejects unless it succeeds. */
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown>
  /** Makes sure that version 1 is too old to watch from. */
  expireHistory(): void
  close(): Promise<void>
}

/** A custom resource of the suite alone, with a status subresource. */
export const sampleCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'samples.contract.example.com' },
  spec: {
    group: 'contract.example.com',
    scope: 'Namespaced',
    names: { kind: 'Sample', listKind: 'SampleList', plural: 'samples', singular: 'sample' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { size: { type: 'integer' } } },
              status: {
                type: 'object',
                properties: {
                  seen: { type: 'integer' },
                  parts: { type: 'object', additionalProperties: { type: 'string' } },
                },
              },
            },
          },
        },
      },
    ],
  },
}

export type Sample = KubeObject & {
  readonly spec?: { readonly size?: number }
  readonly status?: { readonly seen?: number; readonly parts?: Readonly<Record<string, string>> }
}

export const kind = { group: 'contract.example.com', version: 'v1', plural: 'samples', kind: 'Sample' }

/** What one test works on: a namespace that no other test uses, and a client. */
export interface ContractFixture {
  readonly server: KubernetesServer
  readonly cluster: Cluster
  readonly namespace: string
  readonly samples: Resource<Sample>
  /** The functions below go to the server directly, past the client under test. */
  readonly path: (name?: string) => string
  readonly create: (name: string, labels?: Readonly<Record<string, string>>) => Promise<Sample>
  readonly resize: (name: string, size: number) => Promise<unknown>
  readonly remove: (name: string) => Promise<unknown>
}

export async function openFixture(server: KubernetesServer): Promise<ContractFixture> {
  const namespace = await server.namespace()
  const config = loadKubeConfig({ KUBECONFIG: server.kubeconfig })
  const cluster = createCluster(config, { userAgent: 'contract/1', requestTimeoutMs: 10_000 })
  const path = (name = '') => `/apis/contract.example.com/v1/namespaces/${namespace}/samples${name && `/${name}`}`
  return {
    server,
    cluster,
    namespace,
    samples: createResource<Sample>(cluster, { ...kind, namespace }),
    path,
    create: async (name, labels = {}) =>
      (await server.request('POST', path(), {
        apiVersion: 'contract.example.com/v1',
        kind: 'Sample',
        metadata: { name, labels },
        spec: { size: 1 },
      })) as Sample,
    resize: (name, size) => server.request('PATCH', path(name), { spec: { size } }, 'application/merge-patch+json'),
    remove: (name) => server.request('DELETE', path(name)),
  }
}

/** For what takes a moment here, and longer on a machine that is busy. */
export const patience = { timeout: 10_000 }
export const soon = () => AbortSignal.timeout(10_000)
