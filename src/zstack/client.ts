/** Requests to one ZStack: limited in number, authenticated, and held back while they cannot succeed. */
import type { Clock } from '../clock.ts'
import { err, stopsConnection, type Failure, type Result } from '../decide/failure.ts'
import { anyTurn } from '../priority.ts'
import type { ConnectionEvent } from '../reconcile/ports.ts'
import { createSemaphore } from '../semaphore.ts'
import { createAuthBreaker } from './auth-breaker.ts'
import { createAuthenticator } from './authenticator.ts'
import type { Call, SendCall } from './call.ts'
import { createCircuit } from './circuit.ts'
import type { CredentialsSource } from './credentials.ts'
import type { Http } from './http.ts'
import { inFlightOf } from './in-flight.ts'
import { authenticate, breakOnOutage, compose, haltOnRefusal, limitInFlight, refuseIf, sendOver } from './middleware.ts'
import { queryPath, unusedUuid } from './wire.ts'

export interface Client {
  readonly call: SendCall
  /** Why calls are held back at the moment; `undefined` if they are not. */
  currentFailure(): Failure | undefined
  /** Whether ZStack answers and accepts the credentials; where a read has just failed, probes show it first. */
  isWorking(): Promise<boolean>
  /** Asks ZStack now whether it answers, takes the credentials and lets them query, unless calls are held back. */
  check(signal: AbortSignal): Promise<Result<unknown>>
  /** Gives the session back; the next request that needs one logs in. */
  logOut(): Promise<void>
  /** The same where a read has not been answered for long. */
  proveWorking(): Promise<boolean>
  /** Logs out and ends all connections. */
  close(): Promise<void>
}

export type ClientOptions = {
  readonly http: Http
  readonly endpoint: string
  readonly credentials: CredentialsSource
  readonly maxInFlight: number
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (change: ConnectionEvent) => void
}

export function createClient(options: ClientOptions): Client {
  const { http, endpoint, credentials, maxInFlight, clock, random, onEvent } = options
  const inFlight = inFlightOf(maxInFlight)
  const authBreaker = createAuthBreaker(clock, (event) => (event === 'probe' ? void tryAgain() : onEvent(event)))
  const authenticator = createAuthenticator({ http, endpoint, credentials, authBreaker, clock })
  const closed = new AbortController()
  const closing: Failure = {
    kind: 'unavailable',
    message: `the operator is closing its connection to ${endpoint}`,
  }
  /** Probes wait for no place among the requests in flight: those may all be updates that hang. */
  const halt = haltOnRefusal(authBreaker)
  const prove = authenticate(authenticator, probe)
  const sendProbe = compose([halt, prove], sendOver(http, endpoint, credentials.place))
  const circuit = createCircuit({ clock, random, probe: () => sendProbe(probe, closed.signal), onEvent })
  const middleware = [
    limitInFlight(createSemaphore(inFlight.reads, clock), createSemaphore(inFlight.others, clock)),
    refuseIf(() => (closed.signal.aborted ? closing : undefined)),
    halt,
    breakOnOutage(circuit),
    prove,
  ]

  const isWorking = async () => (await circuit.isWorking()) && authBreaker.currentFailure() === undefined

  /** After a halt, one probe tries for all. */
  async function tryAgain() {
    await sendProbe(probe, closed.signal).catch(() => undefined)
  }

  return {
    call: compose(middleware, sendOver(http, endpoint, credentials.place)),
    currentFailure: () => authBreaker.currentFailure() ?? circuit.currentFailure(),
    isWorking,
    proveWorking() {
      circuit.doubt()
      return isWorking()
    },
    async check(signal) {
      const outage = circuit.currentFailure()
      if (outage) return err(outage)
      const reply = await sendProbe(probe, AbortSignal.any([signal, closed.signal]))
      if (!reply.ok && !stopsConnection(reply.failure.kind)) circuit.doubt()
      return reply
    },
    logOut: () => authenticator.logOut(),
    async close() {
      closed.abort(new Error(closing.message))
      authBreaker.close()
      circuit.close()
      await authenticator.close()
      await http.close()
    },
  }
}

const probe: Call = {
  method: 'GET',
  path: queryPath([unusedUuid]),
  kind: 'probe',
  secrets: [],
  turn: anyTurn,
}
