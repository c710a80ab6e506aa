/** One ZStack with one set of credentials: its client, what it was seen to hold, and the shape of body it takes. */
import type { Clock } from '../clock.ts'
import { ok } from '../decide/failure.ts'
import type { Connection, ConnectionEvent, ConnectionKind } from '../reconcile/ports.ts'
import { createBodyShapePreference } from './bodyshape.ts'
import { createClient } from './client.ts'
import type { CredentialsSource } from './credentials.ts'
import type { Http } from './http.ts'
import { createInventory } from './inventory.ts'
import type { BodyShape } from './wire.ts'

export type ConnectionOptions = {
  readonly kind: ConnectionKind
  /** By which objects, metrics and logs refer to it. */
  readonly name: string
  readonly endpoint: string
  readonly http: Http
  readonly credentials: CredentialsSource
  readonly requestBody: 'auto' | BodyShape
  readonly maxInFlight: number
  readonly clock: Clock
  readonly random: () => number
  /** Told of the body shape that this ZStack takes when it is first known, and whenever it changes. */
  readonly onShapeLearned: (shape: BodyShape) => void
}

export function createConnection(options: ConnectionOptions): Connection {
  const { kind, name, endpoint, clock, requestBody } = options
  const listeners: ((event: ConnectionEvent) => void)[] = []
  const onEvent = (event: ConnectionEvent) => listeners.forEach((listener) => listener(event))
  const client = createClient({ ...options, onEvent })
  const shapes = createBodyShapePreference(requestBody, options.onShapeLearned)
  const inventory = createInventory(client, shapes, clock, endpoint)
  return {
    kind,
    name,
    endpoint,
    inventory,
    currentFailure: () => client.currentFailure(),
    subscribe: (listener) => void listeners.push(listener),
    async check(signal) {
      const reply = await client.check(signal)
      return reply.ok ? ok(undefined) : reply
    },
    logOut: () => client.logOut(),
    close: () => client.close(),
  }
}
