/** The API server of a simulated world, as one process after the other reaches it. */
import { group, plural, version } from '../../src/api/names.ts'
import { ApiError, type ApiRequest, type Cluster } from '../../src/kube/cluster.ts'
import type { Chance } from './chance.ts'
import { exchange } from './exchange.ts'
import type { Lease, Objects, Stored } from './objects.ts'
import { silence, type Process } from './process.ts'
import type { Secret, Secrets } from './secrets.ts'
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
  readonly secrets?: Secrets
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

type Answer = { readonly value: unknown } | { readonly error: ApiError }

export function createKubernetes(options: KubernetesOptions): Kubernetes {
  const { time, chance, objects, secrets, troubles, pageSize, forbidden } = options
  const watches = new Map<Watcher, ReturnType<typeof openWatch>['tell']>()
  let downUntil = -1
  let writes = 0
  objects.onChange((change) => {
    for (const tell of watches.values()) tell(change)
  })

  function forbiddenIn(url: URL): ApiError | undefined {
    const namespace = namespaceIn(url)
    const isForbidden = namespace !== undefined && forbidden?.has(namespace) && !url.pathname.endsWith('/status')
    return isForbidden ? new ApiError(403, `modelservices is forbidden in the namespace "${namespace}"`) : undefined
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
        const secret = secrets?.get(secretIn(url))
        if (!secret) throw new ApiError(404, 'not found')
        return secret
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
      if (operation === 'reference') view.secrets.set(secretIn(url), answer as Secret)
      if (operation !== 'list' || url.searchParams.has('fieldSelector')) return
      const { items, metadata } = answer as { items: Stored[]; metadata: { continue?: string } }
      const namespace = namespaceIn(url)
      const listed = url.searchParams.has('continue') ? [...(pages.get(namespace) ?? []), ...items] : items
      pages.set(namespace, listed)
      if (metadata.continue === undefined) view.list(listed, namespace)
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
          if ('value' in answer) show(operation, url, answer.value)
          else if (operation === 'reference' && answer.error.status === 404) view.secrets.delete(secretIn(url))
          witness.answered(operation, 'error' in answer ? answer.error : undefined)
        },
        failed: (how) => new ApiError(0, `no answer from the API server: ${how}`),
      })
      if ('error' in answer) throw answer.error
      return answer.value
    }

    async function stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
      const url = new URL(path, 'http://kubernetes')
      if (url.pathname.startsWith('/api/v1/')) throw new ApiError(403, 'nobody may watch by name')
      const trouble = troubles.meets('watch')
      const fate = time.now() < downUntil ? refused : fateOf(trouble?.what, chance, slowMs)
      const from = Number(url.searchParams.get('resourceVersion'))
      witness.watching(`opens a watch from ${from}`)
      const answer = await exchange<{ error: ApiError } | { value: undefined }>({
        ...{ time, process, fate, signal, limitMs: 600_000 },
        arrive: () => {
          const error =
            time.now() < downUntil ? new ApiError(0, 'refused') : (forbiddenIn(url) ?? refusal(trouble?.what, 'watch'))
          if (error) return { error }
          return from < objects.oldest()
            ? { error: new ApiError(410, 'too old resource version') }
            : { value: undefined }
        },
        failed: (how) => new ApiError(0, `no answer from the API server: ${how}`),
      })
      if ('error' in answer) throw answer.error
      const opened = openWatch({
        ...{ time, process, objects, version: from, namespace: namespaceIn(url), signal },
        timeoutMs: Number(url.searchParams.get('timeoutSeconds')) * 1_000,
        current: {
          delayMs: () => (meets('late events') ? chance.whole(0, 8_000) : chance.whole(0, 10)),
          repeats: () => meets('repeated events'),
          splits: () => meets('split lines'),
        },
        delivered: (change) => view.change(change),
        closed: () => watches.delete(opened.watcher),
      })
      watches.set(opened.watcher, opened.tell)
      return opened.chunks
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
    watchers: () => [...watches.keys()],
    goDown(forMs) {
      downUntil = time.now() + forMs
      for (const watcher of [...watches.keys()]) watcher.cut()
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
  if (/^\/api\/v1\/namespaces\/[^/]+\/secrets\//.test(pathname)) return 'reference'
  if (pathname.startsWith('/api/v1/')) return 'event'
  if (!pathname.startsWith(`/apis/${group}/${version}/`)) throw new Error(`nobody knows ${pathname}`)
  return pathname.endsWith('/status') ? 'status' : 'list'
}

function secretIn({ pathname }: URL): string {
  const [, namespace = '', name = ''] = /\/namespaces\/([^/]+)\/secrets\/([^/]+)$/.exec(pathname) ?? []
  return `${namespace}/${name}`
}

function namespaceIn({ pathname }: URL): string | undefined {
  return new RegExp(`/namespaces/([^/]+)/${plural}`).exec(pathname)?.[1]
}
