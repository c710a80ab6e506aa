/**
 * Leader election on a Lease, with client-go's semantics: expiry counts from when this process saw the record change,
 * never from times that others wrote. What it does not promise is fencing: a request on the wire when the lease is lost
 * still arrives.
 */
import type { Logger } from 'pino'
import { inTime, type Clock } from '../clock.ts'
import { ApiError, type Cluster } from './cluster.ts'

export type LeaseOptions = {
  readonly cluster: Cluster
  readonly namespace: string
  readonly name: string
  /** Unique to this process. */
  readonly identity: string
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
}

export interface Leadership {
  /** Aborted once the lease is lost: whatever writes must stop at once. */
  readonly lost: AbortSignal
  /** Whether writing is safe at this very moment; unlike `lost` it needs no timer to fire, so it holds in a process that was stopped. */
  isHeld(): boolean
  /** Gives the lease up, so that another takes over without waiting for its end. */
  release(): Promise<void>
}

/** client-go's defaults. The renew deadline is shorter than the lease: we stop before another can begin. */
export const leaseTimes = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 } as const
/** Spread of the tries of those who wait: none looks later than the retry says. */
const retryJitter = 0.2
/** So that one hung request cannot use up the renew deadline. */
const requestLimitMs = leaseTimes.renewDeadlineMs / 2

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

/** Waits until this process holds the lease. Resolves to nothing only when aborted. */
export async function acquireLease(options: LeaseOptions, signal: AbortSignal): Promise<Leadership | undefined> {
  const { clock, random, log, namespace, name } = options
  const candidate = createCandidate(options)
  let isTold = false
  while (!signal.aborted) {
    const started = clock.monotonic()
    const state = await candidate.tryToHold(signal)
    if (state === 'held') {
      log.info({ lease: `${namespace}/${name}` }, 'leading')
      return lead(options, candidate, started)
    }
    if (!isTold && state === 'others') {
      log.info({ lease: `${namespace}/${name}`, holder: candidate.holder() }, 'another process leads; waiting')
      isTold = true
    }
    const retryMs = leaseTimes.retryMs * (1 - retryJitter * random())
    await clock.sleep(Math.min(retryMs, candidate.othersEndMs() ?? retryMs), signal)
  }
  return undefined
}

function lead({ clock, log }: LeaseOptions, candidate: Candidate, acquiredAt: number): Leadership {
  const lost = new AbortController()
  const released = new AbortController()
  const over = AbortSignal.any([lost.signal, released.signal])
  let renewedAt = acquiredAt
  let cancelDeadline = lapseAt(acquiredAt)
  const isHeld = () => !over.aborted && clock.monotonic() - renewedAt < leaseTimes.renewDeadlineMs

  /** Whatever the try under way is waiting for. */
  function lapseAt(renewed: number) {
    const left = renewed + leaseTimes.renewDeadlineMs - clock.monotonic()
    return clock.after(left, () => lost.abort(new Error('the lease was not renewed in time')))
  }

  async function keep() {
    for (;;) {
      await clock.sleep(leaseTimes.retryMs, over)
      if (!isHeld()) return
      const started = clock.monotonic()
      const state = await candidate.tryToHold(over)
      if (!isHeld()) return
      if (state === 'others') {
        lost.abort(new Error('another process took the lease'))
        return
      }
      if (state !== 'held') continue
      renewedAt = started
      cancelDeadline()
      cancelDeadline = lapseAt(started)
    }
  }
  const kept = keep().catch((error: unknown) => {
    log.error({ err: error }, 'leader election failed')
    lost.abort(error)
  })
  over.addEventListener('abort', () => cancelDeadline())
  return {
    lost: lost.signal,
    isHeld,
    async release() {
      const wasHeld = isHeld()
      released.abort()
      await kept
      if (wasHeld) await candidate.giveUp()
    },
  }
}

/** The record as this process saw it last, and when it saw it change. */
type Seen = {
  readonly record: string
  readonly holder: string | undefined
  readonly durationMs: number
  readonly at: number
}

type Candidate = ReturnType<typeof createCandidate>

function createCandidate({ cluster, namespace, name, identity, clock, log }: LeaseOptions) {
  // A renewal that waited behind the writes of a whole fleet to a slow API server would come too late.
  const send: Cluster['send'] = (request, signal) => cluster.send({ ...request, isUrgent: true }, signal)
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`
  const path = `${collection}/${encodeURIComponent(name)}`
  let seen: Seen | undefined

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
    const spec = { holderIdentity: identity, leaseDurationSeconds: leaseTimes.durationMs / 1000, renewTime: now }
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
    async tryToHold(signal: AbortSignal): Promise<'held' | 'others' | 'unknown'> {
      try {
        return await inTime(clock, requestLimitMs, hold, signal)
      } catch (error) {
        if (signal.aborted) return 'unknown'
        const isRace = error instanceof ApiError && error.status === 409
        log[isRace ? 'debug' : 'warn'](
          { lease: `${namespace}/${name}`, reason: (error as Error).message },
          'lease not renewed',
        )
        return 'unknown'
      }
    },
    async giveUp(): Promise<void> {
      try {
        await inTime(clock, requestLimitMs, vacate)
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
