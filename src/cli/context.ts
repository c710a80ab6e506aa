/** What a command is given of the process that runs it. */
import type { Clock } from '../clock.ts'
import type { Environment } from '../config.ts'
import type { OutputStream, Terminal } from './terminal.ts'

export type CommandContext = {
  readonly env: Environment
  readonly stdin: AsyncIterable<Buffer | string>
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** What was asked for. */
  readonly out: Terminal
  /** What is said beside it. */
  readonly err: Terminal
  readonly clock: Clock
  readonly random: () => number
  readonly version: string
  /** As the person typed it: `kubectl zms` in the plugin. */
  readonly programName: string
  /** Ends what is under way, at Ctrl-C. */
  readonly signal: AbortSignal
}

export async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}
