/** What every simulated deployment has in common: when and where it runs, and the configuration of its operator. */
import type { Config } from '../../src/config.ts'
import { redacted } from '../../src/redacted.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { readSession } from '../../src/zstack/wire.ts'
import type { Setting } from './schedule.ts'
import { account } from './sessions.ts'

export const epoch = Date.parse('2026-01-01T00:00:00Z')
export const endpoint = 'http://zstack.example:8080/zstack'
export const accessKey = { id: 'access-key', secret: 's3cret-of-the-access-key' } as const

/** The session that a log-in gave, if it did. */
export function sessionIn(answer: HttpAnswer): string {
  return answer.kind === 'answered' ? (readSession(answer.json) ?? '') : ''
}

export type Deployment = Pick<
  Setting,
  'credentials' | 'requestBody' | 'requestTimeoutMs' | 'maxInFlight' | 'pollIntervalMs' | 'namespaces' | 'workers'
>

export function configOf(setting: Deployment, leaderElection: boolean): Config {
  return {
    endpoint,
    credentials:
      setting.credentials === 'account'
        ? { kind: 'account', name: account.name, password: redacted(account.password) }
        : { kind: 'accessKey', id: accessKey.id, secret: redacted(accessKey.secret) },
    ca: undefined,
    insecureSkipTlsVerify: false,
    requestBody: setting.requestBody,
    requestTimeoutMs: setting.requestTimeoutMs,
    maxInFlight: setting.maxInFlight,
    pollIntervalMs: setting.pollIntervalMs,
    watchNamespaces: setting.namespaces,
    watchLabelSelector: undefined,
    maxConcurrentReconciles: setting.workers,
    leaderElection,
    leaderElectionNamespace: 'operators',
    pod: undefined,
    podNamespace: undefined,
    metricsPort: 0,
    healthPort: 0,
    logLevel: 'debug',
    logFormat: 'json',
  }
}
