/**
 * Sends an update to ZStack, and follows the job that ZStack may make of it. Accepted is not applied: what the service
 * looks like afterwards is decided upon as any other observation is.
 */
import type { FieldName } from '../api/modelservice.ts'
import type { Observation } from '../decide/assess.ts'
import { decide, type UpdateAttempt } from '../decide/decide.ts'
import { failurePolicy, isJobUndecided, type Failure, type Result } from '../decide/failure.ts'
import { driftKeyIn, driftKeyOf, holdAfterRefusal } from '../decide/hold.ts'
import type { Comparison } from '../decide/outcome.ts'
import type { Patch, Plan } from '../decide/plan.ts'
import { limits, spellMs } from '../limits.ts'
import { createAudit, type Audit } from './audit.ts'
import { decisionState, noteJudged, type ReconcileContext } from './context.ts'
import type { PendingJob } from './object-state.ts'
import type { JobRef, UpdateOutcome } from './ports.ts'
import type { PassOutcome } from './pass-outcome.ts'

/** Pauses between looks at a job: the first after a moment, each longer than the one before. */
const jobPauses = { initialMs: 200, maxMs: 5_000, factor: 1.6 } as const

/** Resolves to nothing where the object changed before the update could leave. */
export async function sendUpdate(
  context: ReconcileContext,
  comparison: Comparison,
  { patch, cause }: Plan & { readonly kind: 'update' },
): Promise<PassOutcome | undefined> {
  const { connection, spec, object, reporter, log, clock, signal, turn } = context
  const audit = createAudit({ uuid: spec.uuid, object, cause, fields: fieldsOf(patch), log, clock })
  const isWanted = () => {
    const isCurrent = context.isCurrent()
    if (isCurrent) audit.sending()
    return isCurrent
  }
  const expected = comparison.assessment.differences.filter(({ field }) => field in patch)
  const update = connection.inventory.update(spec.uuid, patch, signal, { isWanted, turn })
  listen(audit, update)
  const result = await reporter.during({ kind: 'updating', comparison }, update)
  return conclude(context, { attempt: { patch, cause, expected }, comparison, audit }, result)
}

/** Asks after the job of an earlier update, and judges its end as that of the update. */
export async function followJob(context: ReconcileContext, job: PendingJob): Promise<PassOutcome | undefined> {
  const { state, connection, spec, signal, clock } = context
  const asking = connection.inventory.job(spec.uuid, job.ref, signal)
  // At the end of a job the update may be sent again, in the other body shape.
  if (job.sent) listen(job.sent.audit, asking)
  const result = await asking
  if (result.ok && result.value.kind === 'running' && result.value.job.uuid !== job.ref.uuid)
    return awaitJob(context, begunJob(context, result.value.job, job.sent))
  const limitMs = job.ref.timeoutMs ?? limits.jobMs
  const isUnsent = !result.ok && result.failure.isUnsent === true
  // A request that was not sent proves nothing of the job.
  const isOverdue = !isUnsent && clock.monotonic() - job.since >= limitMs
  // What a job did that is given up, a read will show.
  if (isOverdue) state.job = undefined
  if (!result.ok && isJobUndecided(result.failure)) return failedOnTheWay(result.failure, job.sent?.comparison)
  if (result.ok && result.value.kind === 'running') {
    if (!isOverdue) return awaitJob(context, { ...job, looks: job.looks + 1 })
    const message = `ZStack has been at work on an update for more than ${spellMs(limitMs)}; look at its tasks`
    return refused(context, job.sent?.comparison, { kind: 'operation', message })
  }
  state.job = undefined
  return conclude(context, job.sent ?? { restoredFrom: job }, result)
}

function listen(audit: Audit, answer: Promise<Result<UpdateOutcome>>): void {
  answer.then(
    (result) => audit.answered(result),
    () => audit.aborted(),
  )
}

type Sent =
  | NonNullable<PendingJob['sent']>
  /** A former process sent it. */
  | { readonly attempt?: undefined; readonly comparison?: undefined; readonly restoredFrom: PendingJob }

