/** Requests to one ZStack: limited in number, authenticated, and held back while they cannot succeed. */
import type { Clock } from '../clock.ts'
import type { Failure } from '../decide/failure.ts'
import type { ConnectionEvent } from '../reconcile/ports.ts'
import { createAuthBreaker } from './auth-breaker.ts'
import { createAuthenticator } from './authenticator.ts'
import type { SendCall } from './call.ts'
import { createCircuit } from './circuit.ts'
import type { CredentialsSource } from './credentials.ts'
import type { Http } from './http.ts'
import { authenticate, breakOnOutage, compose, haltOnRefusal, limitInFlight, refuseIf, sendOver } from './middleware.ts'
import { createSemaphore } from './semaphore.ts'

export interface Client {
  readonly call: SendCall
  /** Why calls are held back at the moment; `undefined` if they are not. */
  currentFailure(): Failure | undefined
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
  const authBreaker = createAuthBreaker(clock, onEvent)
  const circuits = { read: createCircuit(clock, random, onEvent), write: createCircuit(clock, random, onEvent) }
  const authenticator = createAuthenticator({ http, endpoint, credentials, authBreaker, clock })
  const closing: Failure = {
    kind: 'unavailable',
    message: `the operator is closing its connection to ${endpoint}`,
  }
  let isClosed = false

  const middleware = [
    limitInFlight(semaphore),
    refuseIf(() => (isClosed ? closing : undefined)),
    haltOnRefusal(authBreaker),
    breakOnOutage(circuits),
    authenticate(authenticator),
  ]

  return {
    call: compose(middleware, sendOver(http, endpoint)),
    currentFailure: () =>
      authBreaker.currentFailure() ?? circuits.read.currentFailure() ?? circuits.write.currentFailure(),
    async close() {
      isClosed = true
      authBreaker.close()
      circuits.read.close()
      circuits.write.close()
      await authenticator.close()
      await http.close()
    },
  }
}
