import { onTestFinished } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { serveEndpoints, type OperatorState } from '../../src/telemetry/endpoints.ts'
import { createManualClock } from './clock.ts'
import { freePort } from './free-port.ts'

/** The state of a leader that is well. */
export const well: OperatorState = {
  queue: { waiting: () => 0, working: () => [] },
  informer: { hasSynced: () => true, silentForMs: () => 0, scopes: () => [] },
  poller: { hasPolled: () => true },
  connections: () => [{ name: 'default', trouble: undefined, observationAgeMs: 0 }],
  connectionProblems: () => [],
  objects: () => [],
  isLeader: () => true,
  leaseProblem: () => undefined,
  isStopping: () => false,
}

/** Serves the endpoints over this state until the test ends. */
export async function startPages(state: Partial<OperatorState> = {}, clock: Clock = createManualClock()) {
  const ports = { health: await freePort(), metrics: await freePort() }
  const metrics = createMetrics({ version: '1', workers: 1, staleAfterMs: 300_000 })
  const configured = { healthPort: ports.health, metricsPort: ports.metrics }
  const pages = await serveEndpoints(configured, metrics, { ...well, ...state }, clock)
  onTestFinished(() => pages.close())
  return {
    ports,
    get: async (port: keyof typeof ports, path: string) => {
      const response = await fetch(`http://127.0.0.1:${ports[port]}${path}`)
      return { status: response.status, text: await response.text() }
    },
  }
}
