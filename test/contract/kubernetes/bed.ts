import { createCluster, loadKubeConfig, type Cluster } from '../../../src/kube/cluster.ts'
import { createResource, type KubeObject, type Resource } from '../../../src/kube/resource.ts'

/** A Kubernetes API to hold the client against. */
export interface KubernetesBed {
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

/** A kind of the suite's own, with a status of its own. */
export const gadgetCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.contract.example.com' },
  spec: {
    group: 'contract.example.com',
    scope: 'Namespaced',
    names: { kind: 'Gadget', listKind: 'GadgetList', plural: 'gadgets', singular: 'gadget' },
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

export type Gadget = KubeObject & {
  readonly spec?: { readonly size?: number }
  readonly status?: { readonly seen?: number; readonly parts?: Readonly<Record<string, string>> }
}

export const kind = { group: 'contract.example.com', version: 'v1', plural: 'gadgets', kind: 'Gadget' }

/** What one test works on: a namespace of its own, and a client. */
export interface Plot {
  readonly bed: KubernetesBed
  readonly cluster: Cluster
  readonly namespace: string
  readonly gadgets: Resource<Gadget>
  /** All that follows is done behind the client's back. */
  readonly path: (name?: string) => string
  readonly create: (name: string, labels?: Readonly<Record<string, string>>) => Promise<Gadget>
  readonly resize: (name: string, size: number) => Promise<unknown>
  readonly remove: (name: string) => Promise<unknown>
}

export async function openPlot(bed: KubernetesBed): Promise<Plot> {
  const namespace = await bed.namespace()
  const config = loadKubeConfig({ KUBECONFIG: bed.kubeconfig })
  const cluster = createCluster(config, { userAgent: 'contract/1', requestTimeoutMs: 10_000 })
  const path = (name = '') => `/apis/contract.example.com/v1/namespaces/${namespace}/gadgets${name && `/${name}`}`
  return {
    bed,
    cluster,
    namespace,
    gadgets: createResource<Gadget>(cluster, { ...kind, namespace }),
    path,
    create: async (name, labels = {}) =>
      (await bed.request('POST', path(), {
        apiVersion: 'contract.example.com/v1',
        kind: 'Gadget',
        metadata: { name, labels },
        spec: { size: 1 },
      })) as Gadget,
    resize: (name, size) => bed.request('PATCH', path(name), { spec: { size } }, 'application/merge-patch+json'),
    remove: (name) => bed.request('DELETE', path(name)),
  }
}

/** For what takes a moment here, and longer on a machine that is busy. */
export const patience = { timeout: 10_000 }
export const soon = () => AbortSignal.timeout(10_000)
