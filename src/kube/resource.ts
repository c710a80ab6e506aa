/** Reading and writing one kind of object. */
import { ApiError, type Cluster } from './cluster.ts'

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
  /** Replaces the status of the object of that uid; nothing where it is gone, or another one took its name. */
  writeStatus(object: T, status: object, signal: AbortSignal): Promise<T | undefined>
}

export type ResourceOptions = {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  /** All namespaces where absent. */
  readonly namespace?: string
  readonly labelSelector?: string
}

/** So often a write is repeated after a conflict with another writer. */
const conflictTries = 5

export function createResource<T extends KubeObject>(cluster: Cluster, options: ResourceOptions): Resource<T> {
  const { group, version, plural, kind, namespace, labelSelector } = options
  const root = `/apis/${group}/${version}`
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  const collection = (query: Record<string, string | undefined>) => {
    const selected = Object.entries({ labelSelector, ...query }).filter(([, value]) => value !== undefined)
    return `${root}${scope}/${plural}?${new URLSearchParams(selected as [string, string][]).toString()}`
  }

  /** As it is now. It is listed because an informer may list anyway: no rule to get it is needed. */
  async function look(collection: string, name: string, signal: AbortSignal): Promise<T | undefined> {
    const query = new URLSearchParams({ fieldSelector: `metadata.name=${name}` }).toString()
    const list = await cluster.send({ method: 'GET', path: `${collection}?${query}` }, signal)
    return (list as { items?: readonly T[] | null }).items?.[0]
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
    async writeStatus({ metadata }, status, signal) {
      const { namespace, name, uid } = metadata
      const siblings = `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
      const path = `${siblings}/${encodeURIComponent(name)}/status`
      let { resourceVersion } = metadata
      for (let tries = 1; ; tries += 1) {
        // Of all this the server takes the status alone; uid and version are its conditions. A patch would say less, and
        // costs the API server a fifth more.
        const body = {
          apiVersion: `${group}/${version}`,
          kind,
          metadata: { name, namespace, uid, resourceVersion },
          status,
        }
        try {
          return (await cluster.send({ method: 'PUT', path, body }, signal)) as T
        } catch (error) {
          if (isStatus(error, 404)) return undefined
          if (!isStatus(error, 409) || tries === conflictTries) throw error
        }
        const now = await look(siblings, name, signal)
        if (now?.metadata.uid !== uid) return undefined
        resourceVersion = now.metadata.resourceVersion
      }
    },
  }
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status
}
