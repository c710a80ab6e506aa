import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import type { KeyPair } from './client-certificates.ts'

export interface ServerAddress {
  readonly url: string
  /** The text of the authorities to trust, PEM. */
  readonly ca: string
}

export type Credentials = { readonly token: string } | KeyPair

export interface Answer {
  readonly status: number
  /** Parsed where the server says JSON, else the text; of a watch, which is a line of JSON for each event, the text. */
  readonly body: unknown
}

/**
 * One JSON request. An answer of any status is an answer; only a missing one rejects. A 429 is asked again for some
 * seconds, as client-go does: for a moment after its start kube-apiserver says so for every custom resource.
 */
export type Request = (method: string, path: string, body?: unknown, contentType?: string) => Promise<Answer>

const busyLimit = 10_000
const busyPause = 50

/** Requests over connections that are kept alive but keep no process alive. */
export function createRequest(
  server: ServerAddress,
  credentials: Credentials,
): { request: Request; close: () => void } {
  const certificate = 'token' in credentials ? {} : { cert: credentials.certificate, key: credentials.key }
  const authorization = 'token' in credentials ? { authorization: `Bearer ${credentials.token}` } : {}
  const agent = new Agent({ connect: { ca: server.ca, ...certificate }, allowH2: false })
  const once: Request = async (method, path, body, contentType = 'application/json') => {
    const answer = await agent.request({
      origin: server.url,
      method,
      path,
      headers: {
        ...authorization,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    const isLines = new URLSearchParams(path.split('?')[1]).has('watch')
    const isJson = !isLines && String(answer.headers['content-type']).startsWith('application/json')
    return { status: answer.statusCode, body: isJson ? (JSON.parse(text) as unknown) : text }
  }
  return {
    async request(...asked) {
      const deadline = performance.now() + busyLimit
      for (;;) {
        const answer = await once(...asked)
        if (answer.status !== 429 || performance.now() > deadline) return answer
        await sleep(busyPause)
      }
    },
    close: () => void agent.destroy(),
  }
}

/** The body of an answer with one of the wanted statuses; any other is an error that quotes the server. */
export async function expectStatus(answer: Promise<Answer>, doing: string, ...wanted: number[]): Promise<unknown> {
  const { status, body } = await answer
  if (wanted.includes(status)) return body
  const said = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : String(body)
  throw new Error(`${doing}: kube-apiserver answered ${status}: ${said}`)
}
