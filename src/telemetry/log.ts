/** The log: one JSON object a line with stable keys, or text for people. */
import { pino, type DestinationStream, type Logger } from 'pino'
import { prettyFactory } from 'pino-pretty'

export type LogOptions = {
  readonly level: string
  readonly format: 'json' | 'pretty'
  readonly destination?: DestinationStream
}

/** A last line of defence: nothing of ours logs these on purpose. */
const secretKeys = ['password', 'secret', 'token', 'authorization', 'Authorization', 'session', 'credentials']

export function createLog({ level, format, destination }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '***' },
  }
  // Written at once: the last line before an exit is the one that matters.
  const out = destination ?? pino.destination({ fd: 1, sync: true })
  if (format === 'json') return pino(options, out)
  const spell = prettyFactory({ translateTime: 'SYS:HH:MM:ss.l', ignore: 'reconcileID,generation', singleLine: true })
  return pino(options, { write: (line) => out.write(spell(line)) })
}
