import { createHash, createHmac } from 'node:crypto'
import { DEFAULT_CREDENTIALS, type ZStackSimulator } from './simulator.ts'

export type Reply = {
  readonly status: number
  readonly type: string
  readonly text: string
  /** The body as JSON; undefined when it is none. */
  readonly json: Body | undefined
}

type Body = {
  inventory?: Record<string, unknown>
  inventories?: Record<string, unknown>[]
  total?: number
  location?: string
  error?: { code: string; description?: string; details?: string; cause?: { code: string } }
  [key: string]: unknown
}

export type Call = { body?: unknown; headers?: Record<string, string> }

/** A plain caller of the API, written from its documentation alone, so that it can judge the simulator. */
export interface Client {
  /** `path` comes after the base URL. No credential is added. */
  call(method: string, path: string, call?: Call): Promise<Reply>
  /** The same within a session that is opened at the first use. */
  as(method: string, path: string, call?: Call): Promise<Reply>
  /** PUT of an update body to a model service, within the session. */
  update(uuid: string, body: unknown, headers?: Record<string, string>): Promise<Reply>
  get(uuid: string): Promise<Record<string, unknown> | undefined>
  /** GET of all model services with these query parameters. */
  query(...parameters: (readonly [string, string])[]): Promise<Reply>
  logIn(name?: string, password?: string): Promise<Reply>
}

export function createClient(sim: ZStackSimulator): Client {
  let session: Promise<string> | undefined

  const client: Client = {
    async call(method, path, { body, headers = {} } = {}) {
      const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
      const init = { method, headers, redirect: 'manual' } as const
      const response = await fetch(sim.url + path, text === undefined ? init : { ...init, body: text })
      const reply = {
        status: response.status,
        type: response.headers.get('content-type') ?? '',
        text: await response.text(),
      }
      return { ...reply, json: reply.type.includes('json') ? parse(reply.text) : undefined }
    },
    async as(method, path, call = {}) {
      session ??= client.logIn().then(sessionOf)
      return client.call(method, path, {
        ...call,
        headers: { authorization: `OAuth ${await session}`, ...call.headers },
      })
    },
    update: (uuid, body, headers = {}) => client.as('PUT', `/v1/ai/model-services/${uuid}`, { body, headers }),
    async get(uuid) {
      const { json } = await client.as('GET', `/v1/ai/model-services/${uuid}`)
      return json?.inventories?.[0]
    },
    query: (...parameters) =>
      client.as(
        'GET',
        `/v1/ai/model-services?${parameters.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')}`,
      ),
    logIn(accountName = DEFAULT_CREDENTIALS.accountName, password = DEFAULT_CREDENTIALS.password) {
      const digest = createHash('sha512').update(password).digest('hex')
      const body = { logInByAccount: { accountName, password: digest } }
      return client.call('PUT', '/v1/accounts/login', { body })
    },
  }
  return client
}

export function sessionOf(login: Reply): string {
  return String(login.json?.inventory?.uuid)
}

/** The two headers of a request signed with an access key. */
export function signed(method: string, path: string, change: { id?: string; secret?: string; at?: number } = {}) {
  const { id = DEFAULT_CREDENTIALS.accessKeyId, secret = DEFAULT_CREDENTIALS.accessKeySecret, at = Date.now() } = change
  const date = new Date(at).toUTCString()
  const signature = createHmac('sha1', secret).update(`${method}\n${date}\n${path}`).digest('base64')
  return { date, authorization: `ZStack ${id}:${signature}` }
}

function parse(text: string): Body | undefined {
  return text === '' ? undefined : (JSON.parse(text) as Body)
}
