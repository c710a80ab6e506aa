/** Reading and writing one kind of object. */
import type { Cluster } from './cluster.ts'

export type KubeObject = {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion: string
  }
}

export type List<T> = {
  readonly items: readonly T[]
  readonly resourceVersion: string
  readonly more: string | undefined
}

export interface Resource<T extends KubeObject> {
  /** One page, as fresh as the API server has it. */
  list(page: { readonly limit: number; readonly more: string | undefined }, signal: AbortSignal): Promise<List<T>>
  /** The lines of a watch that begins after `version` and that the server ends after `timeoutSeconds`. */
  watch(version: string, timeoutSeconds: number, signal: AbortSignal): Promise<AsyncIterable<Buffer>>
  /** Merges into the status of the object of that uid; an object that was replaced is a conflict. */
  patchStatus(object: T, patch: unknown, signal: AbortSignal): Promise<T>
}

export type ResourceOptions = {
  readonly group: string
  readonly version: string
  readonly plural: string
  /** All namespaces where absent. */
  readonly namespace?: string
  readonly labelSelector?: string
}

export function createResource<T extends KubeObject>(cluster: Cluster, options: ResourceOptions): Resource<T> {
  const { group, version, plural, namespace, labelSelector } = options
  const root = `/apis/${group}/${version}`
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  const collection = (query: Record<string, string | undefined>) => {
    const selected = Object.entries({ labelSelector, ...query }).filter(([, value]) => value !== undefined)
    return `${root}${scope}/${plural}?${new URLSearchParams(selected as [string, string][]).toString()}`
  }
  return {
    async list({ limit, more }, signal) {
      const path = collection({ limit: String(limit), continue: more })
      const list = (await cluster.send({ method: 'GET', path }, signal)) as {
        items?: readonly T[]
        metadata?: { resourceVersion?: string; continue?: string }
      }
      const { resourceVersion = '', continue: next } = list.metadata ?? {}
      return { items: list.items ?? [], resourceVersion, more: next === '' ? undefined : next }
    },
    watch: (resourceVersion, timeoutSeconds, signal) =>
      cluster.stream(
        collection({
          watch: 'true',
          allowWatchBookmarks: 'true',
          resourceVersion,
          timeoutSeconds: String(timeoutSeconds),
        }),
        signal,
      ),
    async patchStatus({ metadata }, patch, signal) {
      const path = `${root}/namespaces/${encodeURIComponent(metadata.namespace)}/${plural}/${encodeURIComponent(metadata.name)}/status`
      const body = { metadata: { uid: metadata.uid }, status: patch }
      return (await cluster.send(
        { method: 'PATCH', path, body, contentType: 'application/merge-patch+json' },
        signal,
      )) as T
    },
  }
}
