/** The model services of one ZStack: reads in batches, updates, and the last observation of each. */
import DataLoader from 'dataloader'
import { unlessAborted, type Clock } from '../clock.ts'
import { ok, err, type Failure, type Result } from '../decide/failure.ts'
import { limits } from '../limits.ts'
import type { Priority, Turn } from '../priority.ts'
import type { Inventory, CachedObservation, Refreshed } from '../reconcile/ports.ts'
import type { BodyShapePreference } from './bodyshape.ts'
import type { Client } from './client.ts'
import { createObservationCache, type Noted } from './observation-cache.ts'
import { createUpdates } from './updates.ts'
import { checkUuid, queryPath, readServices, type Service } from './wire.ts'

/** As many uuids fit a request line of 8 KiB, which servers allow, with room to spare. */
const batchSize = limits.queryBatchSize
/** A refresh splits no more queries in halves, so that it stays bounded when many services spoil theirs. */
const maxSplits = 100
/** A read waits no longer for a query under way that may answer it, or that it may follow. */
const maxReadWaitMs = 500

/** What a query shows. A service that it does not show was not read, for the sake of the failure. */
type QueryResult = { readonly noted: ReadonlyMap<string, Noted>; readonly failure?: Failure }

/** What was learned of some of the services that were asked for; as `Refreshed` in ports.ts has it. */
type Learned =
  | { readonly kind: 'read'; readonly noted: ReadonlyMap<string, Noted> }
  | { readonly kind: 'unreadable'; readonly uuid: string; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly uuids: readonly string[]; readonly failure: Failure }

