/**
 * Updates on their way to one ZStack. While nobody knows which body it takes, one that shows no effect in the first is
 * sent in the other: at once or, where a job came between, when that has ended.
 */
import type { Clock } from '../clock.ts'
import type { Live, Observation } from '../decide/assess.ts'
import { ok, err, isJobUndecided, type Result } from '../decide/failure.ts'
import type { Patch } from '../decide/plan.ts'
import type { UpdateOutcome, Inventory, CachedObservation } from '../reconcile/ports.ts'
import { evidenceOf, saysNoAction, type BodyShapes } from './bodyshape.ts'
import { Withdrawn, type Call, type Client, type Reply } from './client.ts'
import type { ObservationCache } from './observation-cache.ts'
import { hiddenTexts, otherShape, readJobPath, readUpdated, servicePath, updateBody, type BodyShape } from './wire.ts'

/** While the body shape is being learned, others wait for an update's job so long, and no longer. */
const lessonMs = 30_000
const lessonStepMs = 200

export type UpdatesOptions = {
  readonly client: Client
  readonly shapes: BodyShapes
  readonly clock: Clock
  readonly endpoint: string
  readonly cache: ObservationCache
  readonly read: (uuid: string) => Promise<Result<CachedObservation>>
}

export interface Updates extends Pick<Inventory, 'update' | 'job'> {
  /** Forgets the jobs of services that nobody asks for any more. */
  retain(uuids: ReadonlySet<string>): void
}

type UpdateRequest = { readonly uuid: string; readonly patch: Patch; readonly isWanted: (() => boolean) | undefined }
/** An order in one of the two bodies. */
type Attempt = UpdateRequest & {
  readonly shape: BodyShape
  readonly before: Live | undefined
  /** How the order ended in the other body, where that came first: there is no third. */
  readonly earlier: Result<UpdateOutcome> | undefined
}

export function createUpdates({ client, shapes, clock, endpoint, cache, read }: UpdatesOptions): Updates {
  /** The last job of each service, to judge its end by what was sent and to go on from there. */
  const jobs = new Map<string, { readonly job: string; readonly attempt: Attempt }>()

  async function send(
    order: UpdateRequest,
    shape: BodyShape,
    signal: AbortSignal,
    earlier?: Result<UpdateOutcome>,
  ): Promise<Result<UpdateOutcome>> {
    const { uuid, patch, isWanted } = order
    const before = cache.get(uuid)?.observation?.live
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
    // What it came to in the other body, where that came first, nobody knows: it counts for nothing.
    if (!answer) return withdrawn
    // Whatever became of it, the next step starts from a read.
    if (!answer.ok && answer.failure.ambiguous === true) cache.invalidate(uuid)
    const attempt = { ...order, shape, before, earlier }
    return answer.ok && answer.value.status === 202 ? accept(attempt, answer.value) : end(attempt, answer, signal)
  }

  function accept(attempt: Attempt, { json }: Reply): Result<UpdateOutcome> {
    const job = readJobPath(json)
    cache.invalidate(attempt.uuid)
    if (!job)
      return err({
        kind: 'protocol',
        message: `ZStack at ${endpoint} answered 202 without the location of a job; is a proxy changing answers?`,
        ambiguous: true,
      })
    jobs.set(attempt.uuid, { job: job.uuid, attempt })
    return ok({ kind: 'running', job })
  }

  /** The end of an attempt, and of its order unless that has to be sent in the other body. */
  async function end(attempt: Attempt, answer: Result<Reply>, signal: AbortSignal): Promise<Result<UpdateOutcome>> {
    const { uuid, patch, shape, earlier } = attempt
    const before = attempt.before ?? cache.get(uuid)?.observation?.live
    const shown = answer.ok ? await verify(uuid, answer.value) : answer
    const evidence = shown.ok ? evidenceOf(patch, before, shown.value?.live) : 'none'
    shapes.note(shape, evidence)
    const isRefused = !shown.ok && saysNoAction(shown.failure.message)
    if (isRefused) shapes.refused(shape)
    const result = shown.ok ? ok({ kind: 'done', observation: shown.value } as const) : shown
    // A server that refuses the other body has thereby taken the first.
    if (earlier) return isRefused ? earlier : result
    const best = shapes.best()
    const isTaken = evidence === 'taken' || (best.certain && best.shape === shape)
    const isOpen = isRefused || (shown.ok && shown.value !== undefined)
    return isOpen && !isTaken ? send(attempt, otherShape(shape), signal, result) : result
  }

  /** The inventory in the answer is the verification; where there is none, a read decides. */
  async function verify(uuid: string, { json }: Reply): Promise<Result<Observation | undefined>> {
    const updated = readUpdated(json)
    cache.invalidate(uuid)
    if (updated?.uuid === uuid) return ok(cache.note(uuid, updated.live, cache.startRead()).cached.observation)
    const answer = await read(uuid)
    return answer.ok ? ok(answer.value.observation) : answer
  }

  const job: Inventory['job'] = async (uuid, ref, signal) => {
    const last = jobs.get(uuid)
    const attempt = last?.job === ref.uuid ? last.attempt : undefined
    // A job's own uuid is another at every try; messages must not be.
    const secrets = [ref.uuid, ...hiddenTexts(attempt?.patch ?? {})]
    const answer = await client.call({ method: 'GET', path: ref.path, writes: false, target: uuid, secrets }, signal)
    if (answer.ok && answer.value.status === 202) return ok({ kind: 'running', job: ref })
    if (!answer.ok && isJobUndecided(answer.failure)) return answer
    const result = attempt ? await end(attempt, answer, signal) : await endUnknown(uuid, answer)
    // Where the rest of it could not leave, the next look finds the job as it was and goes on from there.
    const isOver = result.ok || !isJobUndecided(result.failure)
    if (isOver && jobs.get(uuid) === last) jobs.delete(uuid)
    return result
  }

  /** The end of a job that nothing is known of but what it shows. */
  async function endUnknown(uuid: string, answer: Result<Reply>): Promise<Result<UpdateOutcome>> {
    const shown = answer.ok ? await verify(uuid, answer.value) : answer
    return shown.ok ? ok({ kind: 'done', observation: shown.value }) : shown
  }

  /** Looks after an update while others wait for what it teaches. */
  async function follow(
    uuid: string,
    answer: Result<UpdateOutcome>,
    signal: AbortSignal,
  ): Promise<Result<UpdateOutcome>> {
    const until = clock.monotonic() + lessonMs
    const isLesson = () => !shapes.best().certain && clock.monotonic() < until
    let last = answer
    while (last.ok && last.value.kind === 'running' && isLesson()) {
      await clock.sleep(lessonStepMs, signal)
      const next = await job(uuid, last.value.job, signal)
      // The job runs on, heard of or not: whoever asked follows it from here.
      if (!next.ok && isJobUndecided(next.failure)) return last
      last = next
    }
    return last
  }

  return {
    async update(uuid, patch, signal, isWanted) {
      const isCertain = () => shapes.best().certain
      const begin = () => send({ uuid, patch, isWanted }, shapes.best().shape, signal)
      if (isCertain()) return begin()
      return shapes.learn(async () => (isCertain() ? begin() : follow(uuid, await begin(), signal)))
    },
    job,
    retain(uuids) {
      for (const uuid of jobs.keys()) if (!uuids.has(uuid)) jobs.delete(uuid)
    },
  }
}

const withdrawn = ok({ kind: 'withdrawn' } as const)

function unlessWithdrawn(error: unknown): undefined {
  if (!(error instanceof Withdrawn)) throw error
}
