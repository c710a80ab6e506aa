/** The model services of one ZStack: reads in batches, updates, and the last observation of each. */
import DataLoader from 'dataloader'
import { unlessAborted, type Clock } from '../clock.ts'
import { ok, err, type Failure, type Result } from '../decide/failure.ts'
import { limits } from '../limits.ts'
import type { Inventory, CachedObservation, Refreshed } from '../reconcile/ports.ts'
import type { BodyShapePreference } from './bodyshape.ts'
import type { Client } from './client.ts'
import { createObservationCache, type Noted } from './observation-cache.ts'
import { createSemaphore } from './semaphore.ts'
import { createUpdates } from './updates.ts'
import { checkUuid, queryPath, readServices, type Service } from './wire.ts'

/** As many uuids fit a request line of 8 KiB, which servers allow, with room to spare. */
const batchSize = limits.queryBatchSize
/** Queries of refreshes that run at once: a poll leaves room for people's changes. */
const refreshWidth = 4
/** Of these, as many more for services whose query failed the last time, so that those hold up nobody if they hang. */
const suspectWidth = 2
/** A refresh splits no more queries in halves, so that it stays bounded when many services spoil theirs. */
const maxSplits = 100
/** A read waits no longer for a query under way that may answer it, or that it may follow. */
const maxReadWaitMs = 500

/** What a query shows. A service that it does not show was not read, for the sake of the failure. */
type QueryResult = { readonly noted: ReadonlyMap<string, Noted>; readonly failure?: Failure }

