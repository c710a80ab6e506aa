/** All that the operator meets outside its process, time and chance among it. A simulation hands in its own. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { KubeConfig } from '@kubernetes/client-node'
import { systemClock, type Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createCluster, type Cluster } from './kube/cluster.ts'
import { createHttp, type Http, type HttpTarget } from './zstack/http.ts'

/** What a connection to ZStack needs of the world. */
export type ZStackDependencies = {
  readonly clock: Clock
  readonly random: () => number
  /** The way to one ZStack: the endpoint of a connection, and how to trust it. */
  readonly httpTo: (target: HttpTarget) => Http
}

export type Dependencies = ZStackDependencies & {
  /** Where this process runs. */
  readonly host: string
  /** Under which it holds the lease. */
  readonly identity: string
  readonly cluster: Cluster
}

const kubeTimeoutMs = 15_000

export function createZStackDependencies(userAgent: string): ZStackDependencies {
  return { clock: systemClock, random: Math.random, httpTo: (target) => createHttp({ ...target, userAgent }) }
}

export function createDependencies(config: Config, kubeConfig: KubeConfig, userAgent: string): Dependencies {
  const host = hostname()
  return {
    ...createZStackDependencies(userAgent),
    host,
    identity: identityOf(config, host),
    cluster: createCluster(kubeConfig, { userAgent, requestTimeoutMs: kubeTimeoutMs }),
  }
}

/**
 * The identity under which the lease is held. In a pod it is the pod's, so that a container that is started again takes
 * the lease of its predecessor back at once, instead of waiting for its end; kubelet starts it only after that one has
 * ended. One pod must therefore not run two operators (two containers, or one more by `kubectl exec`): each would take the
 * lease from the other, and both would write until the next renewal. A request that the dead one left on the wire still
 * arrives, as after any crash; one for the lease is void, for the record has changed.
 */
function identityOf({ pod }: Config, host: string): string {
  return pod ? `${pod.name}_${pod.uid}` : `${host}_${randomUUID()}`
}
