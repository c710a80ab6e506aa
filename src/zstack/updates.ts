/**
 * Updates on their way to one ZStack, in one body shape and, if need be, once in the other:
 *
 *   sent in the preferred shape; answered with the inventory, by a job's end, or judged by a read
 *    ├─ a field shows what was sent ─────────▶ done; the shape is confirmed
 *    ├─ refused for want of an action ───────▶ other shape, which is confirmed
 *    ├─ refused or lost in any other way ────▶ that failure
 *    └─ no effect, or nothing that can be read back
 *        ├─ shape not confirmed, or another
 *        │  one preferred meanwhile ─────────▶ other shape
 *        └─ shape confirmed ─────────────────▶ done without effect; every third such update of one service: other shape
 *
 *   sent in the other shape
 *    ├─ refused for want of an action ───────▶ the result of the first: a ZStack that looks for the action took it there
 *    └─ else as above, but never a third time
 *
 * A confirmed shape is not doubted for the sake of one service, whose values ZStack may well keep as they are. Still the
 * confirmation may be false: the late update of a killed process can look like the effect of ours. Such a connection
 * recovers with the last try of any of its services before that counts as not effective. No update waits for another.
 */
import type { Live, Observation } from '../decide/assess.ts'
import { ok, err, isJobUndecided, type Result } from '../decide/failure.ts'
import type { Patch } from '../decide/plan.ts'
import { limits } from '../limits.ts'
import { anyTurn, type Priority, type Turn } from '../priority.ts'
import type { UpdateOutcome, Inventory, CachedObservation } from '../reconcile/ports.ts'
import { evidenceOf, saysNoAction, type BodyShapePreference, type Evidence } from './bodyshape.ts'
import { Withdrawn, type Call, type Reply } from './call.ts'
import type { Client } from './client.ts'
import type { ObservationCache } from './observation-cache.ts'
import {
  hiddenTexts,
  jobPath,
  otherShape,
  readJob,
  readUpdated,
  servicePath,
  updateBody,
  type BodyShape,
} from './wire.ts'

export type UpdatesOptions = {
  readonly client: Client
  readonly shapes: BodyShapePreference
  readonly endpoint: string
  readonly cache: ObservationCache
  readonly read: (uuid: string, priority: Priority) => Promise<Result<CachedObservation>>
}

export interface Updates extends Pick<Inventory, 'update' | 'job'> {
  /** Forgets all other services: nobody asks for them any more. */
  retain(uuids: ReadonlySet<string>): void
}

type UpdateRequest = {
  readonly uuid: string
  readonly patch: Patch
  readonly isWanted: (() => boolean) | undefined
  readonly turn: Turn
}

/** An update in one of the two shapes. */
type Attempt = UpdateRequest & {
  readonly shape: BodyShape
  /** What the service was seen to hold before. */
  readonly before: Live | undefined
  /** The result in the other shape, if the update was already sent in that one. */
  readonly earlier: Result<UpdateOutcome> | undefined
}