type Asking = {
  /** Sends one query as soon as it may be sent. */
  readonly send: (uuids: readonly string[]) => Promise<QueryResult>
  readonly onLearned: (learned: Learned) => void
  /** How many queries may still be split in halves. */
  splits: number
}

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
  const loaders = { change: createLoader('change'), retry: createLoader('retry'), poll: createLoader('poll') }

  /** Joins reads that are wanted at the same moment. */
  function createLoader(priority: Priority) {
    let queried: Promise<unknown> = Promise.resolve()
    return new DataLoader<string, Result<CachedObservation>>(
      async (uuids) => {
        const turn = readAll([...new Set(uuids)], priority)
        queried = turn.catch(() => undefined)
        const results = await turn
        return uuids.map((uuid) => {
          const result = results.get(uuid)
          if (!result) throw new Error(`a query without ${uuid}`)
          return result
        })
      },
      {
        cache: false,
        maxBatchSize: batchSize,
        // Reads that come while a query is under way gather, and leave together when it is back or takes long.
        batchScheduleFn: (dispatch) => void within(clock, maxReadWaitMs, queried).then(dispatch),
      },
    )
  }

  async function readAll(
    uuids: readonly string[],
    priority: Priority,
  ): Promise<ReadonlyMap<string, Result<CachedObservation>>> {
    const results = new Map<string, Result<CachedObservation>>()
    await readInParts(uuids, {
      send: (part) => query(part, { priority, flow: 'read' }, never),
      onLearned(learned) {
        if (learned.kind === 'read') for (const [uuid, { cached }] of learned.noted) results.set(uuid, ok(cached))
        else if (learned.kind === 'unreadable') results.set(learned.uuid, err(learned.failure))
        else for (const uuid of learned.uuids) results.set(uuid, err(learned.failure))
      },
      splits: maxSplits,
    })
    return results
  }

  /**
   * While the connection works, a query that fails, or is not answered for long, does so for the sake of something that it
   * asks for: it is split, until what spoils it stands alone.
   */
  async function readInParts(uuids: readonly string[], asking: Asking): Promise<void> {
    const { onLearned } = asking
    const sent = asking.send(uuids)
    const learn = ({ noted }: QueryResult) => {
      for (const uuid of noted.keys()) suspects.delete(uuid)
      if (noted.size > 0) onLearned({ kind: 'read', noted })
    }
    if (uuids.length > 1 && asking.splits > 0 && (await isHanging(sent))) {
      void sent.then(learn, () => undefined)
      await readHalves(uuids, asking)
      return
    }
    const result = await sent
    learn(result)
    const { noted, failure } = result
    const left = uuids.filter((uuid) => !noted.has(uuid))
    const [only] = left
    if (!failure || only === undefined) return
    const isOwnTrouble = failure.isUnsent !== true && (await client.isWorking())
    if (isOwnTrouble && left.length === 1) await readAlone(only, failure, asking)
    else if (isOwnTrouble && asking.splits > 0) await readHalves(left, asking)
    else onLearned({ kind: 'failed', uuids: left, failure })
  }

  async function readHalves(uuids: readonly string[], asking: Asking): Promise<void> {
    asking.splits -= 1
    const middle = Math.ceil(uuids.length / 2)
    await Promise.all([uuids.slice(0, middle), uuids.slice(middle)].map((half) => readInParts(half, asking)))
  }

  /** One failure may be chance; a service that fails alone twice in a row cannot be read. */
  async function readAlone(uuid: string, failure: Failure, asking: Asking): Promise<void> {
    if (suspects.has(uuid)) {
      asking.onLearned({ kind: 'unreadable', uuid, failure: unreadable(failure) })
      return
    }
    suspects.add(uuid)
    await readInParts([uuid], asking)
  }

  /** Whether a query is not answered for long although the connection works, and is quick to answer a small one. */
  async function isHanging(sent: Promise<unknown>): Promise<boolean> {
    const answered = sent.then(
      () => false,
      () => false,
    )
    const isLate = (await within(clock, limits.slowQueryMs, answered)) === undefined
    const isQuick = async () => (await within(clock, limits.slowQueryMs, client.proveWorking())) === true
    return isLate && Promise.race([answered, isQuick()])
  }

  /**
   * Asks for services and caches what it is shown. One answer without a service does not prove that there is none: what
   * is left out is asked for again, as long as the answers show more. A service counts as gone after the second answer.
   */
  async function query(uuids: readonly string[], turn: Turn, signal: AbortSignal): Promise<QueryResult> {
    const noted = new Map<string, Noted>()
    let missing = uuids
    for (let answers = 1; ; answers++) {
      const begun = cache.startRead()
      const answer = await ask(missing, turn, signal)
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

  async function ask(uuids: readonly string[], turn: Turn, signal: AbortSignal): Promise<Result<readonly Service[]>> {
    const answer = await client.call(
      { method: 'GET', path: queryPath(uuids), kind: 'query', secrets: [], turn },
      signal,
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

  /** A service that spoils the queries which ask for it is read alone, so that others need not wait for it. */
  async function readFresh(uuid: string, priority: Priority): Promise<Result<CachedObservation>> {
    if (!suspects.has(checkUuid(uuid))) return loaders[priority].load(uuid)
    const results = await readAll([uuid], 'retry')
    return results.get(uuid) ?? Promise.reject(new Error(`a query without ${uuid}`))
  }

  async function read(uuid: string, priority: Priority): Promise<Result<CachedObservation>> {
    const refresh = underWay.get(uuid)
    const refreshed = refresh && (await within(clock, maxReadWaitMs, refresh))
    const fresh = refreshed?.noted.has(uuid) === true ? cache.get(uuid) : undefined
    return fresh ? ok(fresh) : readFresh(uuid, priority)
  }

  /** Reads the services in as many queries as it takes, and tells what each showed. */
  async function refresh(
    all: readonly string[],
    signal: AbortSignal,
    onRefreshed: (refreshed: Refreshed) => void,
  ): Promise<void> {
    const asking = (priority: Priority): Asking => ({
      send(uuids) {
        const turn = query(uuids, { priority, flow: 'refresh' }, signal)
        for (const uuid of uuids) underWay.set(uuid, turn)
        return turn.finally(() => {
          for (const uuid of uuids) if (underWay.get(uuid) === turn) underWay.delete(uuid)
        })
      },
      onLearned(learned) {
        if (learned.kind === 'unreadable') cache.invalidate(learned.uuid)
        if (learned.kind !== 'read') onRefreshed(learned)
        else {
          const uuids = [...learned.noted.keys()]
          const changed = uuids.filter((uuid) => learned.noted.get(uuid)?.isChanged === true)
          onRefreshed({ kind: 'read', uuids, changed })
        }
      },
      splits: maxSplits,
    })

    const due = all.filter((uuid) => !underWay.has(checkUuid(uuid)))
    const trusted = due.filter((uuid) => !suspects.has(uuid))
    const together = asking('change')
    const parts = Array.from({ length: Math.ceil(trusted.length / batchSize) }, (_, i) =>
      readInParts(trusted.slice(i * batchSize, (i + 1) * batchSize), together),
    )
    const apart = due.filter((uuid) => suspects.has(uuid)).map((uuid) => readInParts([uuid], asking('retry')))
    await unlessAborted(Promise.all([...parts, ...apart]), signal)
  }

  const updates = createUpdates({ client, shapes, endpoint, cache, read: readFresh })

  return {
    cached: (uuid) => cache.get(uuid),
    async read(uuid, signal, { isFresh = false, priority = 'change' } = {}) {
      checkUuid(uuid)
      // A query of a refresh may have left before this call.
      const answer = await (isFresh ? readFresh(uuid, priority) : read(uuid, priority))
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

/** What cannot be read of one service is no trouble of the connection; that the right to query is missing is said as it is. */
function unreadable(failure: Failure): Failure {
  if (failure.kind === 'readPermission') return failure
  return {
    ...failure,
    kind: 'unreadable',
    message: `ZStack answers queries, but none for this service: ${failure.message}`,
  }
}
