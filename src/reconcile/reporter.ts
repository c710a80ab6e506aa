/** What a pass found out, to where people look: status, events, log. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { statusOf, type StoredModelService } from '../api/modelservice.ts'
import type { Status } from '../api/status.ts'
import type { Clock } from '../clock.ts'
import { eventsBetween } from '../decide/events.ts'
import type { Outcome, Update } from '../decide/outcome.ts'
import { conditionOf, statusAfter } from '../decide/status.ts'
import type { UpdateAttempt } from './retry-state.ts'
import type { RecordEvent, UpdateResult, Objects } from './ports.ts'

/** The end of a pass: its outcome, and what ZStack accepted on the way. */
export type PassOutcome = {
  readonly outcome: Outcome
  readonly update?: Update
  readonly attempt?: UpdateAttempt
  readonly handled?: string
  /** An update was sent, and refused or left unanswered. */
  readonly isUpdateLost?: true
}

export type PassReporter = {
  /** Counts and logs what ZStack accepted: once per verdict, however often its conclusion is tried. */
  accepted(verdict: PassOutcome): void
  /**
   * Writes the verdict, if it says anything new, and tells people of what changed since the pass began. `gone`: there is
   * no such object any more, whatever the watch has shown so far.
   */
  conclude(verdict: PassOutcome): Promise<'told' | 'gone'>
  /** Does the work; where it takes long, writes meanwhile what is going on. */
  during<T>(outcome: Outcome, work: Promise<T>): Promise<T>
}

export type ReporterOptions = {
  readonly objects: Objects
  readonly recordEvent: RecordEvent
  /** An update was accepted, and read back equal or not; or was not accepted. */
  readonly onUpdate: (result: UpdateResult) => void
  readonly clock: Clock
  /** Where ZStack is, as people know it. */
  readonly endpoint: string
}

/** An answer within this time needs no word about waiting for it: one status write per change, not two. */
const interimStatusDelayMs = 500

export function createReporter({ objects, recordEvent, onUpdate, clock, endpoint }: ReporterOptions) {
  return function begin(key: string, object: StoredModelService, log: Logger, signal: AbortSignal): PassReporter {
    const before = statusOf(object)
    const { generation, uid } = object.metadata
    const suspend = (object.spec as { suspend?: unknown } | undefined)?.suspend === true

    /** The status as it was written, or nothing where there was nothing new. */
    async function write({ outcome, update, handled }: PassOutcome): Promise<Status | 'gone' | undefined> {
      const current = objects.get(key)
      if (current?.metadata.uid !== uid) return 'gone'
      const previous = statusOf(current)
      const status = statusAfter(outcome, previous, {
        generation,
        now: new Date(clock.now()),
        suspend,
        endpoint,
        ...(update && { update }),
        ...(handled !== undefined && { handled }),
      })
      if (isDeepStrictEqual(status, previous)) return undefined
      return (await objects.writeStatus(current, status, signal)) ? status : 'gone'
    }

    return {
      accepted({ update, isUpdateLost }) {
        if (isUpdateLost) onUpdate('failed')
        if (!update) return
        const { fields, cause, attempts } = update
        onUpdate(attempts === 0 ? 'verified' : 'ineffective')
        log.info({ fields, cause, attempts: attempts || undefined }, 'updated')
      },
      async conclude(verdict) {
        const status = await write(verdict)
        if (status === 'gone') return 'gone'
        if (!status) return 'told'
        const expected = verdict.attempt?.expected ?? []
        for (const event of eventsBetween(before, status, expected)) recordEvent(object, event)
        const [was, is] = [conditionOf(before, 'Ready'), conditionOf(status, 'Ready')]
        // An update that came out well has had its line.
        const isTold = verdict.update !== undefined && is?.reason === 'InSync'
        if (is && is.reason !== was?.reason && !isTold)
          log[is.status === 'False' ? 'warn' : 'info']({ ready: is.status, reason: is.reason }, is.message)
        return 'told'
      },
      async during(outcome, work) {
        let writing: Promise<unknown> | undefined
        const cancel = clock.after(interimStatusDelayMs, () => {
          // The pass itself reports again, and fails if the API server does: an interim word may go lost.
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
