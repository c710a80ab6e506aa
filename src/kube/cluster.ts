/** One API server: address and authentication from client-node, requests over undici. */
import { KubeConfig } from '@kubernetes/client-node'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { withTimeout, systemClock, unlessAborted } from '../clock.ts'
import { limits } from '../limits.ts'
import { guardedDispatcher, NotLeaderError, type Guarded } from '../leader-guard.ts'
import { createSemaphore } from '../semaphore.ts'
import { CapturingKubeConfig, createClusterAuth, inFlight, type Access } from './cluster-auth.ts'
import { serviceAccountOf, type ServiceAccount } from './service-account.ts'

/** The API server refused, or answered something else than asked for. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** HTTP status; 0 where no answer came. */
  readonly status: number
  readonly retryAfterMs: number | undefined

  constructor(status: number, message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, { cause: options.cause })
    this.status = status
    this.retryAfterMs = options.retryAfterMs
  }
}

export type ApiRequest = Guarded & {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
  /** Waits for no connection behind others. */
  readonly isUrgent?: boolean
}

export interface Cluster {
  readonly server: string
  /** The namespace this process runs in, or that the kubeconfig names. */
  readonly namespace: string | undefined
  /** As whom the last request was sent, where that was by the token of a service account. */
  serviceAccount(): ServiceAccount | undefined
  /**
   * Sends one request and returns the JSON of a 2xx answer. Anything else is an {@link ApiError}, but for a request that
   * may not leave.
   */
  send(request: ApiRequest, signal: AbortSignal): Promise<unknown>
  /** Opens a stream that lasts; the caller bounds its time. */
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>>
  close(): Promise<void>
}

export type ClusterOptions = { readonly userAgent: string; readonly requestTimeoutMs: number }

/**
 * Loads `KUBECONFIG`, else the service account of the pod, else the user's kubeconfig.
 * @param context in place of the current one
 * @throws Error that names what was looked for, where there is none of them
 */
export function loadKubeConfig(env: Readonly<Record<string, string | undefined>>, context?: string): KubeConfig {
  const config = new CapturingKubeConfig()
  const userFile = join(env.HOME ?? homedir(), '.kube', 'config')
  if (env.KUBECONFIG) loadFiles(config, env.KUBECONFIG.split(delimiter).filter(Boolean))
  else if (env.KUBERNETES_SERVICE_HOST) config.loadFromCluster()
  else if (existsSync(userFile)) loadFiles(config, [userFile])
  else
    throw new Error(
      `no Kubernetes configuration: KUBECONFIG is not set, this is no pod, and ${userFile} does not exist`,
    )
  if (context !== undefined) {
    if (!config.getContextObject(context)) throw new Error(`the kubeconfig has no context "${context}"`)
    config.setCurrentContext(context)
  }
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Error('the kubeconfig names no cluster in its current context; set current-context')
  if (!/^https?:$/.test(URL.parse(cluster.server)?.protocol ?? ''))
    throw new Error(
      `the server of the kubeconfig's cluster "${cluster.name}" is no URL; it looks like https://host:6443`,
    )
  return config
}

/** Like kubectl: of several files the first to name a current context says which, and missing ones are passed over. */
function loadFiles(config: KubeConfig, files: readonly string[]): void {
  const present = files.filter((file) => existsSync(file))
  if (present.length === 0)
    throw new Error(`no Kubernetes configuration: KUBECONFIG names ${files.join(', ')}, not there`)
  for (const [index, file] of present.entries()) {
    const part = index === 0 ? config : new KubeConfig()
    try {
      part.loadFromFile(file)
      if (part !== config) config.mergeConfig(part, Boolean(config.currentContext))
    } catch (error) {
      // A parser quotes the lines around a mistake, and a token may stand there: its first line must do, and no cause.
      const [reason = ''] = (error as Error).message.split('\n', 1)
      throw new Error(`the kubeconfig ${file} cannot be used: ${reason}`)
    }
  }
}

/** A page of five hundred objects of half a megabyte each still fits. */
const maxAnswerBytes = limits.maxApiServerAnswerBytes
const maxErrorBytes = 2 ** 20

