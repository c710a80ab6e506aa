import type { Json } from '../../src/api/json.ts'
import type { Http, HttpAnswer, HttpRequest } from '../../src/zstack/http.ts'
import { unusedUuid } from '../../src/zstack/wire.ts'

export type Respond = (request: HttpRequest, count: number) => HttpAnswer | Promise<HttpAnswer>

export interface ScriptedHttp extends Http {
  /** Everything sent so far, in order. */
  readonly requests: readonly HttpRequest[]
  sent(method: HttpRequest['method'], path?: string): readonly HttpRequest[]
  readonly isClosed: boolean
  /** How many requests were under way at once at the maximum. */
  readonly widest: number
}

/** An `Http` without a network: `respond` says what comes back, or when. */
export function createScriptedHttp(respond: Respond): ScriptedHttp {
  const requests: HttpRequest[] = []
  let isClosed = false
  let running = 0
  let widest = 0
  return {
    requests,
    sent: (method, path = '') => requests.filter((one) => one.method === method && one.path.includes(path)),
    get isClosed() {
      return isClosed
    },
    get widest() {
      return widest
    },
    async send(request, signal) {
      signal.throwIfAborted()
      requests.push(request)
      widest = Math.max(widest, ++running)
      try {
        return await respond(request, requests.length)
      } finally {
        running--
      }
    },
    close() {
      isClosed = true
      return Promise.resolve()
    },
  }
}

/** An answer as it comes off the wire: JSON for a value, the text itself for a string. */
export function answered(status: number, body: Json | undefined = ''): HttpAnswer & { kind: 'answered' } {
  const isText = typeof body === 'string'
  return { kind: 'answered', status, text: isText ? body : JSON.stringify(body), json: isText ? undefined : body }
}

/** 503 with an error code of ZStack's; `nested` are the codes of its causes, outermost first. */
export function refusedWith(code: string, details = 'details', ...nested: string[]): HttpAnswer {
  const causes = nested.reduceRight<Json | undefined>(
    (cause, inner) => ({ code: inner, details: `${details} (${inner})`, ...(cause !== undefined && { cause }) }),
    undefined,
  )
  return answered(503, { error: { code, details, ...(causes !== undefined && { cause: causes }) } })
}

export const silence = (sent: boolean): HttpAnswer => ({ kind: 'unanswered', reason: 'connection refused', sent })

export const isLogIn = ({ path }: HttpRequest) => path === '/v1/accounts/login'
/** A query about no service. */
export const isProbe = ({ path }: HttpRequest) => path.includes(unusedUuid)
export const session = (uuid: string) => answered(200, { inventory: { uuid } })

/** A promise with its ends outside: what a test holds back until it wants it. */
export function held<T>(): { readonly promise: Promise<T>; readonly release: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>()
  return { promise, release: resolve }
}
