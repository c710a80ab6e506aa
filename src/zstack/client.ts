/** Requests to one ZStack: limited in number, authenticated, and held back while they cannot succeed. */
import type { Clock } from '../clock.ts'
import type { Failure } from '../decide/failure.ts'
import { anyTurn } from '../priority.ts'
import type { ConnectionEvent } from '../reconcile/ports.ts'
import { createAuthBreaker } from './auth-breaker.ts'
import { createAuthenticator } from './authenticator.ts'
import type { Call, SendCall } from './call.ts'
import { createCircuit } from './circuit.ts'
import type { CredentialsSource } from './credentials.ts'
import type { Http } from './http.ts'
import { authenticate, breakOnOutage, compose, haltOnRefusal, limitInFlight, refuseIf, sendOver } from './middleware.ts'
import { createSemaphore } from './semaphore.ts'
import { queryPath, unusedUuid } from './wire.ts'

export interface Client {
  readonly call: SendCall
  /** Why calls are held back at the moment; `undefined` if they are not. */
  currentFailure(): Failure | undefined
  /** Whether ZStack answers and accepts the credentials; where a read has just failed, probes show it first. */
  isWorking(): Promise<boolean>
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
  const semaphore = createSemaphore(maxInFlight, clock)
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
  const sendProbe = compose([halt, prove], sendOver(http, endpoint))
  const circuit = createCircuit({ clock, random, probe: () => sendProbe(probe, closed.signal), onEvent })
  const middleware = [
    limitInFlight(semaphore),
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
    call: compose(middleware, sendOver(http, endpoint)),
    currentFailure: () => authBreaker.currentFailure() ?? circuit.currentFailure(),
    isWorking,
    proveWorking() {
      circuit.doubt()
      return isWorking()
    },
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
