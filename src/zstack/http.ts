/** HTTP to one ZStack: base path, time limit, size limit, body as JSON or text. Sessions are no concern of this file. */
import { createSecureContext } from 'node:tls'
import { Agent } from 'undici'
import { withTimeout, systemClock, unlessAborted } from '../clock.ts'
import type { Json } from '../api/json.ts'
import { limits } from '../limits.ts'
import { guardedDispatcher, NotLeaderError, type Guarded } from '../leader-guard.ts'

export type HttpRequest = Guarded & {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Path below the base URL, query included. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Json
}

export type HttpAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly text: string
      readonly json: unknown
      readonly location?: string
      /** When the other side answered, by its own clock. */
      readonly date?: string
    }
  /** No complete answer came. If `sent` is false, the request cannot have reached ZStack. */
  | { readonly kind: 'unanswered'; readonly reason: string; readonly sent: boolean; readonly isTls?: true }

/**
 * `send` resolves whatever the network does. It rejects only if `signal` is aborted, or with a {@link NotLeaderError}.
 */
export type Http = {
  readonly send: (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>
  readonly close: () => Promise<void>
}

/** Where one ZStack is, and how it is talked to. */
export type HttpTarget = {
  readonly baseUrl: string
  readonly timeoutMs: number
  readonly connections: number
  readonly ca?: string
  readonly insecureSkipTlsVerify: boolean
}

export type HttpOptions = HttpTarget & { readonly userAgent: string }

export function createHttp(options: HttpOptions): Http {
  const base = new URL(options.baseUrl)
  const prefix = base.pathname.replace(/\/+$/, '')
  const agent = new Agent({
    connections: options.connections,
    connect: {
      timeout: options.timeoutMs,
      rejectUnauthorized: !options.insecureSkipTlsVerify,
      // Certificates are read once for all connections rather than for each.
      ...(options.ca !== undefined && { secureContext: createSecureContext({ ca: options.ca }) }),
    },
    headersTimeout: 0,
    bodyTimeout: 0,
    // A hundred services with a quarter of a megabyte of text each still fit into one answer.
    maxResponseSize: limits.maxZStackAnswerBytes,
    allowH2: false,
  })

  async function exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { method, path, headers, body } = request
    // Redirects are not followed, so that credentials are sent to the configured address only.
    const answer = guardedDispatcher(agent, request).request({
      origin: base.origin,
      path: prefix + path,
      method,
      headers: {
        'user-agent': options.userAgent,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json;charset=UTF-8' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    })
    const response = await unlessAborted(answer, signal)
    const text = await response.body.text()
    const { location, date } = response.headers
    return {
      kind: 'answered',
      status: response.statusCode,
      text,
      json: parseJson(text),
      ...(typeof location === 'string' && { location }),
      ...(typeof date === 'string' && { date }),
    }
  }

  return {
    async send(request, signal) {
      let limited = signal
      const work = (limit: AbortSignal) => exchange(request, (limited = limit))
      try {
        return await withTimeout(systemClock, options.timeoutMs, work, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof NotLeaderError) throw error
        if (limited.aborted)
          return { kind: 'unanswered', reason: `no answer within ${options.timeoutMs / 1000} s`, sent: true }
        return { kind: 'unanswered', ...describe(error) }
      }
    },
    close: () => agent.destroy(),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the network did, in plain words, and whether the request may have reached the other side. */
type NetworkError = { readonly reason: string; readonly sent: boolean; readonly isTls?: true }

const tls = (reason: string): NetworkError => ({ reason, sent: false, isTls: true })
const unknownAuthority = tls('the TLS certificate is of an unknown authority; set ZSTACK_CA_FILE')
const noTls = tls('the other side does not speak TLS as expected; is it https or http?')

const networkErrors: Readonly<Record<string, NetworkError>> = {
  ECONNREFUSED: { reason: 'connection refused', sent: false },
  ENOTFOUND: { reason: 'the host name does not resolve', sent: false },
  EAI_AGAIN: { reason: 'the host name does not resolve at the moment', sent: false },
  EHOSTUNREACH: { reason: 'no route to the host', sent: false },
  ENETUNREACH: { reason: 'no route to the network', sent: false },
  ETIMEDOUT: { reason: 'connecting takes too long', sent: false },
  UND_ERR_CONNECT_TIMEOUT: { reason: 'connecting takes too long', sent: false },
  ECONNRESET: { reason: 'the connection was cut', sent: true },
  EPIPE: { reason: 'the connection was cut', sent: true },
  UND_ERR_SOCKET: { reason: 'the connection was cut', sent: true },
  UND_ERR_RES_EXCEEDED_MAX_SIZE: {
    reason: `the answer is larger than ${limits.maxZStackAnswerBytes / 2 ** 20} MiB`,
    sent: true,
  },
  UND_ERR_DESTROYED: { reason: 'the operator is stopping', sent: true },
  UND_ERR_INVALID_ARG: { reason: 'the credentials hold characters that no HTTP header may hold', sent: false },
  ERR_TLS_CERT_ALTNAME_INVALID: tls('the TLS certificate is for another name'),
  CERT_HAS_EXPIRED: tls('the TLS certificate has expired'),
  CERT_NOT_YET_VALID: tls('the TLS certificate is not valid yet; compare the clocks'),
  DEPTH_ZERO_SELF_SIGNED_CERT: tls('the TLS certificate is self-signed; set ZSTACK_CA_FILE'),
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
}

/** If one of these comes from a connection that was established, it broke, and the request may have gone through. */
const whileConnecting: ReadonlySet<string> = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])

function describe(error: unknown): NetworkError {
  const { code, syscall } = detailsOf(error)
  if (code === undefined) return { reason: 'the answer is not HTTP', sent: true }
  if (whileConnecting.has(code) && syscall !== 'connect') return { reason: 'the connection was cut', sent: true }
  return networkErrors[code] ?? { reason: `the answer is cut or is not HTTP (${code})`, sent: true }
}

function detailsOf(error: unknown): { code?: string; syscall?: unknown } {
  if (!(error instanceof Error)) return {}
  // If a host has several addresses, the error of the first one stands for all.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  if (first instanceof Error && 'code' in first && typeof first.code === 'string')
    return { code: first.code, syscall: 'syscall' in first ? first.syscall : undefined }
  return detailsOf(error.cause)
}
