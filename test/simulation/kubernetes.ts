/** The API server of a simulated world, as one process after the other reaches it. */
import { group, plural, version as apiVersion } from '../../src/api/names.ts'
import { ApiError, type ApiRequest, type Cluster } from '../../src/kube/cluster.ts'
import type { Chance } from './chance.ts'
import { exchange } from './exchange.ts'
import type { Change, Lease, Objects, Stored } from './objects.ts'
import { silence, type Process } from './process.ts'
import { objectOf, sourceOf, type SourceRead, type Sources } from './sources.ts'
import type { Time } from './time.ts'
import { fateOf, type KubeOperation, type KubeTrouble, type Troubles } from './trouble.ts'
import { openWatch, type View, type Watcher } from './watching.ts'

/** Who watches over what a process does. */
export type KubeWitness = {
  readonly asks: (operation: KubeOperation, request: ApiRequest) => void
  readonly answered: (operation: KubeOperation, failure: ApiError | undefined) => void
  readonly watching: (what: string) => void
}

export interface Kubernetes {
  clusterFor(process: Process, view: View, witness: KubeWitness): Cluster
  watchers(): readonly Watcher[]
  /** Refuses everything and breaks every watch, for so long. */
  goDown(forMs: number): void
  /** Ends what is left of an outage. */
  comeUp(): void
  /** Status patches and events that were taken. */
  writes(): number
}

export type KubernetesOptions = {
  readonly time: Time
  readonly chance: Chance
  readonly objects: Objects
  readonly sources?: Sources
  /** Whether they may be watched by name. */
  readonly mayWatchSources?: boolean
  readonly troubles: Troubles<KubeTrouble>
  /** No page of a list is longer. */
  readonly pageSize: number
  /** Namespaces whose ModelServices may not be listed or watched. */
  readonly forbidden?: ReadonlySet<string>
}

const requestLimitMs = 15_000
const slowMs = 9_000
/** What an API server says in its first moments. */
const startingMs = 600
/** A stale list is at most so many versions old. */
const maxStaleVersions = 12

type SourceChange = { readonly version: number; readonly key: string; readonly read: SourceRead }

type Answer = { readonly value: unknown } | { readonly error: ApiError }

