/** All that the operator meets outside its process, time and chance among it. A simulation hands in its own. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { KubeConfig } from '@kubernetes/client-node'
import { systemClock, type Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createCluster, type Cluster } from './kube/cluster.ts'
import { connectionsFor, createHttp, type Http } from './zstack/http.ts'

export type Dependencies = {
  readonly clock: Clock
  readonly random: () => number
  /** Where this process runs. */
  readonly host: string
  /** By which it holds the lease. */
  readonly identity: string
  readonly cluster: Cluster
  readonly http: Http
}

const kubeTimeoutMs = 15_000

export function createDependencies(config: Config, kubeConfig: KubeConfig, userAgent: string): Dependencies {
  const host = hostname()
  return {
    clock: systemClock,
    random: Math.random,
    host,
    identity: identityOf(config, host),
    cluster: createCluster(kubeConfig, { userAgent, requestTimeoutMs: kubeTimeoutMs }),
    http: createHttp({
      baseUrl: config.endpoint,
      timeoutMs: config.requestTimeoutMs,
      connections: connectionsFor(config.maxInFlight),
      userAgent,
      insecureSkipTlsVerify: config.insecureSkipTlsVerify,
      ...(config.ca !== undefined && { ca: config.ca }),
    }),
  }
}

/**
 * In a pod the pod's: a container that is started again takes the lease of the one before it back at once, which would
 * otherwise have to run out. Kubelet starts it only after that one has ended, even where it was paused; so one pod must
 * not run two of them (two containers, or one more by `kubectl exec`). Each would take the lease from the other, which
 * notices at its next renewal, and until then both write. A request that the dead one left on the wire still arrives, as
 * after any crash; one for the lease is void, for the record has changed.
 */
function identityOf({ pod }: Config, host: string): string {
  return pod ? `${pod.name}_${pod.uid}` : `${host}_${randomUUID()}`
}
