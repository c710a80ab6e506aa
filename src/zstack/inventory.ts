/** The model services of one ZStack: reads in batches, updates, and the last observation of each. */
import DataLoader from 'dataloader'
import type { Clock } from '../clock.ts'
import { ok, err, type Result } from '../decide/failure.ts'
import { limits } from '../limits.ts'
import type { Inventory, CachedObservation } from '../reconcile/ports.ts'
import type { BodyShapePreference } from './bodyshape.ts'
import type { Call } from './call.ts'
import type { Client } from './client.ts'
import { createObservationCache, type Noted } from './observation-cache.ts'
import { createUpdates } from './updates.ts'
import { checkUuid, queryPath, readServices } from './wire.ts'

/** As many uuids fit a request line of 8 KiB, which servers allow, with room to spare. */
const batchSize = limits.queryBatchSize
/** Queries of one refresh that run at once: a poll leaves room for people's changes. */
const refreshWidth = 4

/** What one query shows of each service asked for. */
type QueryResult = ReadonlyMap<string, Noted>

export function createInventory(
  client: Client,
  shapes: BodyShapePreference,
  clock: Clock,
  endpoint: string,
): Inventory {
  const cache = createObservationCache(clock)
  /** Services that changed, as a refresh saw which then failed: the next one tells of them. */
  const changed = new Set<string>()
  /** Running refreshes by uuid, so that a read of the same moment asks for nothing twice. */
  const underWay = new Map<string, Promise<Result<unknown>>>()
  let queried: Promise<unknown> = Promise.resolve()
  const loader = new DataLoader<string, Result<CachedObservation>>((uuids) => readBatch(uuids), {
    cache: false,
    maxBatchSize: batchSize,
    // Reads that come while a query is under way gather and leave together when it is back.
    batchScheduleFn: (dispatch) => void queried.then(dispatch, dispatch),
  })

  async function readBatch(uuids: readonly string[]): Promise<Result<CachedObservation>[]> {
    const turn = query([...new Set(uuids)])
    queried = turn
    const answer = await turn
    return uuids.map((uuid) => (answer.ok ? ok(cachedIn(answer.value, uuid)) : answer))
  }

  /** One query; caches what it shows and tells which services changed. */
  async function query(uuids: readonly string[]): Promise<Result<QueryResult>> {
    const path = queryPath(uuids)
    const begun = cache.startRead()
    const call: Call = { method: 'GET', path, kind: 'query', secrets: [] }
    const answer = await client.call(call, never)
    if (!answer.ok) return answer
    const services = readServices(answer.value.json)
    if (!services)
      return err({
        kind: 'protocol',
        message: `ZStack at ${endpoint} answered a query without a list of inventories; is ZSTACK_ENDPOINT the management node?`,
      })
    for (const { live } of services) cache.noteReadableFields(live)
    const found = new Map(services.map(({ uuid, live }) => [uuid, live]))
    return ok(new Map(uuids.map((uuid) => [uuid, cache.note(uuid, found.get(uuid), begun)])))
  }

  async function read(uuid: string): Promise<Result<CachedObservation>> {
    const refresh = await underWay.get(checkUuid(uuid))
    const fresh = refresh?.ok === true ? cache.get(uuid) : undefined
    return fresh ? ok(fresh) : loader.load(uuid)
  }

  const updates = createUpdates({ client, shapes, endpoint, cache, read: (uuid) => loader.load(uuid) })

  return {
    cached: (uuid) => cache.get(uuid),
    async read(uuid, signal) {
      const answer = await read(uuid)
      signal.throwIfAborted()
      return answer
    },
    async refresh(uuids, signal) {
      const chunks = Array.from({ length: Math.ceil(uuids.length / batchSize) }, (_, i) =>
        uuids.slice(i * batchSize, (i + 1) * batchSize),
      )
      let failure: Result<never> | undefined
      const worker = async () => {
        for (let chunk = chunks.shift(); chunk && !failure && !signal.aborted; chunk = chunks.shift()) {
          const turn = query(chunk)
          for (const uuid of chunk) underWay.set(uuid, turn)
          const answer = await turn.finally(() => chunk.forEach((uuid) => underWay.delete(uuid)))
          if (!answer.ok) failure = answer
          else for (const [uuid, { isChanged }] of answer.value) if (isChanged) changed.add(uuid)
        }
      }
      await Promise.all(Array.from({ length: refreshWidth }, worker))
      if (failure) return failure
      const all = [...changed]
      changed.clear()
      return ok(all)
    },
    update: updates.update,
    job: updates.job,
    retain(uuids) {
      cache.retain(uuids)
      updates.retain(uuids)
      for (const uuid of changed) if (!uuids.has(uuid)) changed.delete(uuid)
    },
  }
}

function cachedIn(result: QueryResult, uuid: string): CachedObservation {
  const noted = result.get(uuid)
  if (!noted) throw new Error(`a query without ${uuid}`)
  return noted.cached
}

/** Several callers may wait for one query, so that the abort of one of them does not end it. */
const never = new AbortController().signal
