import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createApi, route, type Route } from './api.ts'
import { control } from './control.ts'
import { bodyOf, readable, send } from './exchange.ts'
import { plain } from './answers.ts'
import { createFaults, deliver } from './faults.ts'
import { createJobs } from './jobs.ts'
import { DEFAULT_MOODS, type Moods } from './moods.ts'
import { createRecords } from './records.ts'
import { createSessions } from './sessions.ts'
import { createStore } from './store.ts'
import { renamedFramework } from './storing.ts'
import type { SimulatorOptions, ZStackSimulator } from './surface.ts'
import { createTimers } from './timers.ts'
import { isObject } from './updates.ts'

export { modelService, type ModelServiceInventory } from './model.ts'
export type { BodyShape, Moods } from './moods.ts'
export { firewallPage, type Fault, type FaultRule } from './faults.ts'
export type { SimulatorOptions, ZStackSimulator } from './surface.ts'
export type { Operation, RequestRecord } from './records.ts'

/** What logs in to a fresh simulator. */
export const DEFAULT_CREDENTIALS = {
  accountName: 'admin',
  password: 'password',
  accessKeyId: 'sim-access-key-id',
  accessKeySecret: 'sim-access-key-secret',
} as const

/** Starts a simulator and resolves once it listens; rejects when it cannot. */
export async function startZStackSimulator(options: SimulatorOptions = {}): Promise<ZStackSimulator> {
  const { port = 0, host = '127.0.0.1', tls, services = [] } = options
  let moods: Readonly<Moods> = Object.freeze({ ...DEFAULT_MOODS, ...options.moods })
  const timers = createTimers()
  const store = createStore()
  const records = createRecords()
  const faults = createFaults()
  const jobs = createJobs(timers)
  const sessions = createSessions(() => moods)
  const accessKeys = new Map<string, string>()
  const answer = createApi({ moods: () => moods, store, sessions, accessKeys, jobs })
  let openedBefore = 0

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request
    const at = Date.now()
    // Only the first question mark parts path and query: conditions such as uuid?= hold more of them.
    const [rawPath = '', ...rest] = url.split('?')
    const search = rest.join('?')
    const decoded = decode(rawPath)
    const path = within(moods.contextPath, decoded)
    const { operation, id }: Route = path === undefined ? { operation: 'other' } : route(method, path)
    records.arrived(operation)
    response.once('close', () => records.left())
    const text = await bodyOf(request)
    const uuid = operation === 'job' ? jobs.serviceOf(id ?? '') : operation === 'logout' ? undefined : id
    const concerned = uuid === undefined ? {} : { uuid }
    const fault = faults.take({ operation, url, ...concerned })
    const delivery = deliver(fault, (failedJob) => {
      if (path === undefined) return plain(404, `no api mapping to ${decoded}`)
      const optional = { ...(id !== undefined && { id }), ...(failedJob && { failedJob }) }
      return answer({ operation, method, path, search, headers, text, ...optional })
    })
    timers.after(moods.latencyMillis + delivery.late, () => {
      records.record({
        ...{ operation, method, path: url, ...concerned, at, headers: withoutSecrets(headers) },
        ...(text !== '' && { body: operation === 'login' ? withoutPassword(text) : readable(text) }),
        status: response.destroyed ? 0 : (delivery.answer?.status ?? 0),
      })
      send(response, delivery)
    })
  }

  async function listen(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (!request.url?.startsWith('/sim/')) {
        await serve(request, response)
        return
      }
      const made = control(simulator, store, request.method ?? 'GET', request.url, await bodyOf(request))
      send(response, { how: 'whole', answer: made, late: 0 })
    } catch (error) {
      // A client that hangs up in the middle of its body is its own affair; anything else is a bug of the simulator.
      if (response.destroyed || request.destroyed) return
      send(response, { how: 'whole', answer: { status: 500, body: String(error), contentType: 'text/plain' }, late: 0 })
    }
  }

  const handler = (request: IncomingMessage, response: ServerResponse) => void listen(request, response)
  const server = tls ? createTlsServer(tls, handler) : createServer(handler)
  // Longer than clients keep an idle connection, so that none is closed under a request on its way.
  server.keepAliveTimeout = 120_000

  const simulator: ZStackSimulator = {
    get url() {
      const { port: bound } = server.address() as AddressInfo
      const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
      return `${tls ? 'https' : 'http'}://${name}:${bound}${moods.contextPath}`
    },
    get moods() {
      return moods
    },
    set(change) {
      moods = Object.freeze({ ...moods, ...change })
    },
    add(...added) {
      for (const service of added) store.add(service)
    },
    remove: (uuid) => void store.remove(uuid),
    read: (uuid) => structuredClone(store.services.get(uuid)?.inventory),
    hidden: (uuid) => structuredClone((store.services.get(uuid) ?? unknown(uuid)).hidden),
    drift(uuid, change) {
      if (!store.write(uuid, change)) unknown(uuid)
    },
    upgrade() {
      for (const [uuid, { inventory }] of store.services) {
        const framework = renamedFramework(inventory.framework)
        if (framework !== inventory.framework) store.write(uuid, { framework })
      }
    },
    fault: (rule) => faults.add(rule),
    clearFaults: () => faults.clear(),
    get counters() {
      const sessionsOpened = sessions.opened() - openedBefore
      return { ...records.counts(), sessionsOpened, openSessions: sessions.open() }
    },
    requests: (operation) => records.list(operation),
    resetCounters() {
      openedBefore = sessions.opened()
      records.reset()
    },
    onRequest: (listener) => records.onRecord(listener),
    dropSessions: () => sessions.dropAll(),
    setAccount: (name, password) => sessions.setAccount(name, password),
    setAccountState: (name, state) => sessions.setAccountState(name, state),
    setAccessKey: (id, secret) => void accessKeys.set(id, secret),
    close() {
      timers.clear()
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }

  simulator.setAccount(DEFAULT_CREDENTIALS.accountName, DEFAULT_CREDENTIALS.password)
  simulator.setAccessKey(DEFAULT_CREDENTIALS.accessKeyId, DEFAULT_CREDENTIALS.accessKeySecret)
  simulator.add(...services)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
  return simulator
}

function unknown(uuid: string): never {
  throw new Error(`the simulator has no model service ${uuid}`)
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** The path after the servlet context; undefined for one outside of it. */
function within(contextPath: string, path: string): string | undefined {
  return path.startsWith(`${contextPath}/`) ? path.slice(contextPath.length) : undefined
}

function withoutSecrets(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const { authorization } = headers
  return authorization === undefined ? headers : { ...headers, authorization: authorization.split(' ', 1)[0] }
}

function withoutPassword(text: string): unknown {
  const body = readable(text)
  if (!isObject(body) || !isObject(body.logInByAccount)) return body
  return { ...body, logInByAccount: { ...body.logInByAccount, password: '***' } }
}
