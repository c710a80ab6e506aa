import { type Logger, pino } from 'pino'

export interface CapturedLog {
  readonly log: Logger
  /** What was logged, down to debug, as it would be read back. */
  readonly entries: readonly Readonly<Record<string, unknown>>[]
}

export function createCapturedLog(): CapturedLog {
  const entries: Record<string, unknown>[] = []
  const write = (line: string) => void entries.push(JSON.parse(line) as Record<string, unknown>)
  const formatters = { level: (level: string) => ({ level }) }
  return { log: pino({ level: 'debug', base: null, timestamp: false, formatters }, { write }), entries }
}
