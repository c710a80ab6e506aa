/** The HTTP endpoints that probes and Prometheus read. */
import process from 'node:process'
import type { Clock } from '../clock.ts'
import { brokenScopes, connectionsDown, liveness, readiness, type ScopeState } from './health.ts'
import { measureEventLoopLag } from './event-loop-lag.ts'
import type { Metrics, Snapshot } from './metrics.ts'
import type { ObservedObject } from './object-metrics.ts'
import { checkPage, listen, type Check, type Listener } from './server.ts'

/** The state of the operator's parts, looked up at each request; times are milliseconds. */
export type OperatorState = {
  readonly queue: {
    waiting(priority: 'change' | 'retry' | 'poll'): number
    working(): readonly number[]
  }
  readonly informer: { hasSynced(): boolean; silentForMs(): number; scopes(): readonly ScopeState[] }
  readonly poller: { hasPolled(): boolean }
  readonly connections: () => readonly ConnectionState[]
  /** Why the connections keep this process from being ready. */
  readonly connectionProblems: () => readonly string[]
  readonly objects: () => Iterable<ObservedObject>
  readonly isLeader: () => boolean
  /** Why the lease cannot be had, where only a person can change that. */
  readonly leaseProblem: () => string | undefined
  readonly isStopping: () => boolean
}

export type ConnectionState = {
  readonly name: string
  /** Why requests over it are held back, if they are. */
  readonly trouble: string | undefined
  /** Since a poll last read any of its services; absent until a poll of it has begun. */
  readonly observationAgeMs: number | undefined
}

/** Serves no endpoint whose port is 0. Rejects if it cannot listen on a port. */
export async function serveEndpoints(
  ports: { readonly healthPort: number; readonly metricsPort: number },
  metrics: Metrics,
  state: OperatorState,
  clock: Clock,
): Promise<Listener> {
  if (ports.healthPort === 0 && ports.metricsPort === 0) return { close: () => Promise.resolve() }
  const { queue, informer, poller, connections, connectionProblems, objects, isLeader, leaseProblem, isStopping } =
    state
  const loop = measureEventLoopLag(clock)
  // Computed once: if it were computed at each scrape, a clock that is set would look like a restart.
  const startTime = clock.now() / 1000 - process.uptime()
  const now = (): Snapshot => ({
    waiting: { change: queue.waiting('change'), retry: queue.waiting('retry'), poll: queue.waiting('poll') },
    working: queue.working().map(inSeconds),
    isLeader: isLeader(),
    connections: connections().map(({ name, trouble, observationAgeMs }) => ({
      name,
      isDown: trouble !== undefined,
      observationAge: optionally(inSeconds, observationAgeMs),
    })),
    scopes: informer.scopes(),
    loopLag: inSeconds(loop.lagMs()),
    objects,
    process: { ...usage(), startTime },
  })
  const isAlive = liveness({
    watchSilentMs: () => informer.silentForMs(),
    loopLagMs: () => loop.recentLagMs(),
  })
  const isReady = readiness({
    hasListed: () => informer.hasSynced(),
    hasPolled: () => poller.hasPolled(),
    connectionProblems,
    isLeader,
    leaseProblem,
    isStopping,
  })
  try {
    const servers = await Promise.all([
      listen(ports.healthPort, {
        '/healthz': checkPage(isAlive),
        '/readyz': checkPage(
          isReady,
          allOf(
            connectionsDown(connections),
            brokenScopes(() => informer.scopes()),
          ),
        ),
      }),
      listen(ports.metricsPort, { '/metrics': () => metrics.page(now()) }),
    ])
    return {
      async close() {
        loop.close()
        await Promise.all(servers.map((server) => server.close()))
      },
    }
  } catch (error) {
    loop.close()
    throw error
  }
}

const allOf =
  (...checks: readonly Check[]): Check =>
  () =>
    checks.flatMap((check) => check())

function usage() {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    cpuSeconds: (user + system) / 1_000_000,
    residentBytes: rss,
    heapBytes: heapUsed,
  }
}

const inSeconds = (ms: number) => ms / 1000

function optionally<A, B>(change: (value: A) => B, value: A | undefined): B | undefined {
  return value === undefined ? undefined : change(value)
}
