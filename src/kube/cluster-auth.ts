/** Credentials and connections for one API server, from client-node's configuration. */
import { KubeConfig, type Cluster as ClusterEntry } from '@kubernetes/client-node'
import type { AgentOptions } from 'node:https'
import { createSecureContext } from 'node:tls'
import { Agent, ProxyAgent, type Dispatcher } from 'undici'
import type { InFlight } from '../semaphore.ts'

type Pools = {
  /** What they were made of. */
  readonly made: string
  readonly requests: Dispatcher
  /** For streams, which keep a connection for minutes, and for urgent requests: they never wait for a free connection. */
  readonly dedicated: Dispatcher
}

export type Access = { readonly headers: Record<string, string>; readonly pools: Pools; readonly at: number }

export interface ClusterAuth {
  /** What {@link access} would give, where that needs no waiting. */
  cached(): Access | undefined
  /** Headers and connections that are good now. All who ask while they are renewed wait for the same. */
  access(): Promise<Access>
  /** The credentials were refused: the next to ask gets new ones. */
  forget(): void
  /** Breaks what is under way. */
  close(): Promise<void>
}

/** A token file is read again this often; the kubelet renews it long before it ends. */
const credentialsAgeMs = 30_000
/**
 * TLS handshakes cost more than waiting for one of a few connections. What hangs, for the sake of a webhook of one
 * namespace for instance, gets connections apart, so that others need not wait for it.
 */
export const inFlight: InFlight = { slots: 8, apart: 64 }
/** The API server closes an idle connection after 90 s; a status write after a quiet while needs no new one. */
const keepAliveMs = 60_000

/**
 * client-node makes a new connection pool for every request it authenticates; this one only tells what the pool would
 * need, so that one pool serves them all.
 */
export class CapturingKubeConfig extends KubeConfig {
  wanted: ReturnType<KubeConfig['createDispatcherOptions']> = { type: 'none' }
  override createDispatcherOptions(cluster: ClusterEntry | null, options: AgentOptions) {
    // client-node refuses http:// unless TLS is not to be verified, which has no meaning there; `kubectl proxy` speaks it.
    const isPlain = cluster?.server.startsWith('http:') === true && !cluster.proxyUrl
    this.wanted = isPlain ? { type: 'none' } : super.createDispatcherOptions(cluster, options)
    return this.wanted.type === 'socks' ? this.wanted : ({ type: 'none' } as const)
  }
}

export function createClusterAuth(config: KubeConfig): ClusterAuth {
  let authenticating: Promise<Access> | undefined
  let access: Access | undefined
  let pools: Pools | undefined

  async function authenticate(): Promise<Access> {
    const headers: Record<string, string> = {}
    let proxyDispatcher: Dispatcher | undefined
    const context = {
      setHeaderParam: (name: string, value: string) => {
        headers[name.toLowerCase()] = value
      },
      setDispatcher: (made: Dispatcher) => {
        proxyDispatcher = made
      },
    }
    await config.applySecurityAuthentication(
      context as unknown as Parameters<KubeConfig['applySecurityAuthentication']>[0],
    )
    const wanted = config instanceof CapturingKubeConfig ? config.wanted : { type: 'none' as const }
    const before = pools
    pools = poolsFor(wanted, proxyDispatcher, before)
    if (before && before !== pools) void closePools(before)
    access = { headers, pools, at: performance.now() }
    return access
  }

  return {
    cached: () => (access && performance.now() - access.at < credentialsAgeMs ? access : undefined),
    access() {
      authenticating ??= authenticate().finally(() => {
        authenticating = undefined
      })
      return authenticating
    },
    forget() {
      access = undefined
    },
    close: async () => {
      await Promise.all([pools?.requests.destroy(), pools?.dedicated.destroy()])
    },
  }
}

function poolsFor(
  wanted: CapturingKubeConfig['wanted'],
  special: Dispatcher | undefined,
  before: Pools | undefined,
): Pools {
  const made = JSON.stringify(wanted)
  if (special) return { made, requests: special, dedicated: special }
  if (before?.made === made) return before
  const shared = withSecureContext(wanted)
  return { made, requests: pool(shared, { connections: inFlight.slots + inFlight.apart }), dedicated: pool(shared, {}) }
}

/** Certificates are read once for all connections rather than for each, which takes as long as the rest of a handshake. */
function withSecureContext(wanted: CapturingKubeConfig['wanted']): CapturingKubeConfig['wanted'] {
  if (wanted.type !== 'agent') return wanted
  const secureContext = createSecureContext(wanted.connect)
  return { ...wanted, connect: { ...wanted.connect, secureContext } }
}

function pool(wanted: CapturingKubeConfig['wanted'], size: { readonly connections?: number }): Dispatcher {
  // Over HTTP/2 all would share one connection, and its loss or stall.
  const options = { ...size, allowH2: false, keepAliveTimeout: keepAliveMs }
  switch (wanted.type) {
    case 'proxy':
      return new ProxyAgent({
        ...options,
        uri: wanted.uri,
        requestTls: wanted.requestTls as ProxyAgent.Options['requestTls'] & object,
      })
    case 'agent':
      return new Agent({ ...options, connect: wanted.connect as Agent.Options['connect'] & object })
    default:
      return new Agent(options)
  }
}

/** Lets what is under way end first. */
async function closePools({ requests, dedicated }: Pools): Promise<void> {
  await Promise.allSettled([requests.close(), dedicated.close()])
}
