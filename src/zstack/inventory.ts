/** The model services of one ZStack: batched reads, minimal writes, and what was seen last. */
import DataLoader from 'dataloader'
import type { Clock } from '../clock.ts'
import type { Live, Observation } from '../decide/assess.ts'
import { done, failed, type Answer } from '../decide/failure.ts'
import type { Patch } from '../decide/plan.ts'
import type { Accepted, Inventory, JobRef, Known } from '../reconcile/ports.ts'
import { evidenceOf, saysNoAction, type BodyShapes } from './bodyshape.ts'
import { Withdrawn, type Call, type Client, type Reply } from './client.ts'
import { createSightings } from './sightings.ts'
import {
  checkUuid,
  hiddenTexts,
  otherShape,
  queryPath,
  readJobPath,
  readServices,
  readUpdated,
  servicePath,
  updateBody,
  type BodyShape,
} from './wire.ts'

/** As many uuids as fit a request line of 8 KiB with room to spare. */
const batchSize = 100
/** Queries of one refresh that run at once: a poll leaves room for people's changes. */
const refreshWidth = 4
/** While the body shape is being learned, a job is followed so long before the lesson is given up. */
const lessonMs = 30_000
const lessonStepMs = 200

/** What one query shows of each service asked for. */
type Sight = ReadonlyMap<string, { readonly known: Known; readonly isNew: boolean }>
type Order = {
  readonly uuid: string
  readonly patch: Patch
  readonly signal: AbortSignal
  readonly isWanted: (() => boolean) | undefined
}
type Sent = { readonly shape: BodyShape; readonly patch: Patch; readonly before: Live | undefined }

