/** Reports how a pass ended where people look: in status, events and log. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { statusOf, type StoredModelService } from '../api/modelservice.ts'
import type { Condition, Status } from '../api/status.ts'
import type { Clock } from '../clock.ts'
import { conditionOf } from '../decide/conditions.ts'
import { eventsBetween } from '../decide/events.ts'
import { statusOfHold } from '../decide/hold.ts'
import type { Outcome } from '../decide/outcome.ts'
import { statusAfter, statusAt } from '../decide/status.ts'
import type { Suspension } from '../decide/suspension.ts'
import { previousStatus, statusOfJob, type ObjectState } from './object-state.ts'
import type { PassOutcome } from './pass-outcome.ts'
import type { Connection, Objects, RecordEvent, UpdateResult } from './ports.ts'

export type PassReporter = {
  /** Counts and logs what ZStack accepted: once per outcome, however often the report of it is tried. */
  recordUpdate(outcome: PassOutcome): void
  /**
   * Writes the status, if it says anything new, and records and logs what changed since the pass began. `deleted`: there
   * is no such object any more, whatever the watch has shown so far.
   */
  report(outcome: PassOutcome): Promise<'reported' | 'deleted'>
  /** Does the work; where it takes long, writes meanwhile what is going on. */
  during<T>(outcome: Outcome, work: Promise<T>): Promise<T>
}

export type ReporterOptions = {
  readonly objects: Objects
  readonly recordEvent: RecordEvent
  readonly onUpdate: (result: UpdateResult) => void
  /** Whether a status that somebody else wrote over may be written again already. */
  readonly mayRestoreStatus: (key: string) => boolean
  readonly clock: Clock
}

/** What one pass reports on. */
export type ReportSubject = {
  readonly key: string
  readonly object: StoredModelService
  /** The status that the object has. */
  readonly stored: Status | undefined
  readonly state: ObjectState
  /** As it was at the beginning of the pass. */
  readonly suspension: Suspension | undefined
  /** Absent where there is no such connection. */
  readonly connection: Connection | undefined
  readonly log: Logger
  readonly signal: AbortSignal
}

const statusOfConnection = ({ kind, name, endpoint }: Connection) => ({ kind, name, endpoint })

/** An answer within this time needs no word about waiting for it: one status write per change, not two. */
const interimStatusDelayMs = 500

export function createReporter({ objects, recordEvent, onUpdate, mayRestoreStatus, clock }: ReporterOptions) {
  return function reporterOf(subject: ReportSubject): PassReporter {
    const { key, object, state, suspension, connection, log, signal } = subject
    const before = state.reported ?? subject.stored
    const { generation, uid } = object.metadata
    const note = state.yamlNote(object)

    /** The status after the pass, and whether there was anything new in it to be written. */
    async function write({
      outcome,
      update,
      handled,
    }: PassOutcome): Promise<{ readonly status: Status; readonly isNew: boolean } | 'deleted'> {
      const current = objects.get(key)
      if (current?.metadata.uid !== uid) return 'deleted'
      const stored = current === object ? subject.stored : statusOf(current)
      const status = statusAfter(outcome, previousStatus(state, statusAt(connection?.endpoint, stored)), {
        generation,
        now: new Date(clock.now()),
        suspension,
        ...(connection && { connection: statusOfConnection(connection) }),
        ...(state.hold && { hold: statusOfHold(state.hold) }),
        ...(state.job && { job: statusOfJob(state.job) }),
        ...(update && { update: { fields: update.fields, cause: update.cause } }),
        ...(handled !== undefined && { handled }),
        ...(note !== undefined && { note }),
      })
      if (isDeepStrictEqual(status, stored)) return { status, isNew: false }
      // Somebody else wrote over it, and whoever does so again and again is answered ever later.
      const isRestored = state.reported !== undefined && isDeepStrictEqual(status, state.reported)
      if (isRestored && !mayRestoreStatus(key)) return { status, isNew: false }
      return (await objects.writeStatus(current, status, signal)) ? { status, isNew: true } : 'deleted'
    }

    /** The very status that the store holds, where it is the same, so that memory holds it once. */
    function keptOnce(status: Status): Status {
      const held = objects.get(key)?.status
      return isDeepStrictEqual(held, status) ? (held as Status) : status
    }

    function levelOf(outcome: Outcome, ready: Condition['status']): 'warn' | 'info' | 'debug' {
      if (outcome.kind === 'updating' || outcome.kind === 'awaitingJob') return 'info'
      // Trouble of the whole connection has its line already: one line, not one for each object.
      if (outcome.kind === 'failed' && connection?.currentFailure()?.kind === outcome.failure.kind) return 'debug'
      return ready === 'False' ? 'warn' : 'info'
    }

    return {
      recordUpdate({ update, isUpdateFailed }) {
        if (isUpdateFailed) onUpdate('failed')
        if (!update) return
        const { fields, cause, attempts } = update
        onUpdate(attempts === 0 ? 'verified' : 'ineffective')
        log.info({ fields, cause, attempts: attempts || undefined }, 'updated')
      },
      async report(passOutcome) {
        const written = await write(passOutcome)
        if (written === 'deleted') return 'deleted'
        const { status, isNew } = written
        state.reported = keptOnce(status)
        if (!isNew) return 'reported'
        for (const event of eventsBetween(before, status, passOutcome.corrected ?? [])) recordEvent(object, event)
        if (note !== undefined && before?.observedGeneration !== generation)
          recordEvent(object, { type: 'Warning', reason: 'UnparsableYAML', message: note })
        const [was, is] = [conditionOf(before, 'Ready'), conditionOf(status, 'Ready')]
        // An update that came out well has had its line.
        const isLogged = passOutcome.update !== undefined && is?.reason === 'InSync'
        if (is && is.reason !== was?.reason && !isLogged)
          log[levelOf(passOutcome.outcome, is.status)]({ ready: is.status, reason: is.reason }, is.message)
        return 'reported'
      },
      async during(outcome, work) {
        let writing: Promise<unknown> | undefined
        const cancel = clock.after(interimStatusDelayMs, () => {
          // An interim status may be lost: the pass reports again at its end, and fails if the API server does.
          writing = write({ outcome }).catch((error: unknown) => log.debug({ err: error }, 'no interim status'))
        })
        try {
          return await work
        } finally {
          cancel()
          await writing
        }
      },
    }
  }
}
