import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtInKinds } from './builtin.ts'
import { discoveryDocument } from './discovery.ts'
import { checkSubresource, createDispatch } from './dispatch.ts'
import { createRefusals, type Refusal } from './faults.ts'
import { createKinds, type Kinds } from './kinds.ts'
import { kubeconfigFor } from './kubeconfig.ts'
import { createLifecycle } from './lifecycle.ts'
import { openApiDocument } from './openapi.ts'
import { createRequestLog, type Counters, type LoggedRequest } from './request-log.ts'
import { routeOf, verbOf } from './route.ts'
import { statusOf, StatusError } from './status-error.ts'
import { createStore, type Store } from './store.ts'
import { createWatches } from './watch.ts'
import { createWriter, type Writer } from './write.ts'
import type { Json } from '../../../src/cli/validation/json.ts'

/** A small Kubernetes API over plain HTTP, in memory: what an operator and `kubectl` need of it. */
export interface StandInApi {
  readonly url: string
  /** A kubeconfig as YAML text, for kubectl and for @kubernetes/client-node. */
  readonly kubeconfig: string
  /** Creates the CustomResourceDefinition or brings it up to date. Throws where it is refused. */
  applyCrd(crd: object): void
  readonly faults: {
    /** Cuts every open watch. */
    dropWatches(): void
    /** While on, watches stay open and silent, as with a dead peer; after that they say what they held back. */
    freezeWatches(on: boolean): void
    /** Makes every older resourceVersion 410 Gone, for watches and for pages of a list. */
    compact(): void
    /** Refuses matching requests; answers the undoing. */
    refuse(rule: Refusal): () => void
    /** Lets every request wait first. */
    latency(millis: number): void
  }
  readonly counters: Counters
  requests(): readonly LoggedRequest[]
  /** Cuts every connection and frees the port. */
  close(): Promise<void>
}

export type StandInOptions = { port?: number; host?: string; crds?: object[] }

/** The real server's limit. */
const BODY_LIMIT = 3 * 1024 * 1024

export async function startStandInApi(options: StandInOptions = {}): Promise<StandInApi> {
  const { port = 0, host = '127.0.0.1', crds = [] } = options
  const store = createStore()
  const kinds = createKinds(builtInKinds())
  const watches = createWatches(store)
  const writer = createWriter(
    store,
    createLifecycle(store, kinds, (collection) => watches.end(collection)),
  )
  const dispatch = createDispatch(store, writer, watches)
  const refusals = createRefusals()
  const log = createRequestLog()
  let latency = 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stand-in')
    const body = await bodyOf(request)
    if (latency > 0) await sleep(latency)
    const document = documentAt(kinds, url.pathname, request.headers.host ?? '')
    if (document !== undefined) {
      send(response, 200, document)
      return
    }
    const route = routeOf(url.pathname)
    const kind = route && kinds.find(route.group, route.version, route.resource)
    const misplaced =
      route && kind && (route.namespace === undefined ? kind.namespaced && route.name !== undefined : !kind.namespaced)
    if (!route || !kind || misplaced) {
      send(response, 404, '404 page not found\n')
      return
    }
    const { resource, name, namespace, subresource } = route
    const watching = ['true', '1'].includes(url.searchParams.get('watch') ?? '')
    const verb = verbOf(request.method ?? 'GET', name !== undefined, watching)
    const record = (status: number) =>
      log.add({
        verb,
        resource,
        ...(subresource === undefined ? {} : { subresource }),
        ...(name === undefined ? {} : { name }),
        ...(namespace === undefined ? {} : { namespace }),
        status,
        at: Date.now(),
      })
    try {
      refusals.strike({ verb, resource, subresource, namespace })
      if (verb === 'create' && kind.namespaced && namespace === undefined) {
        send(response, 404, '404 page not found\n')
        return
      }
      checkSubresource(kind, route)
      const result = dispatch({ verb, kind, route, query: url.searchParams, request, response, body })
      record(result?.status ?? 200)
      if (result) send(response, result.status, result.body, result.warnings)
    } catch (error) {
      const status = error instanceof StatusError ? error : unexpected(error)
      record(status.code)
      refuse(response, status)
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) refuse(response, error instanceof StatusError ? error : unexpected(error))
    })
  })
  // A client that reuses a connection just as it times out sees a reset: keep them longer than clients do.
  server.keepAliveTimeout = 120_000

  seedNamespaces(kinds, writer)
  const applyCrd = (crd: object) => applyDefinition(kinds, store, writer, structuredClone(crd) as Json)
  crds.forEach(applyCrd)

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
  return {
    url,
    kubeconfig: kubeconfigFor(url),
    applyCrd,
    faults: {
      dropWatches: () => watches.drop(),
      freezeWatches: (on) => watches.freeze(on),
      compact: () => store.compact(),
      refuse: (rule) => refusals.add(rule),
      latency: (millis) => (latency = millis),
    },
    counters: log.counters,
    requests: () => [...log.entries],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function documentAt(kinds: Kinds, path: string, address: string): Json | undefined {
  if (['/healthz', '/livez', '/readyz'].includes(path)) return 'ok'
  const trimmed = path.replace(/\/+$/, '')
  return discoveryDocument(kinds, trimmed, address) ?? openApiDocument(kinds, trimmed)
}

function seedNamespaces(kinds: Kinds, writer: Writer): void {
  const kind = kinds.find('', 'v1', 'namespaces')
  if (!kind) return
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    const target = { kind, namespace: undefined, subresource: undefined }
    writer.create(target, { metadata: { name } }, { dryRun: false, validation: 'Ignore', manager: 'stand-in' })
  }
}

function applyDefinition(kinds: Kinds, store: Store, writer: Writer, crd: Json): void {
  const kind = kinds.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')
  if (!kind) return
  const { name = '' } = (crd as { metadata?: { name?: string } }).metadata ?? {}
  const options = { dryRun: false, validation: 'Strict', manager: 'stand-in' } as const
  const target = { kind, namespace: undefined, name, subresource: undefined }
  const existing = store.get('apiextensions.k8s.io/customresourcedefinitions', name)
  if (!existing) writer.create(target, crd, options)
  else writer.patch(target, (current) => ({ ...current, spec: (crd as { spec: Json }).spec }), options)
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_LIMIT)
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${BODY_LIMIT}`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(
  response: ServerResponse,
  status: number,
  body: Json,
  warnings: readonly string[] = [],
  headers = {},
): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
  if (warnings.length > 0)
    response.setHeader(
      'warning',
      warnings.map((warning) => `299 - ${JSON.stringify(warning)}`),
    )
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), ...headers })
  response.end(text)
}

function refuse(response: ServerResponse, error: StatusError): void {
  const retry = error.details?.retryAfterSeconds
  send(response, error.code, statusOf(error), [], typeof retry === 'number' ? { 'retry-after': String(retry) } : {})
}

/** A bug of this server: the answer says so, and names the place. */
function unexpected(error: unknown): StatusError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new StatusError(500, 'InternalError', `Internal error occurred: ${text}`)
}
