/** The outcome of a pass as status: what people read, and what the next process must know, as data. */
import type { FieldName } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import { timestamp } from '../api/time.ts'
import type { Hashes } from './assess.ts'
import { conditionPatches, suspendedMessage, suspensionPatches } from './condition-patches.ts'
import { conditionOf, patchConditions } from './conditions.ts'
import { driftOf, liveOf } from './display.ts'
import { isOutage } from './failure.ts'
import { fields } from '../api/fields.ts'
import type { Outcome, Update } from './outcome.ts'
import type { Suspension } from './suspension.ts'

export type StatusContext = {
  readonly generation: number
  readonly now: Date
  readonly suspension?: Suspension | undefined
  /** Through which ZStack was asked; absent where there is no such connection. */
  readonly connection?: NonNullable<Status['connection']>
  readonly hold?: NonNullable<Status['hold']>
  readonly job?: NonNullable<Status['job']>
  readonly update?: Update
  /** The reconcile-requested-at token that this pass dealt with. */
  readonly handled?: string
  /** Something about the spec that people should know, and that keeps nothing from being done. */
  readonly note?: string
}

/** The status after a pass. Equal to `previous` where there is nothing new to say, so that nothing is written. */
export function statusAfter(outcome: Outcome, previous: Status | undefined, context: StatusContext): Status {
  if (outcome.kind === 'failed' && isShortOutage(outcome, previous, context)) return previous ?? {}
  const { generation, now, suspension, connection = previous?.connection, hold, update } = context
  // No pass asks after a job while the object may not speak for its service, so status must not name it for ever.
  const job = outcome.kind === 'invalid' || outcome.kind === 'conflict' ? undefined : context.job
  // A job that a former process began says nothing new while it runs.
  if (outcome.kind === 'awaitingJob' && !outcome.comparison) return { ...previous, ...(job && { job }) }
  const comparison = 'comparison' in outcome ? outcome.comparison : undefined
  const forgetsLive = outcome.kind === 'missing' || outcome.kind === 'conflict'
  // A comparison speaks of the spec it was made with.
  const compared = forgetsLive || previous?.observedGeneration !== generation ? undefined : previous
  const drift = comparison ? driftOf(comparison.assessment.differences) : compared?.drift
  const unverifiable = comparison ? comparison.assessment.unverifiable : compared?.unverifiableFields
  const live = comparison
    ? liveOf(comparison.observation.live, comparison.assessment.concealed)
    : forgetsLive
      ? undefined
      : previous?.live
  const converged = outcome.kind === 'inSync' ? generation : previous?.convergedGeneration
  const lastUpdate = update
    ? { time: timestamp(now), generation, ...update, fields: [...update.fields] }
    : previous?.lastUpdate
  const hashes = comparison ? comparison.assessment.accepted : keptHashes(outcome, previous)
  const handled = context.handled ?? previous?.lastHandledReconcileAt
  const suspendedWork = outcome.kind === 'suspended' ? suspendedMessage(outcome.comparison) : undefined
  const conditions = patchConditions(
    previous?.conditions ?? [],
    [
      ...conditionPatches(outcome, connection?.endpoint ?? '', comparison && context.note),
      ...suspensionPatches(suspension),
    ],
    { generation, now, ...(suspendedWork !== undefined && { suspendedWork }) },
  )
  return {
    observedGeneration: generation,
    ...(converged !== undefined && { convergedGeneration: converged }),
    conditions: [...conditions],
    ...(drift && { drift }),
    ...(live && { live }),
    ...(connection && { connection }),
    ...(lastUpdate && { lastUpdate }),
    ...(unverifiable && unverifiable.length > 0 && { unverifiableFields: [...unverifiable] }),
    ...(Object.keys(hashes).length > 0 && { fieldHashes: hashes }),
    ...(hold && { hold }),
    ...(job && { job }),
    ...(handled !== undefined && { lastHandledReconcileAt: handled }),
  }
}

/**
 * What a former pass wrote, unless it was judged at another endpoint: of a service in another ZStack it proves nothing,
 * neither what is in effect there nor that it is in sync.
 */
export function statusAt(endpoint: string | undefined, status: Status | undefined): Status | undefined {
  const judgedAt = status?.connection?.endpoint
  return endpoint !== undefined && judgedAt !== undefined && judgedAt !== endpoint ? undefined : status
}

/** The hashes of the values that are in effect. */
export function hashesIn(status: Status | undefined): Hashes {
  return status?.fieldHashes ?? {}
}

/**
 * An object that was at rest, and whose ZStack has been out of reach only for a while, keeps its status: the status of a
 * fleet does not flicker with the network.
 */
function isShortOutage(
  outcome: Outcome & { kind: 'failed' },
  previous: Status | undefined,
  context: StatusContext,
): boolean {
  const synced = conditionOf(previous, 'Synced')
  return (
    conditionOf(previous, 'Reconciling') === undefined &&
    conditionOf(previous, 'Stalled') === undefined &&
    isOutage(outcome.failure) &&
    !outcome.stale &&
    outcome.comparison === undefined &&
    context.handled === undefined &&
    (synced?.reason === 'InSync' || synced?.reason === 'DriftDetected') &&
    synced.observedGeneration === context.generation
  )
}

/** A service that is gone took with it what it never showed: one that comes back is sent that again. */
function keptHashes({ kind }: Outcome, previous: Status | undefined): Hashes {
  const hashes = Object.entries(hashesIn(previous)) as [FieldName, string][]
  const isShown = (field: FieldName) =>
    fields[field].visibility !== 'hidden' && previous?.unverifiableFields?.includes(field) !== true
  return Object.fromEntries(hashes.filter(([field]) => kind !== 'missing' || isShown(field)))
}
