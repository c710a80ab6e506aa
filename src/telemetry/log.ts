/**
 * The log: one JSON object a line, or text for people. Lines of a pass have the keys controller, namespace, name,
 * generation and reconcileID; what it changed is in fields and cause, what it came to in ready and reason.
 */
import { pino, type DestinationStream, type Logger } from 'pino'
import { prettyFactory } from 'pino-pretty'

export type LogOptions = {
  readonly level: string
  readonly format: 'json' | 'pretty'
  readonly destination?: DestinationStream
}

/** A last line of defence: nothing of ours logs these on purpose. */
const secretKeys: readonly string[] = [
  'password',
  'secret',
  'token',
  'authorization',
  'Authorization',
  'session',
  'credentials',
]
const redacted = '[redacted]'

export function createLog({ level, format, destination }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), bindings: hideNested, log: hideNested },
    redact: { paths: [...secretKeys], censor: redacted },
  }
  // Written at once: the last line before an exit is the one that matters.
  const out = destination ?? pino.destination({ fd: 1, sync: true })
  if (format === 'json') return pino(options, out)
  const spell = prettyFactory({
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    messageFormat: (line) => sentence(line),
    ignore: [...spelled, 'controller', 'reconcileID', 'generation'].join(','),
  })
  return pino(options, { write: (line) => out.write(spell(line)) })
}

/** Hides secrets below the top: paths with wildcards for pino's redact would cost more than the whole line. */
function hideNested(line: Record<string, unknown>): Record<string, unknown> {
  if (!Object.values(line).some(isRecord)) return line
  const hide = (value: unknown): unknown =>
    isRecord(value)
      ? Object.fromEntries(
          Object.entries(value).map(([key, of]) => [key, secretKeys.includes(key) ? redacted : hide(of)]),
        )
      : value
  return Object.fromEntries(Object.entries(line).map(([key, value]) => [key, hide(value)]))
}

/** An object as a literal makes it; errors, secrets and the like tell of themselves in their own way. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    !('toJSON' in value)
  )
}

/** What the sentence of a line says; the rest follows it as JSON. */
const spelled = ['namespace', 'name', 'fields', 'cause', 'ready', 'reason']

type Key = 'namespace' | 'name' | 'ready' | 'reason' | 'msg' | 'cause'
type Line = Readonly<Partial<Record<Key, string>>> & { readonly fields?: readonly string[] }

/** `models/chat: updated requestCpu, yaml (SpecChanged)` */
function sentence({ namespace, name, ready, reason, msg, fields, cause }: Line): string {
  const subject = [namespace, name].filter((part) => part !== undefined).join('/')
  const state = ready === undefined ? undefined : `Ready=${ready} ${reason ?? ''},`
  const why = cause ?? (ready === undefined ? reason : undefined)
  return [subject && `${subject}:`, state, msg, fields?.join(', '), why && `(${why})`].filter(Boolean).join(' ')
}
