/** A text that must not be seen: printed, logged, put into a message or into JSON, it says `[redacted]`. */
import { inspect } from 'node:util'

export interface Redacted {
  /** The text itself, for the one place that needs it. */
  reveal(): string
  toString(): string
  toJSON(): string
}

export function redacted(text: string): Redacted {
  const shown = () => '[redacted]'
  const secret = { reveal: () => text, toString: shown, toJSON: shown, [inspect.custom]: shown }
  return Object.freeze(secret)
}
