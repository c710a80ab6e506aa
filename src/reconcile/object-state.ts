/**
 * What the passes over one object must remember: one record per object.
 *
 *   begins with the first pass over the object, from the hold and the job that its status holds
 *   begins anew where another object took the name: nothing of its predecessor counts
 *   ends with the pass that finds the object deleted
 *
 * All of it that matters beyond a restart is written to status.
 */
import type { StoredModelService } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import { timestamp } from '../api/time.ts'
import type { Clock } from '../clock.ts'
import type { Equality } from '../decide/assess.ts'
import type { UpdateAttempt } from '../decide/decide.ts'
import { restoreHold, type UpdateHold } from '../decide/hold.ts'
import type { Comparison } from '../decide/outcome.ts'
import type { Audit } from './audit.ts'
import { createEquality } from './equality.ts'
import { createYamlNote } from './yaml-note.ts'
import type { JobRef } from './ports.ts'
import type { PassOutcome } from './pass-outcome.ts'

/** A job of ZStack's that carries an update out. */
export type PendingJob = {
  readonly ref: JobRef
  /** Generation of the spec that the update was for. */
  readonly generation: number
  /** When it began: by the monotonic clock, and in milliseconds since the epoch. */
  readonly since: number
  readonly startedAt: number
  /** How often it was asked after. */
  readonly looks: number
  /** What was sent, and what was observed before; absent where a former process began the job. */
  readonly sent?: { readonly attempt: UpdateAttempt; readonly comparison: Comparison; readonly audit: Audit }
}

/**
 * `active`: a pass is under way. `settled`: nothing is left to do. `waiting`: the last pass failed for the connection's
 * sake. `unsettled`: anything else.
 */
export type Phase = 'active' | 'settled' | 'waiting' | 'unsettled'

export type ObjectState = {
  readonly uid: string
  readonly phase: Phase
  hold: UpdateHold | undefined
  /** Remembers which texts of this object were judged to say the same. */
  readonly equality: Equality
  readonly yamlNote: (object: StoredModelService) => string | undefined
  job: PendingJob | undefined
  /** The status that this process reported last, for others may have written over it. */
  reported: Status | undefined
  /**
   * Whether what the last pass judged is still so; absent where that cannot change. Another object's update may end after
   * the pass, so that the cache holds something else although no poll saw a change, or another object may win the uuid.
   */
  isStillSo: (() => boolean) | undefined
  /** Since when, by the monotonic clock, nothing could be read. */
  unreadSince: number | undefined
  /** How a pass ended in which ZStack accepted an update, while Kubernetes has not taken the status yet. */
  unreported: { readonly object: StoredModelService; readonly outcome: PassOutcome } | undefined
  /**
   * The object as it was when the API server refused its status, for it is deleted. Until the watch shows that, an update
   * could be recorded nowhere, so none is sent.
   */
  deleted: { readonly object: StoredModelService; readonly until: number } | undefined
}

export interface ObjectStates {
  get(key: string): ObjectState | undefined
  /** The record of this very object, which begins here if there is none. */
  of(key: string, object: StoredModelService, status: Status | undefined): ObjectState
  setPhase(key: string, phase: Phase): void
  drop(key: string): void
  /** The keys of all objects that wait for their connection, longest first. */
  waiting(): readonly string[]
}

type MutableState = ObjectState & { phase: Phase; waitingSince: number }

export function createObjectStates(clock: Clock, holdTime: () => number): ObjectStates {
  const states = new Map<string, MutableState>()
  let waits = 0
  return {
    get: (key) => states.get(key),
    of(key, { metadata: { uid } }, status) {
      const before = states.get(key)
      if (before?.uid === uid) return before
      const state: MutableState = {
        uid,
        phase: 'active',
        waitingSince: 0,
        hold: restoreHold(status, holdTime()),
        equality: createEquality(),
        yamlNote: createYamlNote(),
        job: restoreJob(status, clock),
        reported: undefined,
        isStillSo: undefined,
        unreadSince: undefined,
        unreported: undefined,
        deleted: undefined,
      }
      states.set(key, state)
      return state
    },
    setPhase(key, phase) {
      const state = states.get(key)
      if (!state) return
      state.phase = phase
      if (phase === 'waiting') state.waitingSince = ++waits
    },
    drop: (key) => void states.delete(key),
    waiting: () =>
      [...states]
        .filter(([, { phase }]) => phase === 'waiting')
        .sort(([, a], [, b]) => a.waitingSince - b.waitingSince)
        .map(([key]) => key),
  }
}

/**
 * The status that a pass begins with. Somebody else may have written over what is stored; what this process reported last
 * stands in for what is lost of it, else the same would be sent, asked for and told again.
 */
export function previousStatus({ reported }: ObjectState, stored: Status | undefined): Status | undefined {
  return reported ? { ...reported, ...stored } : stored
}

/** The job that a former process left in the status of the object. */
function restoreJob(status: Status | undefined, clock: Clock): PendingJob | undefined {
  if (!status?.job) return undefined
  const { uuid, since, generation, timeoutSeconds } = status.job
  const startedAt = Date.parse(since)
  // A clock that was set back would make the job begin in the future.
  const ageMs = Math.max(0, clock.now() - startedAt)
  const ref = { uuid, ...(timeoutSeconds !== undefined && { timeoutMs: timeoutSeconds * 1000 }) }
  return { ref, generation, startedAt, since: clock.monotonic() - ageMs, looks: 0 }
}

/** The job as status keeps it. */
export function statusOfJob({ ref, startedAt, generation }: PendingJob): NonNullable<Status['job']> {
  const { uuid, timeoutMs } = ref
  const timeout = timeoutMs === undefined ? {} : { timeoutSeconds: Math.ceil(timeoutMs / 1000) }
  return { uuid, since: timestamp(startedAt), generation, ...timeout }
}
