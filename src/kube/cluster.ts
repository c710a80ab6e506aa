/** One API server: address and authentication from client-node, requests over undici. */
import { KubeConfig, type Cluster as ClusterEntry } from '@kubernetes/client-node'
import { existsSync } from 'node:fs'
import type { AgentOptions } from 'node:https'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Agent, ProxyAgent, request, type Dispatcher } from 'undici'

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

export type ApiRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
}

export interface Cluster {
  readonly server: string
  /** The namespace this process runs in, or that the kubeconfig names. */
  readonly namespace: string | undefined
  /** Sends one request and returns the JSON of a 2xx answer. Anything else is an {@link ApiError}. */
  send(request: ApiRequest, signal: AbortSignal): Promise<unknown>
  /** Opens a stream that lasts; the caller bounds its time. */
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>>
  close(): Promise<void>
}

export type ClusterOptions = { readonly userAgent: string; readonly requestTimeoutMs: number }

/** A token file is read again this often; the kubelet renews it long before it ends. */
const credentialsAgeMs = 30_000
/** TLS handshakes cost more than waiting for one of a few connections. */
const connections = 8

/**
 * Loads `KUBECONFIG`, else the service account of the pod, else the user's kubeconfig.
 * @throws Error that names what was looked for, where there is none of them
 */
export function loadKubeConfig(env: Readonly<Record<string, string | undefined>>): KubeConfig {
  const config = new CapturingKubeConfig()
  const userFile = join(env.HOME ?? homedir(), '.kube', 'config')
  if (env.KUBECONFIG) config.loadFromDefault()
  else if (env.KUBERNETES_SERVICE_HOST) config.loadFromCluster()
  else if (existsSync(userFile)) config.loadFromFile(userFile)
  else
    throw new Error(
      `no Kubernetes configuration: KUBECONFIG is not set, this is no pod, and ${userFile} does not exist`,
    )
  if (!config.getCurrentCluster())
    throw new Error('the kubeconfig names no cluster in its current context; set current-context')
  return config
}

/**
 * client-node makes a new connection pool for every request it authenticates; this one only tells what the pool would
 * need, so that one pool serves them all.
 */
class CapturingKubeConfig extends KubeConfig {
  wanted: ReturnType<KubeConfig['createDispatcherOptions']> = { type: 'none' }
  override createDispatcherOptions(cluster: ClusterEntry | null, options: AgentOptions) {
    this.wanted = super.createDispatcherOptions(cluster, options)
    return this.wanted.type === 'socks' ? this.wanted : ({ type: 'none' } as const)
  }
}

type Access = {
  readonly headers: Record<string, string>
  readonly dispatcher: Dispatcher
  readonly made: string
  readonly at: number
}

export function createCluster(config: KubeConfig, { userAgent, requestTimeoutMs }: ClusterOptions): Cluster {
  const cluster = config.getCurrentCluster()
  const server = (cluster?.server ?? '').replace(/\/+$/, '')
  let access: Promise<Access> | undefined
  let current: Access | undefined

  async function authenticate(): Promise<Access> {
    const headers: Record<string, string> = {}
    let dispatcher: Dispatcher | undefined
    const context = {
      setHeaderParam: (name: string, value: string) => {
        headers[name.toLowerCase()] = value
      },
      setDispatcher: (made: Dispatcher) => {
        dispatcher = made
      },
    }
    await config.applySecurityAuthentication(
      context as unknown as Parameters<KubeConfig['applySecurityAuthentication']>[0],
    )
    const wanted = config instanceof CapturingKubeConfig ? config.wanted : { type: 'none' as const }
    const made = JSON.stringify(wanted)
    dispatcher ??= current?.made === made ? current.dispatcher : pool(wanted)
    if (current && current.dispatcher !== dispatcher) void current.dispatcher.close()
    current = { headers, dispatcher, made, at: performance.now() }
    return current
  }

  async function valid(): Promise<Access> {
    if (current && performance.now() - current.at < credentialsAgeMs) return current
    access ??= authenticate().finally(() => {
      access = undefined
    })
    return access
  }

  async function open({ method, path, body, contentType }: ApiRequest, signal: AbortSignal) {
    const { headers, dispatcher } = await valid()
    try {
      const response = await request(server + path, {
        dispatcher,
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
      if (response.statusCode === 401) current = undefined
      if (response.statusCode >= 300) throw await refusal(response)
      return response.body
    } catch (error) {
      throw asApiError(error, `${method} ${path.split('?', 1)[0] ?? path}`)
    }
  }

  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    async send(wanted, signal) {
      const body = await open(wanted, AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]))
      try {
        return await body.json()
      } catch (error) {
        throw asApiError(error, `${wanted.method} ${wanted.path}`)
      }
    },
    stream: (path, signal) => open({ method: 'GET', path }, signal),
    close: async () => {
      await current?.dispatcher.destroy()
    },
  }
}

function pool(wanted: CapturingKubeConfig['wanted']): Dispatcher {
  switch (wanted.type) {
    case 'proxy':
      return new ProxyAgent({ uri: wanted.uri, requestTls: wanted.requestTls as ProxyAgent.Options['requestTls'] & object })
    case 'agent':
      return new Agent({ connect: wanted.connect as Agent.Options['connect'] & object, connections })
    default:
      return new Agent({ connections })
  }
}

async function refusal(response: Dispatcher.ResponseData): Promise<ApiError> {
  const text = await response.body.text()
  const retryAfter = Number(response.headers['retry-after'])
  return new ApiError(response.statusCode, messageOf(text) ?? `HTTP ${response.statusCode}`, {
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
  })
}

function messageOf(text: string): string | undefined {
  try {
    const status = JSON.parse(text) as { message?: unknown }
    return typeof status.message === 'string' ? status.message : undefined
  } catch {
    return text.trim() === '' ? undefined : text.trim().slice(0, 200)
  }
}

function asApiError(error: unknown, what: string): ApiError {
  if (error instanceof ApiError) return error
  const cause = error instanceof Error ? error : new Error(String(error))
  const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : ''
  return new ApiError(0, `no answer from the API server to ${what}: ${cause.message || cause.name}${code}`, { cause })
}
