/** The model services of one ZStack: batched reads, minimal writes, and what was seen last. */
import DataLoader from 'dataloader'
import { isDeepStrictEqual } from 'node:util'
import type { FieldName } from '../api/modelservice.ts'
import type { Clock } from '../clock.ts'
import type { Live } from '../decide/assess.ts'
import { done, failed, type Answer } from '../decide/failure.ts'
import { fields, type Json } from '../decide/fields.ts'
import type { Patch } from '../decide/plan.ts'
import type { Accepted, Inventory, JobRef, Known } from '../reconcile/ports.ts'
import { evidenceOf, saysNoAction, type BodyShapes } from './bodyshape.ts'
import type { Call, Client, Reply } from './client.ts'
import {
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

type Sent = { readonly shape: BodyShape; readonly patch: Patch; readonly before: Live | undefined }

export function createInventory(client: Client, shapes: BodyShapes, clock: Clock, endpoint: string): Inventory {
  const known = new Map<string, Known>()
  const shows = new Set<FieldName>()
  /** Running refreshes by uuid, so that a read of the same moment asks for nothing twice. */
  const underWay = new Map<string, Promise<Answer<unknown>>>()
  const jobs = new Map<string, Sent>()
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
    return uuids.map((uuid) =>
      answer.ok ? done(known.get(uuid) ?? { seen: undefined, at: clock.monotonic() }) : answer,
    )
  }

  /** One query; remembers what it shows and tells which services look other than before. */
  async function query(uuids: readonly string[]): Promise<Answer<readonly string[]>> {
    const path = queryPath(uuids)
    const call: Call = { method: 'GET', path, writes: false, target: `query ${uuids[0] ?? ''}`, secrets: [] }
    const answer = await client.call(call, never)
    if (!answer.ok) return answer
    const services = readServices(answer.value.json)
    if (!services)
      return failed({
        kind: 'protocol',
        message: `ZStack at ${endpoint} answered a query without a list of inventories`,
      })
    const found = new Map(services.map(({ uuid, live }) => [uuid, live]))
    return done(uuids.filter((uuid) => remember(uuid, found.get(uuid))))
  }

  function remember(uuid: string, live: Live | undefined): boolean {
    const before = known.get(uuid)
    if (live) for (const field of live.values.keys()) if (fields[field].visibility === 'newer') shows.add(field)
    const isSame = before !== undefined && isDeepStrictEqual(before.seen?.live, live)
    const seen = isSame ? before.seen : live && { live, shows }
    known.set(uuid, { seen, at: clock.monotonic() })
    return !isSame
  }

  async function read(uuid: string): Promise<Answer<Known>> {
    const refresh = await underWay.get(uuid)
    const fresh = refresh?.ok === true ? known.get(uuid) : undefined
    return fresh ? done(fresh) : loader.load(uuid)
  }

  async function send(uuid: string, patch: Patch, shape: BodyShape, signal: AbortSignal): Promise<Answer<Accepted>> {
    const before = known.get(uuid)?.seen?.live
    const body = updateBody(patch, shape)
    const call: Call = {
      method: 'PUT',
      path: servicePath(uuid),
      body,
      writes: true,
      target: uuid,
      secrets: hiddenTexts(patch),
    }
    const answer = await client.call(call, signal)
    if (!answer.ok) {
      if (saysNoAction(answer.failure.message)) shapes.refused(shape)
      // Whatever became of it, the next step starts from a read.
      if (answer.failure.ambiguous === true) known.delete(uuid)
      return answer
    }
    const sent = { shape, patch, before }
    return answer.value.status === 202 ? accept(uuid, answer.value, sent) : conclude(uuid, answer.value, sent)
  }

  function accept(uuid: string, { json }: Reply, sent: Sent): Answer<Accepted> {
    const job = readJobPath(json)
    known.delete(uuid)
    if (!job)
      return failed({
        kind: 'protocol',
        message: `ZStack at ${endpoint} answered 202 without the location of a job`,
        ambiguous: true,
      })
    jobs.set(job.uuid, sent)
    return done({ kind: 'running', job })
  }

  /** The inventory in the answer is the verification; where there is none, a read decides. */
  async function conclude(uuid: string, { json }: Reply, sent: Sent | undefined): Promise<Answer<Accepted>> {
    const updated = readUpdated(json)
    if (updated?.uuid === uuid) {
      remember(uuid, updated.live)
    } else {
      known.delete(uuid)
      const answer = await loader.load(uuid)
      if (!answer.ok) return answer
    }
    const seen = known.get(uuid)?.seen
    if (sent) shapes.note(sent.shape, evidenceOf(sent.patch, sent.before, seen?.live))
    return done({ kind: 'done', seen })
  }

  async function job(uuid: string, ref: JobRef, signal: AbortSignal): Promise<Answer<Accepted>> {
    const call: Call = { method: 'GET', path: ref.path, writes: false, target: uuid, secrets: [] }
    const answer = await client.call(call, signal)
    if (answer.ok && answer.value.status === 202) return done({ kind: 'running', job: ref })
    if (!answer.ok) return answer
    const sent = jobs.get(ref.uuid)
    jobs.delete(ref.uuid)
    return conclude(uuid, answer.value, sent)
  }

  /** Tries shapes until one shows an effect, the server names the right one, or both were tried in vain. */
  async function learn(uuid: string, patch: Patch, signal: AbortSignal): Promise<Answer<Accepted>> {
    const first = shapes.best().shape
    const answer = await follow(uuid, await send(uuid, patch, first, signal), signal)
    const isRefusedShape = !answer.ok && saysNoAction(answer.failure.message)
    const isInconclusive = answer.ok && answer.value.kind === 'done' && !shapes.best().certain
    if (!isRefusedShape && !isInconclusive) return answer
    const second = await follow(uuid, await send(uuid, patch, otherShape(first), signal), signal)
    // A server that refuses the other shape has thereby taken the first.
    return !second.ok && saysNoAction(second.failure.message) ? answer : second
  }

  async function follow(uuid: string, answer: Answer<Accepted>, signal: AbortSignal): Promise<Answer<Accepted>> {
    const until = clock.now() + lessonMs
    let last = answer
    while (last.ok && last.value.kind === 'running' && clock.now() < until && !signal.aborted) {
      await clock.sleep(lessonStepMs, signal)
      last = await job(uuid, last.value.job, signal)
    }
    return last
  }

  return {
    known: (uuid) => known.get(uuid),
    async read(uuid, signal) {
      const answer = await read(uuid)
      signal.throwIfAborted()
      return answer
    },
    async refresh(uuids, signal) {
      const chunks = Array.from({ length: Math.ceil(uuids.length / batchSize) }, (_, i) =>
        uuids.slice(i * batchSize, (i + 1) * batchSize),
      )
      const changed: string[] = []
      let failure: Answer<never> | undefined
      const worker = async () => {
        for (let chunk = chunks.shift(); chunk && !failure && !signal.aborted; chunk = chunks.shift()) {
          const turn = query(chunk)
          for (const uuid of chunk) underWay.set(uuid, turn)
          const answer = await turn.finally(() => chunk.forEach((uuid) => underWay.delete(uuid)))
          if (answer.ok) changed.push(...answer.value)
          else failure = answer
        }
      }
      await Promise.all(Array.from({ length: refreshWidth }, worker))
      return failure ?? done(changed)
    },
    update: (uuid, patch, signal) => {
      const { shape, certain } = shapes.best()
      if (certain) return send(uuid, patch, shape, signal)
      return shapes.learn(() =>
        shapes.best().certain ? send(uuid, patch, shapes.best().shape, signal) : learn(uuid, patch, signal),
      )
    },
    job,
    retain(uuids) {
      for (const uuid of known.keys()) if (!uuids.has(uuid)) known.delete(uuid)
    },
  }
}

/** Reads serve whoever waits for them; none is cut short by one caller's abort. */
const never = new AbortController().signal

/** Texts of write-only fields, which ZStack may repeat in its words about an error. */
function hiddenTexts(patch: Patch): string[] {
  const texts = (value: Json | undefined): string[] => {
    if (typeof value === 'string') return [value]
    return value !== null && typeof value === 'object' ? Object.values(value).flatMap(texts) : []
  }
  return (Object.keys(patch) as FieldName[])
    .filter((field) => fields[field].visibility === 'hidden')
    .flatMap((field) => texts(patch[field]))
}
