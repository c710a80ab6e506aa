/** Whether an object is suspended: by its spec until that changes, or by an annotation until a time. */
import { isMap } from '../api/json.ts'
import type { StoredModelService } from '../api/modelservice.ts'
import { suspendReason, suspendUntil } from '../api/names.ts'
import { timestamp } from '../api/time.ts'

export type Suspension = (
  | { readonly kind: 'spec' }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'until'; readonly until: number }
  /** The annotation is there and no time can be read from it: better too long than written against somebody's will. */
  | { readonly kind: 'unreadable' }
) & { readonly reason?: string }

const maxReasonLength = 256

/** @param now milliseconds since the epoch */
export function suspensionOf(
  { metadata, spec }: Pick<StoredModelService, 'metadata' | 'spec'>,
  now: number,
): Suspension | undefined {
  const annotations = metadata.annotations ?? {}
  const given = annotations[suspendReason]?.trim().slice(0, maxReasonLength)
  const reason = given === undefined || given === '' ? {} : { reason: given }
  if (isMap(spec) && spec.suspend === true) return { kind: 'spec', ...reason }
  const text = annotations[suspendUntil]
  if (text === undefined) return undefined
  const until = parseTime(text)
  if (until === undefined) return { kind: 'unreadable', ...reason }
  return until > now ? { kind: 'until', until, ...reason } : undefined
}

/** What people read in the condition. */
export function suspensionMessage(suspension: Suspension): string {
  const { reason } = suspension
  const because = reason === undefined ? '' : `; the reason given is: ${reason}`
  return `${causeOf(suspension)}: ZStack is read and never written${because}`
}

function causeOf(suspension: Suspension): string {
  switch (suspension.kind) {
    case 'spec':
      return 'spec.suspend is true'
    case 'until':
      return `suspended until ${timestamp(suspension.until)}`
    case 'unreadable':
      return `the annotation ${suspendUntil} is no time such as 2026-01-31T18:00:00Z, so the suspension has no end; correct or remove it`
  }
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

function parseTime(text: string): number | undefined {
  const match = rfc3339.exec(text.trim())
  const moment = Date.parse(text.trim().toUpperCase())
  if (!match || Number.isNaN(moment)) return undefined
  // The engine takes the 30th of February for a day in March.
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number)
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate() ? moment : undefined
}
