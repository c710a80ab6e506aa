/** The connection that the environment describes. */
import { defaultConnection } from './api/modelservice.ts'
import type { Config } from './config.ts'
import type { ZStackDependencies } from './dependencies.ts'
import type { Connection } from './reconcile/ports.ts'
import { createConnection, type ConnectionOptions } from './zstack/connection.ts'
import { credentialsDirectory, fixedCredentials } from './zstack/credentials.ts'
import type { Http } from './zstack/http.ts'
import { connectionsFor } from './zstack/in-flight.ts'

export type DefaultConnectionOptions = Pick<ConnectionOptions, 'onShapeLearned'> & {
  /** Wraps what sends each request. */
  readonly wrap: (send: Http['send']) => Http['send']
}

export function createDefaultConnection(
  config: Config,
  { httpTo, clock, random }: ZStackDependencies,
  { wrap, onShapeLearned }: DefaultConnectionOptions,
): Connection {
  const { endpoint, credentials, requestBody, maxInFlight, ca } = config
  const http = httpTo({
    baseUrl: endpoint,
    timeoutMs: config.requestTimeoutMs,
    connections: connectionsFor(maxInFlight),
    insecureSkipTlsVerify: config.insecureSkipTlsVerify,
    ...(ca !== undefined && { ca }),
  })
  return createConnection({
    kind: 'Environment',
    name: defaultConnection,
    endpoint,
    http: { ...http, send: wrap(http.send) },
    credentials:
      credentials.kind === 'directory'
        ? credentialsDirectory(credentials.directory, undefined, credentials.mounted)
        : fixedCredentials(credentials),
    requestBody,
    maxInFlight,
    clock,
    random,
    onShapeLearned,
  })
}
