/** One who wants a Lease: reads the record, judges whether it is free, writes itself into it. */
import type { Logger } from 'pino'
import { inTime, type Clock } from '../clock.ts'
import { ApiError, type Cluster } from './cluster.ts'
import { troubleOf, type Trouble } from './trouble.ts'

export type CandidateOptions = {
  readonly cluster: Cluster
  readonly namespace: string
  readonly name: string
  /** No two processes that live at the same time have the same. */
  readonly identity: string
  /** How long the lease lasts from each renewal. */
  readonly durationMs: number
  /** How long one try may take. */
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
type Seen = {
  readonly record: string
  readonly holder: string | undefined
  readonly durationMs: number
  readonly at: number
}

export type Candidate = ReturnType<typeof createCandidate>

export function createCandidate(options: CandidateOptions) {
  const { cluster, namespace, name, identity, durationMs, limitMs, clock, log } = options
  // A renewal that waited behind the writes of a whole fleet to a slow API server would come too late.
  const send: Cluster['send'] = (request, signal) => cluster.send({ ...request, isUrgent: true }, signal)
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`
  const path = `${collection}/${encodeURIComponent(name)}`
  let seen: Seen | undefined
  /** What was told of the failures in a row. */
  let told: Trouble | undefined

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
    if (seen?.record === record) return
    const durationMs = (spec.leaseDurationSeconds ?? 0) * 1000
    seen = { record, holder: spec.holderIdentity, durationMs, at: clock.monotonic() }
  }

  function isFree({ spec }: Lease): boolean {
    if (!spec?.holderIdentity || spec.holderIdentity === identity) return true
    return seen !== undefined && clock.monotonic() - seen.at > seen.durationMs
  }

  async function hold(signal: AbortSignal): Promise<'held' | 'others'> {
    const lease = await read(signal)
    const now = microTime(clock.now())
    const spec = { holderIdentity: identity, leaseDurationSeconds: durationMs / 1000, renewTime: now }
    if (!lease) {
      const body = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace },
        spec: { ...spec, acquireTime: now, leaseTransitions: 0 },
      }
      observe((await send({ method: 'POST', path: collection, body }, signal)) as Lease)
      return 'held'
    }
    observe(lease)
    if (!isFree(lease)) return 'others'
    const isOurs = lease.spec?.holderIdentity === identity
    const transitions = lease.spec?.leaseTransitions ?? 0
    const body = {
      ...lease,
      spec: {
        ...spec,
        acquireTime: isOurs ? (lease.spec?.acquireTime ?? now) : now,
        leaseTransitions: isOurs ? transitions : transitions + 1,
      },
    }
    observe((await send({ method: 'PUT', path, body }, signal)) as Lease)
    return 'held'
  }

  async function vacate(signal: AbortSignal): Promise<void> {
    for (let isLast = false; ; isLast = true) {
      const lease = await read(signal)
      if (lease?.spec?.holderIdentity !== identity) return
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
    holder: () => seen?.holder,
    /** How long from now another's lease lasts, unless it is renewed; nothing where it is over, or none is known of. */
    othersEndMs(): number | undefined {
      const leftMs = seen ? seen.at + seen.durationMs - clock.monotonic() : -1
      return leftMs >= 0 ? leftMs + 1 : undefined
    },
    /** `unknown`: the API server did not say, or somebody else wrote at the same moment. */
    async tryToHold(signal: AbortSignal): Promise<'held' | 'others' | 'unknown' | 'unreachable'> {
      try {
        const state = await inTime(clock, limitMs, hold, signal)
        told = undefined
        return state
      } catch (error) {
        if (signal.aborted) return 'unknown'
        const isRace = error instanceof ApiError && error.status === 409
        const trouble = troubleOf(error as Error)
        log[isRace || trouble === told ? 'debug' : 'warn'](
          { lease: `${namespace}/${name}`, reason: (error as Error).message },
          'lease not renewed',
        )
        if (!isRace) told = trouble
        return trouble === 'unreachable' ? trouble : 'unknown'
      }
    },
    async giveUp(): Promise<void> {
      try {
        await inTime(clock, limitMs, vacate)
      } catch (error) {
        log.warn({ reason: (error as Error).message }, 'lease not released; another process takes over when it ends')
      }
    },
  }
}

/** metav1.MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}
