import { afterEach } from 'vitest'
import { createHash } from 'node:crypto'
import { ok, type Result } from '../../src/decide/failure.ts'
import type { ConnectionEvent } from '../../src/reconcile/ports.ts'
import { anyTurn } from '../../src/priority.ts'
import type { Call } from '../../src/zstack/call.ts'
import { createClient, type Client, type ClientOptions } from '../../src/zstack/client.ts'
import { createConnection, type ConnectionOptions } from '../../src/zstack/connection.ts'
import { fixedCredentials, type Credentials, type CredentialsSource } from '../../src/zstack/credentials.ts'
import { redacted } from '../../src/redacted.ts'
import { createHttp, type Http } from '../../src/zstack/http.ts'
import { withPlainSecrets } from './plain-secrets.ts'
import { createManualClock, type ManualClock } from './clock.ts'
import {
  DEFAULT_CREDENTIALS,
  startZStackSimulator,
  type SimulatorOptions,
  type ZStackSimulator,
} from './zstack/simulator.ts'

export const admin: Credentials = {
  kind: 'account',
  name: DEFAULT_CREDENTIALS.accountName,
  password: redacted(DEFAULT_CREDENTIALS.password),
}
export const accessKey: Credentials = {
  kind: 'accessKey',
  id: DEFAULT_CREDENTIALS.accessKeyId,
  secret: redacted(DEFAULT_CREDENTIALS.accessKeySecret),
}

export const endpoint = 'http://zstack.example/zstack'
export const anySignal = () => new AbortController().signal

/** `Http` to a server that really listens. */
export function httpTo(baseUrl: string, change: Partial<Parameters<typeof createHttp>[0]> = {}): Http {
  return createHttp({
    baseUrl,
    timeoutMs: 10_000,
    connections: 16,
    userAgent: 'modelservice-operator/test',
    insecureSkipTlsVerify: false,
    ...change,
  })
}

type Change = Partial<ClientOptions> & { readonly clock?: ManualClock }

export type TestClient = Client & { readonly clock: ManualClock; readonly changes: readonly ConnectionEvent[] }

/** A client whose time stands still, and which logs in as the simulator's administrator unless `change` says otherwise. */
export function clientOver(http: Http, change: Change = {}): TestClient {
  const clock = change.clock ?? createManualClock(new Date())
  const changes: ConnectionEvent[] = []
  const client = createClient({
    http,
    endpoint,
    credentials: fixedCredentials(admin),
    maxInFlight: 16,
    random: () => 0.5,
    onEvent: (to) => changes.push(to),
    ...change,
    clock,
  })
  return { ...client, clock, changes }
}

/** The default connection, opened: of the simulator's administrator, in any body shape, unless `options` say otherwise. */
export function connectionOver(options: Pick<ConnectionOptions, 'http'> & Partial<ConnectionOptions>) {
  const connection = createConnection({
    kind: 'Environment',
    name: 'default',
    endpoint,
    credentials: fixedCredentials(admin),
    requestBody: 'auto',
    maxInFlight: 16,
    clock: createManualClock(),
    random: () => 0.5,
    onShapeLearned: () => undefined,
    ...options,
  })
  return { connection, inventory: connection.inventory, close: () => connection.close() }
}

/** Simulators and clients to them, closed after each test. */
export function clientsAndSimulators(): {
  readonly simulated: (options?: SimulatorOptions) => Promise<ZStackSimulator>
  readonly clientTo: (sim: ZStackSimulator, change?: Change) => TestClient
} {
  const closers: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  return {
    async simulated(options) {
      const sim = await startZStackSimulator(options)
      closers.push(() => sim.close())
      return sim
    },
    clientTo(sim, change = {}) {
      const client = clientOver(httpTo(sim.url), { endpoint: sim.url, ...change })
      closers.push(() => client.close())
      return client
    },
  }
}

/** Of each answer the kind of its failure, or `ok`. */
export const failures = (answers: readonly Result<unknown>[]) =>
  answers.map((answer) => (answer.ok ? 'ok' : answer.failure.kind))
export const times = <T>(count: number, run: (index: number) => T) => Array.from({ length: count }, (_, i) => run(i))

const someUuid = '6c1a5f6167944aa1886294842075279f'

export function readCall(change: Partial<Call> = {}): Call {
  const path = `/v1/ai/model-services?q=uuid?=${someUuid}&limit=1`
  return { method: 'GET', path, kind: 'query', secrets: [], turn: anyTurn, ...change }
}

export function writeCall(change: Partial<Call> = {}): Call {
  const path = `/v1/ai/model-services/${someUuid}`
  const body = { updateModelService: { requestCpu: 4 } }
  return { method: 'PUT', path, body, kind: 'update', secrets: [], turn: anyTurn, ...change }
}

/** Credentials that a test replaces at will. */
export function changeableCredentials(first: Credentials): CredentialsSource & { replace(next: Credentials): void } {
  let current = first
  return {
    canChange: true,
    read: () => Promise.resolve(ok({ credentials: current, version: revisionOf(current) })),
    replace(next) {
      current = next
    },
  }
}

function revisionOf(credentials: Credentials): string {
  return createHash('sha256')
    .update(JSON.stringify(withPlainSecrets(credentials)))
    .digest('hex')
}