export function createInventory(
  client: Client,
  shapes: BodyShapePreference,
  clock: Clock,
  endpoint: string,
): Inventory {
  const cache = createObservationCache(clock)
  /** Services that could not be read though all others could: each is asked for alone until it can be read. */
  const suspects = new Set<string>()
  /** What refreshes ask for at the moment, by uuid, so that nothing is asked for twice. */
  const underWay = new Map<string, Promise<QueryResult>>()
  const limitRefresh = createSemaphore(refreshWidth, clock)
  const limitSuspects = createSemaphore(suspectWidth, clock)
  let queried: Promise<unknown> = Promise.resolve()
  const loader = new DataLoader<string, Result<CachedObservation>>((uuids) => readBatch(uuids), {
    cache: false,
    maxBatchSize: batchSize,
    // Reads that come while a query is under way gather, and leave together when it is back or takes long.
    batchScheduleFn: (dispatch) => void within(clock, maxReadWaitMs, queried).then(dispatch),
  })

  async function readBatch(uuids: readonly string[]): Promise<Result<CachedObservation>[]> {
    const turn = readPart([...new Set(uuids)])
    queried = turn.catch(() => undefined)
    const results = await turn
    return uuids.map((uuid) => {
      const result = results.get(uuid)
      if (!result) throw new Error(`a query without ${uuid}`)
      return result
    })
  }

  /** While the connection works, reads that joined one query in vain are split, so that one service spoils no other's. */
  async function readPart(uuids: readonly string[]): Promise<Map<string, Result<CachedObservation>>> {
    const { noted, failure } = await query(uuids)
    const results = new Map<string, Result<CachedObservation>>()
    for (const [uuid, { cached }] of noted) results.set(uuid, ok(cached))
    const left = uuids.filter((uuid) => !noted.has(uuid))
    if (!failure || left.length === 0) return results
    if (left.length === 1 || failure.isUnsent === true || !(await client.isWorking())) {
      for (const uuid of left) results.set(uuid, err(failure))
      return results
    }
    const middle = Math.ceil(left.length / 2)
    const halves = await Promise.all([readPart(left.slice(0, middle)), readPart(left.slice(middle))])
    return new Map([...results, ...halves.flatMap((half) => [...half])])
  }

  /**
   * Asks for services and caches what it is shown. One answer without a service does not prove that there is none: what
   * is left out is asked for again, as long as the answers show more. A service counts as gone after the second answer.
   */
  async function query(uuids: readonly string[], isBackground = false): Promise<QueryResult> {
    const noted = new Map<string, Noted>()
    let missing = uuids
    for (let answers = 1; ; answers++) {
      const begun = cache.startRead()
      const answer = await ask(missing, isBackground)
      if (!answer.ok) return { noted, failure: answer.failure }
      for (const { live } of answer.value) cache.noteReadableFields(live)
      const found = new Map(answer.value.map(({ uuid, live }) => [uuid, live]))
      const left = missing.filter((uuid) => !found.has(uuid))
      for (const uuid of missing) if (found.has(uuid)) noted.set(uuid, cache.note(uuid, found.get(uuid), begun))
      const isProof = left.every(isKnownToBeGone) || (answers > 1 && left.length === missing.length)
      if (isProof) {
        for (const uuid of left) noted.set(uuid, cache.note(uuid, undefined, begun))
        return { noted }
      }
      missing = left
    }
  }

  function isKnownToBeGone(uuid: string): boolean {
    const known = cache.get(uuid)
    return known !== undefined && known.observation === undefined
  }

  async function ask(uuids: readonly string[], isBackground: boolean): Promise<Result<readonly Service[]>> {
    const answer = await client.call(
      { method: 'GET', path: queryPath(uuids), kind: 'query', secrets: [], isBackground },
      never,
    )
    if (!answer.ok) return answer
    const services = readServices(answer.value.json)
    return services
      ? ok(services)
      : err({
          kind: 'protocol',
          message: `ZStack at ${endpoint} answered a query with something that is no inventory; is ZSTACK_ENDPOINT the management node?`,
        })
  }

  async function read(uuid: string): Promise<Result<CachedObservation>> {
    const refresh = underWay.get(checkUuid(uuid))
    const refreshed = refresh && (await within(clock, maxReadWaitMs, refresh))
    const fresh = refreshed?.noted.has(uuid) === true ? cache.get(uuid) : undefined
    return fresh ? ok(fresh) : loader.load(uuid)
  }

  /** Reads the services in as many queries as it takes, and tells what each showed. */
  async function refresh(
    all: readonly string[],
    signal: AbortSignal,
    onRefreshed: (refreshed: Refreshed) => void,
  ): Promise<void> {
    let splits = 0

    async function refreshPart(uuids: readonly string[], limit = limitRefresh): Promise<void> {
      const turn = limit(() =>
        signal.aborted ? Promise.resolve({ noted: new Map<string, Noted>() }) : query(uuids, true),
      )
      for (const uuid of uuids) underWay.set(uuid, turn)
      const { noted, failure } = await turn.finally(() => uuids.forEach((uuid) => underWay.delete(uuid)))
      const seen = [...noted.keys()]
      for (const uuid of seen) suspects.delete(uuid)
      if (seen.length > 0)
        onRefreshed({ kind: 'read', uuids: seen, changed: seen.filter((uuid) => noted.get(uuid)?.isChanged === true) })
      if (failure)
        await split(
          uuids.filter((uuid) => !noted.has(uuid)),
          failure,
        )
    }

    /** While the connection works, a query that fails does so for the sake of something that it asks for. */
    async function split(uuids: readonly string[], failure: Failure): Promise<void> {
      const isOwnTrouble = failure.isUnsent !== true && (await client.isWorking())
      const [only] = uuids
      if (only === undefined || signal.aborted) return
      if (isOwnTrouble && uuids.length === 1) {
        suspects.add(only)
        cache.invalidate(only)
        onRefreshed({ kind: 'unreadable', uuid: only, failure })
      } else if (isOwnTrouble && splits++ < maxSplits) {
        const middle = Math.ceil(uuids.length / 2)
        await Promise.all([refreshPart(uuids.slice(0, middle)), refreshPart(uuids.slice(middle))])
      } else onRefreshed({ kind: 'failed', uuids, failure })
    }

    const due = all.filter((uuid) => !underWay.has(checkUuid(uuid)))
    const trusted = due.filter((uuid) => !suspects.has(uuid))
    const parts = Array.from({ length: Math.ceil(trusted.length / batchSize) }, (_, i) =>
      refreshPart(trusted.slice(i * batchSize, (i + 1) * batchSize)),
    )
    const apart = due.filter((uuid) => suspects.has(uuid)).map((uuid) => refreshPart([uuid], limitSuspects))
    await unlessAborted(Promise.all([...parts, ...apart]), signal)
  }

  const updates = createUpdates({ client, shapes, endpoint, cache, read: (uuid) => loader.load(uuid) })

  return {
    cached: (uuid) => cache.get(uuid),
    async read(uuid, signal, isFresh = false) {
      // A query of a refresh may have left before this call.
      const answer = await (isFresh ? loader.load(checkUuid(uuid)) : read(uuid))
      signal.throwIfAborted()
      return answer
    },
    refresh: (uuids, signal, onRefreshed = () => undefined) => refresh(uuids, signal, onRefreshed),
    update: updates.update,
    job: updates.job,
    retain(uuids) {
      cache.retain(uuids)
      updates.retain(uuids)
      for (const uuid of suspects) if (!uuids.has(uuid)) suspects.delete(uuid)
    },
  }
}

/** Resolves with what the work gives, or with nothing when that takes longer. */
async function within<R>(clock: Clock, ms: number, work: Promise<R>): Promise<R | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const cancel = clock.after(ms, () => resolve(undefined))
  return await Promise.race([work, late]).finally(cancel)
}

/** Several callers may wait for one query, so that the abort of one of them does not end it. */
const never = new AbortController().signal