export function createKubernetes(options: KubernetesOptions): Kubernetes {
  const { time, chance, objects, sources, troubles, pageSize, forbidden } = options
  const watches = new Map<Watcher, (change: Change) => void>()
  const sourceWatches = new Map<Watcher, (change: SourceChange) => void>()
  let downUntil = -1
  let writes = 0
  objects.onChange((change) => {
    for (const tell of watches.values()) tell(change)
  })
  sources?.onChange((key) => {
    for (const tell of sourceWatches.values()) tell({ version: sources.version(), key, read: sources.read(key) })
  })

  function forbiddenIn(url: URL): ApiError | undefined {
    const namespace = namespaceIn(url)
    const isForbidden = namespace !== undefined && forbidden?.has(namespace) && !url.pathname.endsWith('/status')
    return isForbidden ? new ApiError(403, `modelservices is forbidden in the namespace "${namespace}"`) : undefined
  }

  function forbiddenWatch(source: string | undefined): ApiError | undefined {
    if (source === undefined || (options.mayWatchSources === true && sources?.read(source) !== 'forbidden'))
      return undefined
    return new ApiError(403, `User "operator" cannot watch ${source}`)
  }

  function refusal(what: string | undefined, operation: KubeOperation): ApiError | undefined {
    if (time.now() < downUntil + startingMs && downUntil > 0)
      return new ApiError(429, 'storage is (re)initializing', { retryAfterMs: 1_000 })
    switch (what) {
      case 'status 500':
        return new ApiError(500, 'Internal error occurred')
      case 'status 503':
        return new ApiError(503, 'the server is currently unable to handle the request')
      case 'status 429':
        return new ApiError(429, 'too many requests', { retryAfterMs: chance.whole(1, 5) * 1_000 })
      case 'conflict':
        return operation === 'status' || operation === 'lease' ? new ApiError(409, 'modified meanwhile') : undefined
      case 'gone':
        return operation === 'watch' ? new ApiError(410, 'too old resource version') : undefined
      default:
        return undefined
    }
  }

  function list(url: URL, isStale: boolean): unknown {
    const namespace = namespaceIn(url)
    const name = url.searchParams.get('fieldSelector')?.replace('metadata.name=', '')
    const token = url.searchParams.get('continue')
    const [at = 0, skip = 0] = token?.split(':').map(Number) ?? [
      isStale ? Math.max(100, objects.version() - chance.whole(1, maxStaleVersions)) : objects.version(),
    ]
    if (token && at < objects.oldest()) throw new ApiError(410, 'the continue token is too old')
    const limit = Math.min(pageSize, Number(url.searchParams.get('limit') ?? 500))
    const all = objects
      .asOf(at)
      .filter(({ metadata }) => (namespace ?? metadata.namespace) === metadata.namespace)
      .filter(({ metadata }) => (name ?? metadata.name) === metadata.name)
    const more = skip + limit < all.length ? `${at}:${skip + limit}` : undefined
    return {
      items: all.slice(skip, skip + limit),
      metadata: { resourceVersion: String(at), ...(more !== undefined && { continue: more }) },
    }
  }

  function handle({ method, body }: ApiRequest, url: URL, operation: KubeOperation, isStale: boolean): unknown {
    switch (operation) {
      case 'list':
      case 'watch':
        return list(url, isStale)
      case 'status': {
        const [, namespace = '', name = ''] = /\/namespaces\/([^/]+)\/[^/]+\/([^/]+)\/status$/.exec(url.pathname) ?? []
        const stored = objects.replaceStatus(`${namespace}/${name}`, body as Stored)
        writes += 1
        return stored
      }
      case 'event':
        writes += 1
        return body
      case 'reference': {
        const key = sourceIn(url)
        const source = sources?.read(key) ?? 'missing'
        if (source === 'missing') throw new ApiError(404, 'not found')
        if (source === 'forbidden') throw new ApiError(403, `User "operator" cannot get ${key}`)
        return objectOf(key, source)
      }
      case 'lease': {
        const lease = objects.lease()
        if (method !== 'GET') return objects.writeLease(body as Lease, method === 'POST')
        if (!lease) throw new ApiError(404, 'not found')
        return lease
      }
    }
  }

  function clusterFor(process: Process, view: View, witness: KubeWitness): Cluster {
    /** Pages of lists that are not complete, by scope. */
    const pages = new Map<string | undefined, readonly Stored[]>()

    /** What an answer tells the process of ModelServices. */
    function show(operation: KubeOperation, url: URL, answer: unknown) {
      if (operation === 'status') view.wrote(answer as Stored)
      if (operation !== 'list' || url.searchParams.has('fieldSelector')) return
      const { items, metadata } = answer as { items: Stored[]; metadata: { continue?: string } }
      const namespace = namespaceIn(url)
      const listed = url.searchParams.has('continue') ? [...(pages.get(namespace) ?? []), ...items] : items
      pages.set(namespace, listed)
      if (metadata.continue === undefined) view.list(listed, namespace)
    }

    /** What the process is told of a source; nothing is learned of it where the read itself failed. */
    function showSource(key: string, answer: Answer) {
      if ('value' in answer) view.sources.set(key, sourceOf(key, answer.value))
      else if (answer.error.status === 404) view.sources.set(key, 'missing')
      else if (answer.error.status === 403) view.sources.set(key, 'forbidden')
    }

    async function send(request: ApiRequest, signal: AbortSignal): Promise<unknown> {
      const url = new URL(request.path, 'http://kubernetes')
      const operation = operationOf(url)
      const trouble = troubles.meets(operation)
      const fate = time.now() < downUntil ? refused : fateOf(trouble?.what, chance, slowMs)
      // Objects are replaced and never changed, so none is copied; a body is as its JSON has it.
      const { body } = request
      const wanted = body === undefined ? request : { ...request, body: JSON.parse(JSON.stringify(body)) as unknown }
      witness.asks(operation, wanted)
      if (process.isDead()) return silence(process)
      const answer = await exchange<Answer>({
        ...{ time, process, fate, signal, limitMs: requestLimitMs },
        arrive: () => {
          if (time.now() < downUntil) return { error: new ApiError(0, 'connection refused') }
          const error = forbiddenIn(url) ?? refusal(trouble?.what, operation)
          return error ? { error } : attempt(() => handle(wanted, url, operation, trouble?.what === 'stale list'))
        },
        delivered: (answer) => {
          if (operation === 'reference') showSource(sourceIn(url), answer)
          else if ('value' in answer) show(operation, url, answer.value)
          witness.answered(operation, 'error' in answer ? answer.error : undefined)
        },
        failed: (how) => new ApiError(0, `no answer from the API server: ${how}`),
      })
      if ('error' in answer) throw answer.error
      return answer.value
    }

    async function stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
      const url = new URL(path, 'http://kubernetes')
      const source = url.pathname.startsWith('/api/v1/') ? sourceIn(url) : undefined
      const trouble = troubles.meets('watch')
      const fate = time.now() < downUntil ? refused : fateOf(trouble?.what, chance, slowMs)
      const from = Number(url.searchParams.get('resourceVersion'))
      witness.watching(source === undefined ? `opens a watch from ${from}` : `opens a watch on ${source}`)
      const answer = await exchange<{ error: ApiError } | { value: undefined }>({
        ...{ time, process, fate, signal, limitMs: 600_000 },
        arrive: () => {
          const error =
            time.now() < downUntil
              ? new ApiError(0, 'refused')
              : (forbiddenIn(url) ?? forbiddenWatch(source) ?? refusal(trouble?.what, 'watch'))
          if (error) return { error }
          return source === undefined && from < objects.oldest()
            ? { error: new ApiError(410, 'too old resource version') }
            : { value: undefined }
        },
        failed: (how) => new ApiError(0, `no answer from the API server: ${how}`),
      })
      if ('error' in answer) throw answer.error
      const common = {
        ...{ time, process, signal },
        timeoutMs: Number(url.searchParams.get('timeoutSeconds')) * 1_000,
        current: {
          delayMs: () => (meets('late events') ? chance.whole(0, 8_000) : chance.whole(0, 10)),
          repeats: () => meets('repeated events'),
          splits: () => meets('split lines'),
        },
      }
      return source === undefined ? streamObjects(from, namespaceIn(url)) : streamSource(source)

      function streamObjects(version: number, namespace: string | undefined) {
        const opened = openWatch<Change>({
          ...{ ...common, version, backlog: objects.since(version), hasBookmarks: true },
          lineOf: ({ type, object }) =>
            (namespace ?? object.metadata.namespace) === object.metadata.namespace
              ? { type, object: { apiVersion: `${group}/${apiVersion}`, kind: 'ModelService', ...object } }
              : undefined,
          delivered: (change) => view.change(change),
          closed: () => watches.delete(opened.watcher),
        })
        watches.set(opened.watcher, opened.tell)
        return opened.chunks
      }

      /** The lines tell that a source has changed; what it holds, a process reads. */
      function streamSource(key: string) {
        const present: SourceChange = { version: sources?.version() ?? 0, key, read: sources?.read(key) ?? 'missing' }
        const opened = openWatch<SourceChange>({
          ...{ ...common, version: present.version, hasBookmarks: false },
          backlog: typeof present.read === 'string' ? [] : [present],
          lineOf: ({ key: changed, read }) => {
            if (changed !== key || read === 'forbidden') return undefined
            return read === 'missing'
              ? { type: 'DELETED', object: {} }
              : { type: 'MODIFIED', object: objectOf(key, read) }
          },
          delivered: () => undefined,
          closed: () => sourceWatches.delete(opened.watcher),
        })
        sourceWatches.set(opened.watcher, opened.tell)
        return opened.chunks
      }
    }

    return {
      server: 'http://kubernetes',
      namespace: 'operators',
      serviceAccount: () => undefined,
      send: (request, signal) => (process.isDead() ? silence(process) : send(request, signal)),
      stream: (path, signal) => (process.isDead() ? silence(process) : stream(path, signal)),
      close: () => Promise.resolve(),
    }
  }

  const meets = (what: KubeTrouble['what']) => troubles.meets('watch')?.what === what

  return {
    clusterFor,
    watchers: () => [...watches.keys(), ...sourceWatches.keys()],
    goDown(forMs) {
      downUntil = time.now() + forMs
      for (const watcher of [...watches.keys(), ...sourceWatches.keys()]) watcher.cut()
    },
    comeUp() {
      downUntil = Math.min(downUntil, time.now())
    },
    writes: () => writes,
  }
}

