import { ApiError, type ApiRequest, type Cluster } from '../../src/kube/cluster.ts'
import type { ServiceAccount } from '../../src/kube/service-account.ts'
import type { Clock } from '../../src/clock.ts'

type Lease = {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly spec?: Readonly<Record<string, unknown>>
}

/** What happens to one request: how long it takes to arrive, whether it does, how long the answer takes, whether it does. */
export type Fate = {
  readonly there?: number
  readonly arrives?: boolean
  readonly back?: number
  readonly answered?: boolean
}

export interface LeaseApi {
  /** The API as one process reaches it; `fate` decides over each of its requests. */
  clusterFor(fate?: (request: ApiRequest) => Fate): Cluster
  /** What is stored, if anything. */
  lease(): Lease | undefined
  /** Writes past everybody. */
  put(spec: Readonly<Record<string, unknown>>): void
  /** Writes that were taken. */
  readonly writes: number
}

/** Enough of a Kubernetes API to hold one Lease, with optimistic locking, in memory. */
export function createLeaseApi(clock: Clock, account?: ServiceAccount): LeaseApi {
  let stored: { readonly lease: Lease; readonly version: number } | undefined
  let writes = 0

  const shown = () =>
    stored && { ...stored.lease, metadata: { ...stored.lease.metadata, resourceVersion: String(stored.version) } }
  const write = (lease: Lease) => {
    stored = { lease, version: (stored?.version ?? 0) + 1 }
    writes += 1
    return shown()
  }

  function handle({ method, body }: ApiRequest): unknown {
    if (method === 'POST') {
      if (stored) throw new ApiError(409, 'already exists')
      return write(body as Lease)
    }
    if (!stored) throw new ApiError(404, 'not found')
    if (method === 'GET') return shown()
    if (method !== 'PUT') throw new ApiError(405, 'not allowed')
    const lease = body as Lease
    if (lease.metadata.resourceVersion !== String(stored.version)) throw new ApiError(409, 'conflict')
    return write(lease)
  }

  return {
    clusterFor: (fate = () => ({})) => ({
      server: 'memory',
      namespace: undefined,
      serviceAccount: () => account,
      send: (request, signal) => exchange(clock, fate(request), () => handle(structuredClone(request)), signal),
      stream: () => Promise.reject(new Error('a Lease is not watched')),
      close: () => Promise.resolve(),
    }),
    lease: shown,
    put(spec) {
      write({ metadata: stored?.lease.metadata ?? { name: 'leader', namespace: 'test' }, spec })
    },
    get writes() {
      return writes
    },
  }
}

/** A request that is on its way arrives though nobody waits for its answer any more. */
async function exchange(
  clock: Clock,
  { there = 0, arrives = true, back = 0, answered = true }: Fate,
  handle: () => unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const { promise: gaveUp, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(new ApiError(0, 'no answer'))
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  const answer = (async () => {
    if (there > 0) await clock.sleep(there)
    if (!arrives) return gaveUp
    const result = handle()
    if (back > 0) await clock.sleep(back)
    return answered ? structuredClone(result) : gaveUp
  })()
  answer.catch(() => undefined)
  return Promise.race([gaveUp, answer])
}