export function createInventory(client: Client, shapes: BodyShapes, clock: Clock, endpoint: string): Inventory {
  const sightings = createSightings(clock)
  /** Seen to look other by a refresh that then failed: the next one tells of them. */
  const changed = new Set<string>()
  /** Running refreshes by uuid, so that a read of the same moment asks for nothing twice. */
  const underWay = new Map<string, Promise<Answer<unknown>>>()
  /** The last job of each service, to judge its end by what was sent. */
  const jobs = new Map<string, Sent & { readonly job: string }>()
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
    const found = new Map(services.map(({ uuid, live }) => [uuid, live]))
    return done(new Map(uuids.map((uuid) => [uuid, sightings.note(uuid, found.get(uuid), begun)])))
  }

  async function read(uuid: string): Promise<Answer<Known>> {
    const refresh = await underWay.get(checkUuid(uuid))
    const fresh = refresh?.ok === true ? sightings.get(uuid) : undefined
    return fresh ? done(fresh) : loader.load(uuid)
  }

  async function send({ uuid, patch, signal, isWanted }: Order, shape: BodyShape): Promise<Answer<Accepted>> {
    const before = sightings.get(uuid)?.seen?.live
    const call: Call = {
      method: 'PUT',
      path: servicePath(uuid),
      body: updateBody(patch, shape),
      writes: true,
      target: uuid,
      secrets: hiddenTexts(patch),
      isWanted,
    }
    const answer = await client.call(call, signal).catch(unlessWithdrawn)
    if (!answer) return withdrawn
    if (!answer.ok) {
      if (saysNoAction(answer.failure.message)) shapes.refused(shape)
      // Whatever became of it, the next step starts from a read.
      if (answer.failure.ambiguous === true) sightings.overturn(uuid)
      return answer
    }
    const sent = { shape, patch, before }
    return answer.value.status === 202 ? accept(uuid, answer.value, sent) : conclude(uuid, answer.value, sent)
  }

  function accept(uuid: string, { json }: Reply, sent: Sent): Answer<Accepted> {
    const job = readJobPath(json)
    sightings.overturn(uuid)
    if (!job)
      return failed({
        kind: 'protocol',
        message: `ZStack at ${endpoint} answered 202 without the location of a job; is a proxy changing answers?`,
        ambiguous: true,
      })
    jobs.set(uuid, { ...sent, job: job.uuid })
    return done({ kind: 'running', job })
  }

  /** The inventory in the answer is the verification; where there is none, a read decides. */
  async function conclude(uuid: string, { json }: Reply, sent: Sent | undefined): Promise<Answer<Accepted>> {
    const before = sightings.get(uuid)
    const updated = readUpdated(json)
    sightings.overturn(uuid)
    let seen: Observation | undefined
    if (updated?.uuid === uuid) {
      seen = sightings.note(uuid, updated.live, sightings.begin()).known.seen
    } else {
      const answer = await loader.load(uuid)
      if (!answer.ok) return answer
      seen = answer.value.seen
    }
    if (sent) shapes.note(sent.shape, evidenceOf(sent.patch, sent.before ?? before?.seen?.live, seen?.live))
    return done({ kind: 'done', seen })
  }

  async function job(uuid: string, ref: JobRef, signal: AbortSignal): Promise<Answer<Accepted>> {
    const last = jobs.get(uuid)
    const sent = last?.job === ref.uuid ? last : undefined
    // A job's own uuid is another at every try; messages must not be.
    const secrets = [ref.uuid, ...hiddenTexts(sent?.patch ?? {})]
    const answer = await client.call({ method: 'GET', path: ref.path, writes: false, target: uuid, secrets }, signal)
    if (answer.ok && answer.value.status === 202) return done({ kind: 'running', job: ref })
    // Only ZStack's own word ends a job; a proxy's does not.
    if (!answer.ok && answer.failure.code === undefined) return answer
    if (sent) jobs.delete(uuid)
    return answer.ok ? conclude(uuid, answer.value, sent) : answer
  }

  /** Tries shapes until one shows an effect, the server names the right one, or both were tried in vain. */
  async function learn(order: Order): Promise<Answer<Accepted>> {
    const first = shapes.best().shape
    const answer = await follow(order, await send(order, first))
    const isRefusedShape = !answer.ok && saysNoAction(answer.failure.message)
    const isInconclusive = answer.ok && answer.value.kind === 'done' && !shapes.best().certain
    if (!isRefusedShape && !isInconclusive) return answer
    const second = await follow(order, await send(order, otherShape(first)))
    if (second === withdrawn) return isRefusedShape ? withdrawn : answer
    // A server that refuses the other shape has thereby taken the first.
    return !second.ok && saysNoAction(second.failure.message) ? answer : second
  }

  async function sendAsLearned(order: Order): Promise<Answer<Accepted>> {
    const { shape } = shapes.best()
    const answer = await send(order, shape)
    // A server of the other kind took this one's place, and said so.
    const isReplaced = !answer.ok && saysNoAction(answer.failure.message) && shapes.best().shape !== shape
    return isReplaced ? send(order, shapes.best().shape) : answer
  }

  async function follow({ uuid, signal }: Order, answer: Answer<Accepted>): Promise<Answer<Accepted>> {
    const until = clock.monotonic() + lessonMs
    let last = answer
    while (last.ok && last.value.kind === 'running' && clock.monotonic() < until && !signal.aborted) {
      await clock.sleep(lessonStepMs, signal)
      const next = await job(uuid, last.value.job, signal)
      // The job runs on, heard of or not: whoever asked follows it from here.
      if (!next.ok && next.failure.code === undefined) return last
      last = next
    }
    return last
  }

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
          else for (const [uuid, { isNew }] of answer.value) if (isNew) changed.add(uuid)
        }
      }
      await Promise.all(Array.from({ length: refreshWidth }, worker))
      if (failure) return failure
      const all = [...changed]
      changed.clear()
      return done(all)
    },
    async update(uuid, patch, signal, isWanted) {
      const order = { uuid, patch, signal, isWanted }
      const isCertain = () => shapes.best().certain
      if (isCertain()) return sendAsLearned(order)
      return shapes.learn(() => (isCertain() ? sendAsLearned : learn)(order))
    },
    job,
    retain(uuids) {
      sightings.retain(uuids)
      for (const uuid of jobs.keys()) if (!uuids.has(uuid)) jobs.delete(uuid)
      for (const uuid of changed) if (!uuids.has(uuid)) changed.delete(uuid)
    },
  }
}

const withdrawn = done({ kind: 'withdrawn' } as const)

function unlessWithdrawn(error: unknown): undefined {
  if (!(error instanceof Withdrawn)) throw error
}

function knownIn(sight: Sight, uuid: string): Known {
  const seen = sight.get(uuid)
  if (!seen) throw new Error(`a query without ${uuid}`)
  return seen.known
}

/** Reads serve whoever waits for them; none is cut short by one caller's abort. */
const never = new AbortController().signal
