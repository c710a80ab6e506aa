/** All that the operator meets outside its process, time and chance among it. A simulation hands in its own. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { KubeConfig } from '@kubernetes/client-node'
import { systemClock, type Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createCluster, type Cluster } from './kube/cluster.ts'
import { createHttp, type Http } from './zstack/http.ts'

export type Outside = {
  readonly clock: Clock
  readonly random: () => number
  /** Where this process runs. */
  readonly host: string
  /** Unique to this process. */
  readonly identity: string
  readonly cluster: Cluster
  readonly http: Http
}

const kubeTimeoutMs = 15_000

export function createOutside(config: Config, kubeConfig: KubeConfig, userAgent: string): Outside {
  const host = hostname()
  return {
    clock: systemClock,
    random: Math.random,
    host,
    identity: `${host}_${randomUUID()}`,
    cluster: createCluster(kubeConfig, { userAgent, requestTimeoutMs: kubeTimeoutMs }),
    http: createHttp({
      baseUrl: config.endpoint,
      timeoutMs: config.requestTimeoutMs,
      connections: config.maxInFlight,
      userAgent,
      insecureSkipTlsVerify: config.insecureSkipTlsVerify,
      ...(config.ca !== undefined && { ca: config.ca }),
    }),
  }
}
