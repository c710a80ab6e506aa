/** Carries an update to ZStack and judges what became of it: accepted is not applied. */
import { isDeepStrictEqual } from 'node:util'
import type { FieldName, Spec, StoredModelService } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import type { Clock } from '../clock.ts'
import { isEqual, reassess, type Observation } from '../decide/assess.ts'
import { failurePolicy, isJobUndecided, type Result, type Failure } from '../decide/failure.ts'
import type { Desired } from '../api/fields.ts'
import type { Outcome, Comparison } from '../decide/outcome.ts'
import { plan, type Plan } from '../decide/plan.ts'
import { hashesIn } from '../decide/status.ts'
import { isSame, refusalMs, driftKeyOf, type UpdateAttempt, type RetryState, type PendingJob } from './retry-state.ts'
import { limits } from '../limits.ts'
import type { UpdateOutcome, Connection, JobRef } from './ports.ts'
import type { PassReporter, PassOutcome } from './reporter.ts'

/** All that one pass works on. */
export type Case = {
  readonly object: StoredModelService
  readonly spec: Spec
  readonly desired: Desired
  readonly connection: Connection
  readonly memory: RetryState
  readonly previous: Status | undefined
  readonly report: PassReporter
  readonly signal: AbortSignal
  /** Whether the object is still as it was judged, and still speaks for its service. */
  readonly isCurrent: () => boolean
  /** A request of a person's to look now, not dealt with before. */
  readonly token: string | undefined
}

export interface Courier {
  /** Nothing where the object changed before the update could leave. */
  send(open: Case, seen: Comparison, update: Plan & { kind: 'update' }): Promise<PassOutcome | undefined>
  /** Looks after a job that ZStack made of an earlier update. */
  follow(open: Case, job: PendingJob): Promise<PassOutcome | undefined>
}

const jobWaits = { initialMs: 200, maxMs: 5_000, factor: 1.6 } as const

