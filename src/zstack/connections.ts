/** The connections of this process: today the default one, named by the environment. */
import type { Clock } from '../clock.ts'
import { done } from '../decide/failure.ts'
import type { Connection, Connections } from '../reconcile/ports.ts'
import { createBodyShapes } from './bodyshape.ts'
import type { CircuitChange } from './circuit.ts'
import { createClient } from './client.ts'
import type { CredentialsSource } from './credentials.ts'
import type { Http } from './http.ts'
import { createInventory } from './inventory.ts'
import type { BodyShape } from './wire.ts'

export type ConnectionOptions = {
  readonly endpoint: string
  readonly http: Http
  readonly credentials: CredentialsSource
  readonly requestBody: 'auto' | BodyShape
  readonly maxInFlight: number
  readonly clock: Clock
  readonly random: () => number
  readonly onShapeLearned: (shape: BodyShape) => void
  readonly onChange: (change: CircuitChange) => void
}

export function createConnections(options: ConnectionOptions): Connections {
  const { endpoint, clock, requestBody } = options
  const client = createClient(options)
  const shapes = createBodyShapes(requestBody, options.onShapeLearned)
  const inventory = createInventory(client, shapes, clock, endpoint)
  const connection: Connection = { endpoint, inventory, trouble: () => client.trouble() }
  return { open: () => done(connection), close: () => client.close() }
}