export function createUpdates({ client, shapes, endpoint, cache, read }: UpdatesOptions): Updates {
  /** The last job of each service, with what was sent: its end is judged by that, and may lead to the other shape. */
  const jobs = new Map<string, { readonly job: string; readonly attempt: Attempt }>()
  /**
   * How many updates of a service had no effect in the confirmed shape since the last that had. They are counted to the
   * same number as holds count, so that the other shape is tried before an object is held. This count is kept in memory
   * only.
   */
  const ineffective = new Map<string, number>()

  async function send(
    request: UpdateRequest,
    shape: BodyShape,
    signal: AbortSignal,
    earlier?: Result<UpdateOutcome>,
  ): Promise<Result<UpdateOutcome>> {
    const { uuid, patch, isWanted, turn } = request
    const before = cache.get(uuid)?.observation?.live
    const call: Call = {
      method: 'PUT',
      path: servicePath(uuid),
      body: updateBody(patch, shape),
      kind: 'update',
      secrets: hiddenTexts(patch),
      isWanted,
      turn,
    }
    const answer = await client.call(call, signal).catch(unlessWithdrawn)
    // If the first shape was accepted without visible effect and the second is withdrawn, the whole update counts as withdrawn.
    if (!answer) return withdrawn
    // ZStack may have carried the update out or not, so that only a new read tells what the service holds.
    if (!answer.ok && answer.failure.ambiguous === true) cache.invalidate(uuid)
    const attempt = { ...request, shape, before, earlier }
    return answer.ok && answer.value.status === 202 ? accept(attempt, answer.value) : end(attempt, answer, signal)
  }

  function accept(attempt: Attempt, { json }: Reply): Result<UpdateOutcome> {
    const job = readJob(json)
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

  /** Judges an attempt by what the service shows now. Unless that settles it, the update is sent in the other shape. */
  async function end(attempt: Attempt, answer: Result<Reply>, signal: AbortSignal): Promise<Result<UpdateOutcome>> {
    const { uuid, patch, shape, earlier } = attempt
    const before = attempt.before ?? cache.get(uuid)?.observation?.live
    const shown = answer.ok ? await verify(uuid, answer.value, attempt.turn.priority) : answer
    const evidence = shown.ok ? evidenceOf(patch, before, shown.value?.live) : 'inconclusive'
    const isRefused = !shown.ok && saysNoAction(shown.failure.message)
    if (isRefused) shapes.noteRefused(shape)
    if (evidence === 'effective') {
      shapes.noteWorked(shape)
      ineffective.delete(uuid)
    }
    const result = shown.ok ? ok({ kind: 'done', observation: shown.value } as const) : shown
    // A ZStack that looks for the action in the body, and misses it in this shape, found it in the other.
    if (earlier) return isRefused ? earlier : result
    const isUndecided = isRefused || (shown.ok && shown.value !== undefined)
    return isUndecided && isOtherShapeDue(attempt, evidence) ? send(attempt, otherShape(shape), signal, result) : result
  }

  function isOtherShapeDue({ uuid, shape }: Attempt, evidence: Evidence): boolean {
    if (shapes.isPinned || evidence === 'effective') return false
    if (!shapes.isConfirmed() || shapes.preferred() !== shape) return true
    if (evidence === 'inconclusive') return false
    const count = (ineffective.get(uuid) ?? 0) + 1
    const isDue = count >= limits.maxIneffectiveUpdates
    ineffective.set(uuid, isDue ? 0 : count)
    return isDue
  }

  /** What the service holds now: the inventory in the answer tells or, if there is none, a read. */
  async function verify(uuid: string, { json }: Reply, priority: Priority): Promise<Result<Observation | undefined>> {
    const updated = readUpdated(json)
    cache.invalidate(uuid)
    if (updated?.uuid === uuid) return ok(cache.note(uuid, updated.live, cache.startRead()).cached.observation)
    const answer = await read(uuid, priority)
    return answer.ok ? ok(answer.value.observation) : answer
  }

  const job: Inventory['job'] = async (uuid, ref, signal) => {
    const last = jobs.get(uuid)
    const attempt = last?.job === ref.uuid ? last.attempt : undefined
    // A job has another uuid at every try. If a failure's message named it, status would change at every try.
    const secrets = [ref.uuid, ...hiddenTexts(attempt?.patch ?? {})]
    const answer = await client.call(
      { method: 'GET', path: jobPath(ref.uuid), kind: 'job', secrets, turn: { priority: 'poll', flow: uuid } },
      signal,
    )
    if (answer.ok && answer.value.status === 202) return ok({ kind: 'running', job: ref })
    if (!answer.ok && isJobUndecided(answer.failure)) return answer
    const result = attempt ? await end(attempt, answer, signal) : await endUnknown(uuid, answer)
    // If the update is due in the other shape and could not leave, the next look finds the job again and sends it then.
    const isOver = result.ok || !isJobUndecided(result.failure)
    if (isOver && jobs.get(uuid) === last) jobs.delete(uuid)
    return result
  }

  /** The end of a job that a former process began: nobody knows what was sent, so that there is nothing to judge. */
  async function endUnknown(uuid: string, answer: Result<Reply>): Promise<Result<UpdateOutcome>> {
    const shown = answer.ok ? await verify(uuid, answer.value, 'poll') : answer
    return shown.ok ? ok({ kind: 'done', observation: shown.value }) : shown
  }

  return {
    update: (uuid, patch, signal, { isWanted, turn = anyTurn } = {}) =>
      send({ uuid, patch, isWanted, turn }, shapes.preferred(), signal),
    job,
    retain(uuids) {
      for (const uuid of jobs.keys()) if (!uuids.has(uuid)) jobs.delete(uuid)
      for (const uuid of ineffective.keys()) if (!uuids.has(uuid)) ineffective.delete(uuid)
    },
  }
}

const withdrawn = ok({ kind: 'withdrawn' } as const)

function unlessWithdrawn(error: unknown): undefined {
  if (!(error instanceof Withdrawn)) throw error
}