export function createCourier(clock: Clock): Courier {
  async function send(
    open: Case,
    seen: Comparison,
    update: Plan & { kind: 'update' },
  ): Promise<PassOutcome | undefined> {
    const { connection, spec, report, signal, isCurrent } = open
    const fields = Object.keys(update.patch) as FieldName[]
    const mends = seen.assessment.differences.filter(({ field }) => fields.includes(field))
    const answer = await report.during(
      { kind: 'updating', seen },
      connection.inventory.update(spec.uuid, update.patch, signal, isCurrent),
    )
    return conclude(open, seen, { patch: update.patch, cause: update.cause, expected: mends }, answer)
  }

  async function follow(open: Case, job: PendingJob): Promise<PassOutcome | undefined> {
    const { memory, connection, spec, signal } = open
    const answer = await connection.inventory.job(spec.uuid, job.ref, signal)
    if (answer.ok && answer.value.kind === 'running' && answer.value.job.uuid !== job.ref.uuid)
      return awaitJob(answer.value.job, job.seen, job.errand, memory)
    const isGivenUp = clock.monotonic() - job.since >= limits.jobMs
    if (isGivenUp) memory.job = undefined
    if (!answer.ok && isJobUndecided(answer.failure)) return unheard(answer.failure, job.seen)
    if (answer.ok && answer.value.kind === 'running') {
      if (!isGivenUp) return postpone({ ...job, looks: job.looks + 1 }, memory)
      return unheard(
        {
          kind: 'unavailable',
          message: 'ZStack has been at work on an update for more than 10 minutes; look at its tasks',
        },
        job.seen,
      )
    }
    memory.job = undefined
    return conclude(open, job.seen, job.errand, answer)
  }

  function conclude(
    open: Case,
    seen: Comparison,
    errand: UpdateAttempt,
    answer: Result<UpdateOutcome>,
  ): PassOutcome | undefined {
    if (!answer.ok) {
      const verdict = refused(open, seen, answer.failure)
      return answer.failure.isUnsent ? verdict : { ...verdict, isUpdateLost: true }
    }
    if (answer.value.kind === 'withdrawn') return undefined
    if (answer.value.kind === 'running') return awaitJob(answer.value.job, seen, errand, open.memory)
    const after = answer.value.observation
    return after ? verify(open, after, errand) : { outcome: { kind: 'missing', uuid: open.spec.uuid } }
  }

  function verify(
    { object, spec, desired, memory, previous, token }: Case,
    observation: Observation,
    errand: UpdateAttempt,
  ): PassOutcome {
    const fields = Object.keys(errand.patch) as FieldName[]
    // The spec may have changed while a job ran: what was sent then proves nothing of what is declared now.
    const current = fields.filter((field) => isDeepStrictEqual(errand.patch[field], desired.get(field)))
    const accepted = isShownAsSent(errand, observation) ? current : []
    const assessment = reassess(desired, observation, hashesIn(previous), accepted, object.metadata.uid)
    const seen: Comparison = { observation, assessment }
    const subject = driftKeyOf(assessment, object.metadata.generation)
    const verdict = (outcome: Outcome, attempts: number): PassOutcome => ({
      outcome,
      attempt: errand,
      update: { fields, cause: errand.cause, attempts },
    })
    if (assessment.differences.some(({ field }) => current.includes(field))) {
      const isRepeated = token === undefined && isSame(memory.tries?.subject, subject)
      const count = isRepeated ? (memory.tries?.count ?? 0) + 1 : 1
      memory.tries = { subject, count }
      memory.hold = undefined
      if (count < limits.maxIneffectiveUpdates) return verdict({ kind: 'updating', seen }, count)
      memory.hold = { subject, until: clock.now() + limits.ineffectiveRetryMs }
      return verdict({ kind: 'ineffective', seen, retryInMs: limits.ineffectiveRetryMs }, count)
    }
    memory.tries = undefined
    memory.hold = undefined
    const policy = spec.policy ?? 'Enforce'
    const rest = plan(desired, assessment, { policy, suspend: spec.suspend === true, requested: false, held: false })
    if (rest.kind === 'nothing') return verdict({ kind: 'inSync', seen }, 0)
    if (rest.kind === 'report') return verdict({ kind: 'drifted', seen, policy }, 0)
    if (rest.kind === 'suspended') return verdict({ kind: 'suspended', seen }, 0)
    return verdict({ kind: 'updating', seen }, 0)
  }

  /** ZStack's own word on this update holds until spec or inventory changes; a failure on the way there does not. */
  function refused({ object, memory }: Case, seen: Comparison, failure: Failure): PassOutcome {
    if (failurePolicy[failure.kind].scope === 'connection') return unheard(failure, seen)
    const retryInMs = refusalMs(failure)
    const subject = driftKeyOf(seen.assessment, object.metadata.generation)
    memory.hold = { subject, until: clock.now() + retryInMs, failure }
    return { outcome: { kind: 'failed', failure, seen, stale: false, retryInMs } }
  }

  function awaitJob(ref: JobRef, seen: Comparison, errand: UpdateAttempt, memory: RetryState): PassOutcome {
    return postpone({ ref, since: clock.monotonic(), looks: 0, seen, errand }, memory)
  }

  return { send, follow }
}

function postpone(job: PendingJob, memory: RetryState): PassOutcome {
  memory.job = job
  const { initialMs, maxMs, factor } = jobWaits
  return { outcome: { kind: 'awaitingJob', seen: job.seen, afterMs: Math.min(maxMs, initialMs * factor ** job.looks) } }
}

/** Unless all that can be read is as it was sent, what cannot be read is not taken to be: a part of it may be others' work. */
function isShownAsSent({ expected: mends }: UpdateAttempt, { live }: Observation): boolean {
  return mends.every(({ field, desired }) => isEqual(field, desired, live.values.get(field)))
}

function unheard(failure: Failure, seen: Comparison): PassOutcome {
  return { outcome: { kind: 'failed', failure, seen, stale: false } }
}