const refused = { there: 1, back: 1, end: 'refused' } as const

function attempt(work: () => unknown): Answer {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof ApiError) return { error }
    throw error
  }
}

function operationOf({ pathname }: URL): KubeOperation {
  if (pathname.startsWith('/apis/coordination.k8s.io/')) return 'lease'
  if (/^\/api\/v1\/namespaces\/[^/]+\/(secrets|configmaps)\//.test(pathname)) return 'reference'
  if (pathname.startsWith('/api/v1/')) return 'event'
  if (!pathname.startsWith(`/apis/${group}/${apiVersion}/`)) throw new Error(`nobody knows ${pathname}`)
  return pathname.endsWith('/status') ? 'status' : 'list'
}

/** The key of the source that a path, or the field selector of a watch, names. */
function sourceIn({ pathname, searchParams }: URL): string {
  const [, namespace = '', plural = '', name] =
    /\/namespaces\/([^/]+)\/(secrets|configmaps)(?:\/([^/]+))?$/.exec(pathname) ?? []
  const selected = searchParams.get('fieldSelector')?.replace('metadata.name=', '')
  return `${plural === 'secrets' ? 'Secret' : 'ConfigMap'} ${namespace}/${name ?? selected ?? ''}`
}

function namespaceIn({ pathname }: URL): string | undefined {
  return new RegExp(`/namespaces/([^/]+)/${plural}`).exec(pathname)?.[1]
}
