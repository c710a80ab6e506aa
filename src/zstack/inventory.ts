/** The model services of one ZStack: batched reads, updates, and what was seen last. */
import DataLoader from 'dataloader'
import type { Clock } from '../clock.ts'
import { done, failed, type Answer } from '../decide/failure.ts'
import type { Inventory, Known } from '../reconcile/ports.ts'
import type { BodyShapes } from './bodyshape.ts'
import type { Call, Client } from './client.ts'
import { createSightings } from './sightings.ts'
import { createUpdates } from './updates.ts'
import { checkUuid, queryPath, readServices } from './wire.ts'

/** As many uuids as fit a request line of 8 KiB with room to spare. */
const batchSize = 100
/** Queries of one refresh that run at once: a poll leaves room for people's changes. */
const refreshWidth = 4

/** What one query shows of each service asked for. */
type Sight = ReadonlyMap<string, { readonly known: Known; readonly isChanged: boolean }>

export function createInventory(client: Client, shapes: BodyShapes, clock: Clock, endpoint: string): Inventory {
  const sightings = createSightings(clock)
  /** Seen to look other by a refresh that then failed: the next one tells of them. */
  const changed = new Set<string>()
  /** Running refreshes by uuid, so that a read of the same moment asks for nothing twice. */
  const underWay = new Map<string, Promise<Answer<unknown>>>()
  let queried: Promise<unknown> = Promise.resolve()
  const loader = new DataLoader<string, Answer<Known>>((uuids) => readBatch(uuids), {
    cache: false,
    maxBatchSize: batchSize,
    // Reads that come while a query is under way gather and leave together when it is back.
    batchScheduleFn: (dispatch) => void queried.then(dispatch, dispatch),
  })

  async function readBatch(uuids: readonly string[]): Promise<Answer<Known>[]> {
    const turn = query([...new Set(uuids)])
    queried = turn
    const answer = await turn
    return uuids.map((uuid) => (answer.ok ? done(knownIn(answer.value, uuid)) : answer))
  }

  /** One query; remembers what it shows and tells which services look other than before. */
  async function query(uuids: readonly string[]): Promise<Answer<Sight>> {
    const path = queryPath(uuids)
    const begun = sightings.begin()
    const call: Call = { method: 'GET', path, writes: false, target: `query ${uuids[0] ?? ''}`, secrets: [] }
    const answer = await client.call(call, never)
    if (!answer.ok) return answer
    const services = readServices(answer.value.json)
    if (!services)
      return failed({
        kind: 'protocol',
        message: `ZStack at ${endpoint} answered a query without a list of inventories; is ZSTACK_ENDPOINT the management node?`,
      })
    for (const { live } of services) sightings.learn(live)
    const found = new Map(services.map(({ uuid, live }) => [uuid, live]))
    return done(new Map(uuids.map((uuid) => [uuid, sightings.note(uuid, found.get(uuid), begun)])))
  }

  async function read(uuid: string): Promise<Answer<Known>> {
    const refresh = await underWay.get(checkUuid(uuid))
    const fresh = refresh?.ok === true ? sightings.get(uuid) : undefined
    return fresh ? done(fresh) : loader.load(uuid)
  }

  const updates = createUpdates({ client, shapes, clock, endpoint, sightings, read: (uuid) => loader.load(uuid) })

  return {
    known: (uuid) => sightings.get(uuid),
    async read(uuid, signal) {
      const answer = await read(uuid)
      signal.throwIfAborted()
      return answer
    },
    async refresh(uuids, signal) {
      const chunks = Array.from({ length: Math.ceil(uuids.length / batchSize) }, (_, i) =>
        uuids.slice(i * batchSize, (i + 1) * batchSize),
      )
      let failure: Answer<never> | undefined
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
      return done(all)
    },
    update: updates.update,
    job: updates.job,
    retain(uuids) {
      sightings.retain(uuids)
      updates.retain(uuids)
      for (const uuid of changed) if (!uuids.has(uuid)) changed.delete(uuid)
    },
  }
}

function knownIn(sight: Sight, uuid: string): Known {
  const seen = sight.get(uuid)
  if (!seen) throw new Error(`a query without ${uuid}`)
  return seen.known
}

/** Reads serve whoever waits for them; none is cut short by one caller's abort. */
const never = new AbortController().signal
