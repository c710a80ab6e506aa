/** The log: one JSON object a line with stable keys, or text for people. */
import { pino, type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'

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
  if (format === 'json') return pino(options, destination ?? pino.destination({ fd: 1, sync: true }))
  const stream = pretty({
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'reconcileID,generation',
    singleLine: true,
    ...(destination && { destination }),
  })
  return pino(options, stream)
}
