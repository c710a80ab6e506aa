/**
 * The audit of updates: one line of the log for each PUT that is sent to a model service, whatever becomes of it. It says
 * which fields were sent, why, and who had last set them in Kubernetes; never a value.
 */
import type { Logger } from 'pino'
import { managersOf } from '../api/managed-fields.ts'
import type { FieldName, StoredModelService } from '../api/modelservice.ts'
import type { UpdateCause } from '../api/status.ts'
import type { Clock } from '../clock.ts'
import { failurePolicy, type Result } from '../decide/failure.ts'
import type { UpdateOutcome } from './ports.ts'

/** The one `msg` of these lines: people and programs look for it. */
export const auditMessage = 'update sent'

export type AuditSubject = {
  readonly uuid: string
  readonly object: StoredModelService
  readonly cause: UpdateCause
  readonly fields: readonly FieldName[]
  readonly log: Logger
  readonly clock: Pick<Clock, 'monotonic'>
}

export interface Audit {
  /** To be called immediately before each time that the update is sent. */
  sending(): void
  /** To be called with the answer to the last of them; nothing is logged of an update that was not sent. */
  answered(result: Result<UpdateOutcome>): void
  /** To be called where no answer was waited for. */
  aborted(): void
}

export function createAudit({ uuid, object, cause, fields, log, clock }: AuditSubject): Audit {
  let begun: number | undefined

  function tell(result: string, details: Readonly<Record<string, string | undefined>> = {}) {
    if (begun === undefined) return
    const durationMs = Math.round(clock.monotonic() - begun)
    begun = undefined
    const setBy = managersOf(object.metadata.managedFields, fields)
    log.info({ uuid, cause, fields, setBy, result, ...details, durationMs }, auditMessage)
  }

  return {
    sending() {
      // With another session, or in the other body shape.
      tell('sentAgain')
      begun = clock.monotonic()
    },
    answered(result) {
      if (!result.ok) {
        const { kind, code } = result.failure
        tell('failed', { reason: failurePolicy[kind].reason, code })
      } else if (result.value.kind === 'running') tell('job', { job: result.value.job.uuid })
      else tell(result.value.kind === 'done' ? 'accepted' : 'withdrawn')
    },
    aborted: () => tell('aborted'),
  }
}
