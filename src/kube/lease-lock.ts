/** One who wants a Lease: reads the record, judges whether it is free, writes itself into it. */
import type { Logger } from 'pino'
import { withTimeout, type Clock } from '../clock.ts'
import { ApiError, type ApiRequest, type Cluster } from './cluster.ts'
import type { ServiceAccount } from './service-account.ts'
import { classify, type ApiErrorClass } from './api-errors.ts'

export type LeaseLockOptions = {
  readonly cluster: Cluster
  readonly namespace: string
  readonly name: string
  /** No two processes that live at the same time have the same; one may have that of its dead predecessor. */
  readonly identity: string
  /** How long the lease lasts from each renewal. */
  readonly durationMs: number
  /** How long one request may take. */
  readonly limitMs: number
  readonly clock: Clock
  readonly log: Logger
}

type Lease = {
  metadata: { name: string; namespace: string; resourceVersion?: string }
  spec?: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

/** The record as this process saw it last, and when it saw it change. */
type ObservedRecord = {
  readonly record: string
  readonly holder: string | undefined
  readonly durationMs: number
  readonly at: number
}

export type LeaseLock = ReturnType<typeof createLeaseLock>

export function createLeaseLock(options: LeaseLockOptions) {
  const { cluster, namespace, name, identity, durationMs, limitMs, clock, log } = options
  // A renewal that waited behind the writes of a whole fleet to a slow API server would come too late.
  const send: Cluster['send'] = (request, signal) =>
    withTimeout(clock, limitMs, (limited) => cluster.send({ ...request, isUrgent: true }, limited), signal)
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`
  const path = `${collection}/${encodeURIComponent(name)}`
  let observed: ObservedRecord | undefined
  /**
   * Once this process holds the lease: when it renewed it, as far as it had an answer, and whenever it tried since. A
   * record of its identity with any other time was written by another process, which may have begun without waiting.
   */
  let renewals: number[] = []
  /** The class of the last failure that was logged: the same class in a row is logged once. */
  let lastLogged: ApiErrorClass | undefined
  let problem: string | undefined

  async function read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return (await send({ method: 'GET', path }, signal)) as Lease
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }

  function observe({ spec = {} }: Lease) {
    const record = JSON.stringify(spec)
    if (observed?.record === record) return
    const durationMs = (spec.leaseDurationSeconds ?? 0) * 1000
    observed = { record, holder: spec.holderIdentity, durationMs, at: clock.monotonic() }
  }

  function isOurs(spec: Lease['spec']): boolean {
    if (spec?.holderIdentity !== identity) return false
    return renewals.length === 0 || renewals.includes(Date.parse(spec.renewTime ?? ''))
  }

  function isFree({ spec }: Lease): boolean {
    if (!spec?.holderIdentity || isOurs(spec)) return true
    return observed !== undefined && clock.monotonic() - observed.at > observed.durationMs
  }

  async function hold(signal: AbortSignal): Promise<'held' | 'others'> {
    const lease = await read(signal)
    if (lease) observe(lease)
    if (lease && !isFree(lease)) {
      if (lease.spec?.holderIdentity === identity)
        log.warn(
          { lease: `${namespace}/${name}`, holder: identity },
          'another process of the same identity took the lease',
        )
      return 'others'
    }
    const now = microTime(clock.now())
    const renewal = Date.parse(now)
    if (renewals.length > 0) renewals.push(renewal)
    observe((await send(writeOf(lease, now), signal)) as Lease)
    renewals = [renewal]
    return 'held'
  }

  function writeOf(lease: Lease | undefined, now: string): ApiRequest {
    const spec = { holderIdentity: identity, leaseDurationSeconds: durationMs / 1000, renewTime: now }
    if (!lease) {
      const begin = { ...spec, acquireTime: now, leaseTransitions: 0 }
      const type = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }
      const metadata = { name, namespace, ...ownerOf(namespace, cluster.serviceAccount()) }
      return { method: 'POST', path: collection, body: { ...type, metadata, spec: begin } }
    }
    const { holderIdentity, acquireTime = now, leaseTransitions = 0 } = lease.spec ?? {}
    const term =
      holderIdentity === identity
        ? { acquireTime, leaseTransitions }
        : { acquireTime: now, leaseTransitions: leaseTransitions + 1 }
    return { method: 'PUT', path, body: { ...lease, spec: { ...spec, ...term } } }
  }

  async function clearHolder(signal: AbortSignal): Promise<void> {
    for (let isLast = false; ; isLast = true) {
      const lease = await read(signal)
      if (!lease || !isOurs(lease.spec)) return
      const now = microTime(clock.now())
      // client-go's way: no holder, and a duration of a second for those who look at that alone.
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now }
      try {
        await send({ method: 'PUT', path, body: { ...lease, spec } }, signal)
        return
      } catch (error) {
        // A renewal that was cut short may have arrived all the same, even between these two.
        if (isLast || !(error instanceof ApiError) || error.status !== 409) throw error
      }
    }
  }

  return {
    holder: () => observed?.holder,
    /** Why the API server refuses the lease, and what to do about it; nothing while it does not. */
    problem: () => problem,
    /** How long from now another's lease lasts, unless it is renewed; nothing where it is over, or none is known of. */
    othersEndMs(): number | undefined {
      const leftMs = observed ? observed.at + observed.durationMs - clock.monotonic() : -1
      return leftMs >= 0 ? leftMs + 1 : undefined
    },
    /** `unknown`: the API server did not say, or somebody else wrote at the same moment. */
    async tryAcquireOrRenew(signal: AbortSignal): Promise<'held' | 'others' | 'unknown' | 'unreachable'> {
      try {
        const state = await hold(signal)
        lastLogged = undefined
        problem = undefined
        return state
      } catch (error) {
        if (signal.aborted) return 'unknown'
        const { message } = error as Error
        const isRace = error instanceof ApiError && error.status === 409
        const trouble = classify(error as Error)
        const advice = isRace ? undefined : adviceOn(error, namespace)
        // What the API server said last counts: a request that it did not answer changes nothing about it.
        if (trouble !== 'unreachable')
          problem = advice && `nobody can lead through this process: ${advice} (${message})`
        log[isRace || trouble === lastLogged ? 'debug' : 'warn'](
          { lease: `${namespace}/${name}`, reason: message },
          advice === undefined ? 'lease not renewed' : `lease not renewed: ${advice}`,
        )
        if (!isRace) lastLogged = trouble
        return trouble === 'unreachable' ? trouble : 'unknown'
      }
    },
    async release(): Promise<void> {
      try {
        await clearHolder(new AbortController().signal)
      } catch (error) {
        log.warn({ reason: (error as Error).message }, 'lease not released; another process takes over when it ends')
      }
    },
  }
}

/**
 * A lease goes with the service account of the process that made it, so that an operator that is uninstalled leaves none.
 * It is said at the creation alone: some clusters let nobody change the owners of what they may not delete. An owner in
 * another namespace would be taken for one that is gone, and the lease with it.
 */
function ownerOf(namespace: string, account: ServiceAccount | undefined) {
  if (account?.namespace !== namespace) return undefined
  const { name, uid } = account
  return { ownerReferences: [{ apiVersion: 'v1', kind: 'ServiceAccount', name, uid }] }
}

/** What to do where the API server refuses the lease; nothing where that passes by itself. */
function adviceOn(error: unknown, namespace: string): string | undefined {
  const status = error instanceof ApiError ? error.status : 0
  if (status === 401) return 'the API server does not accept this identity; check the token or kubeconfig'
  if (status === 403)
    return `the API server refuses the lease; grant get, create and update of leases in the namespace ${namespace}`
  if (status === 404) return `there is no namespace ${namespace} for the lease; check LEADER_ELECTION_NAMESPACE`
  return undefined
}

/** metav1.MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}
