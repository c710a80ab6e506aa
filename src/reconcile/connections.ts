/**
 * The connections of this process, by name. `buildZStack` in `operator.ts` makes them, and `connectionNameOf` in
 * `api/modelservice.ts` says which one an object speaks through.
 */
import { err, ok } from '../decide/failure.ts'
import type { Connection, Connections } from './ports.ts'

export function createConnections(connections: readonly Connection[]): Connections {
  const byName = new Map(connections.map((connection) => [connection.name, connection]))
  return {
    get(name) {
      const connection = byName.get(name)
      return connection
        ? ok(connection)
        : err({
            kind: 'noConnection',
            message: `there is no ZStack connection ${name}; create it, or correct the reference`,
          })
    },
    all: () => [...byName.values()],
    async close() {
      await Promise.all(connections.map((connection) => connection.close()))
    },
  }
}