function conclude(context: ReconcileContext, sent: Sent, result: Result<UpdateOutcome>): PassOutcome | undefined {
  if (!result.ok) {
    const outcome = refused(context, sent.comparison, result.failure)
    return result.failure.isUnsent ? outcome : { ...outcome, isUpdateFailed: true }
  }
  switch (result.value.kind) {
    case 'withdrawn':
      return undefined
    case 'running':
      return awaitJob(context, begunJob(context, result.value.job, sent.attempt && sent))
    case 'done': {
      const { observation } = result.value
      if (!observation) return { outcome: { kind: 'missing', uuid: context.spec.uuid } }
      return sent.attempt
        ? { ...verify(context, observation, sent.attempt), corrected: sent.attempt.expected }
        : verify(context, observation, restoredAttempt(context, observation, sent.restoredFrom))
    }
  }
}

function verify(context: ReconcileContext, observation: Observation, attempt: UpdateAttempt | undefined): PassOutcome {
  noteJudged(context, observation)
  const { hold, attempts, comparison, next } = decide(context.desired, observation, decisionState(context, { attempt }))
  context.state.hold = hold
  const outcome = next.kind === 'update' ? ({ kind: 'updating', comparison } as const) : next.outcome
  if (!attempt) return { outcome }
  return { outcome, update: { fields: fieldsOf(attempt.patch), cause: attempt.cause, attempts } }
}

/**
 * What a former process sent, as far as status shows: it compared the same generation with the same hashes, so the job
 * holds what differed then, and whatever was never sent. Of another generation nothing is known. Where nothing that can
 * be read differed, nothing proves that ZStack took the body in the shape it was sent in, so the update counts as unsent.
 */
function restoredAttempt(
  context: ReconcileContext,
  observation: Observation,
  job: PendingJob,
): UpdateAttempt | undefined {
  const { desired, object, previous } = context
  if (job.generation !== object.metadata.generation) return undefined
  const state = decisionState(context, {})
  const { unsent, declared } = decide(desired, observation, state).comparison.assessment
  const differed = new Set(previous?.drift?.map(({ field }) => field))
  const sent = [...desired].filter(([field]) => differed.has(field) || unsent.includes(field))
  if (differed.size === 0) return undefined
  const isDrift = sent.every(([field]) => declared[field] === state.hashes[field])
  return {
    patch: Object.fromEntries(sent),
    cause: isDrift ? 'DriftCorrected' : 'SpecChanged',
    expected: sent
      .filter(([field]) => differed.has(field))
      .map(([field, value]) => ({ field, desired: value, live: undefined })),
  }
}

/** ZStack's own word on this update holds for a while; a failure on the way to it does not. */
function refused(context: ReconcileContext, comparison: Comparison | undefined, failure: Failure): PassOutcome {
  const { state, object, previous, holdTime } = context
  const { scope, retry } = failurePolicy[failure.kind]
  if (scope === 'connection' || retry === 'backOff') return failedOnTheWay(failure, comparison)
  const { generation } = object.metadata
  const key = comparison ? driftKeyOf(comparison.assessment, generation) : driftKeyIn(previous, generation)
  const now = holdTime()
  state.hold = holdAfterRefusal(state.hold, key, failure, now)
  const retryInMs = state.hold.until - now
  return { outcome: { kind: 'failed', failure, ...(comparison && { comparison }), stale: false, retryInMs } }
}

function failedOnTheWay(failure: Failure, comparison: Comparison | undefined): PassOutcome {
  const outcome = { kind: 'failed', failure, ...(comparison && { comparison }), stale: false } as const
  return { outcome, isOwnFailure: true }
}

function begunJob({ clock, object }: ReconcileContext, ref: JobRef, sent: PendingJob['sent']): PendingJob {
  const { generation } = object.metadata
  return { ref, generation, since: clock.monotonic(), startedAt: clock.now(), looks: 0, ...(sent && { sent }) }
}

function awaitJob({ state }: ReconcileContext, job: PendingJob): PassOutcome {
  state.job = job
  const { initialMs, maxMs, factor } = jobPauses
  const afterMs = Math.min(maxMs, initialMs * factor ** job.looks)
  return { outcome: { kind: 'awaitingJob', ...(job.sent && { comparison: job.sent.comparison }), afterMs } }
}

function fieldsOf(patch: Patch): readonly FieldName[] {
  return Object.keys(patch) as FieldName[]
}