export function createCluster(config: KubeConfig, { userAgent, requestTimeoutMs }: ClusterOptions): Cluster {
  const auth = createClusterAuth(config)
  const server = (config.getCurrentCluster()?.server ?? '').replace(/\/+$/, '')
  const { origin, pathname } = new URL(server)
  const root = pathname.replace(/\/+$/, '')
  const semaphore = createSemaphore(inFlight, systemClock)
  let lastAuthorization: string | undefined

  async function accessNow(signal: AbortSignal): Promise<Access> {
    try {
      return auth.cached() ?? (await unlessAborted(auth.access(), signal))
    } catch (error) {
      throw new ApiError(0, `no credentials for the API server: ${messageOf(error)}`, { cause: error })
    }
  }

  async function open(wanted: ApiRequest, pool: 'requests' | 'dedicated', signal: AbortSignal) {
    const { method, path, body, contentType } = wanted
    const { headers, pools } = await accessNow(signal)
    lastAuthorization = headers.authorization
    const what = whatOf(method, path)
    try {
      const answer = guardedDispatcher(pools[pool], wanted).request({
        origin,
        path: root + path,
        method,
        headers: {
          ...headers,
          'user-agent': userAgent,
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      const response = await unlessAborted(answer, signal)
      if (response.statusCode === 401) auth.forget()
      if (response.statusCode >= 300) throw await refusal(response, what)
      return response.body
    } catch (error) {
      throw asApiError(error, what)
    }
  }

  async function exchange(wanted: ApiRequest, what: string, signal: AbortSignal): Promise<string> {
    const body = await open(wanted, wanted.isUrgent === true ? 'dedicated' : 'requests', signal)
    const text = await readText(body, maxAnswerBytes).catch((error: unknown) => {
      throw asApiError(error, what)
    })
    if (text === undefined) throw new ApiError(0, `${what}: the answer is larger than ${maxAnswerBytes / 2 ** 20} MiB`)
    return text
  }

  /** Namespaces take turns, and share what hangs. */
  function inTurn(wanted: ApiRequest, what: string, signal: AbortSignal): Promise<string> {
    if (wanted.isUrgent === true) return exchange(wanted, what, signal)
    const turn = { priority: 'change', flow: flowOf(wanted.path) } as const
    const answer = semaphore(async () => {
      signal.throwIfAborted()
      const text = await exchange(wanted, what, signal)
      // The connection is free a moment after the last byte; the next request would make another one now.
      await setImmediate()
      return text
    }, turn)
    return unlessAborted(answer, signal).catch((error: unknown) => {
      throw asApiError(error, what)
    })
  }

  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    serviceAccount: () => serviceAccountOf(lastAuthorization),
    async send(wanted, signal) {
      const what = whatOf(wanted.method, wanted.path)
      const text = await withTimeout(systemClock, requestTimeoutMs, (limited) => inTurn(wanted, what, limited), signal)
      const answer = parseJson(text)
      if (answer === undefined) throw new ApiError(0, `${what}: the answer is no JSON; is this an API server?`)
      return answer
    },
    stream: (path, signal) => open({ method: 'GET', path }, 'dedicated', signal),
    close: () => auth.close(),
  }
}

/** The whole text, or nothing where it is longer than that; the rest is then not waited for. */
async function readText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size).toString()
}

/** The namespace that a request is about. */
function flowOf(path: string): string {
  return /\/namespaces\/([^/?]+)/.exec(path)?.[1] ?? ''
}

/** Without the query: it is long, and says nothing to people. */
function whatOf(method: string, path: string): string {
  return `${method} ${path.split('?', 1)[0] ?? path}`
}

async function refusal(response: Dispatcher.ResponseData, what: string): Promise<ApiError> {
  const text = (await readText(response.body, maxErrorBytes)) ?? 'and more words than anybody reads'
  const retryAfter = Number(response.headers['retry-after'])
  const { message } = (parseJson(text) ?? {}) as { message?: unknown }
  const reason =
    typeof message === 'string' ? message : `HTTP ${response.statusCode} ${text.trim().slice(0, 200)}`.trim()
  return new ApiError(response.statusCode, `${what}: ${reason}`, {
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
  })
}

/** Nothing where the text is no JSON object. */
function parseJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function asApiError(error: unknown, what: string): ApiError | NotLeaderError {
  if (error instanceof ApiError || error instanceof NotLeaderError) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
  return new ApiError(0, `no answer from the API server to ${what}: ${messageOf(error)}${code}`, { cause: error })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
