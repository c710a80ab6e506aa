/** The commands, run in this process as `main.ts` runs them. */
import { Readable } from 'node:stream'
import { runCli } from '../../src/cli/cli.ts'
import type { OutputStream } from '../../src/cli/terminal.ts'
import { DEFAULT_CREDENTIALS, type ZStackSimulator } from './zstack/simulator.ts'

export type CommandRun = { readonly code: number; readonly out: string; readonly err: string }

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** A terminal with colours on the other side. */
  readonly isTerminal?: boolean
}

/** Runs one command to its end. */
export async function runCommand(
  args: readonly string[],
  { env = {}, stdin = '', isTerminal = false }: RunOptions = {},
): Promise<CommandRun> {
  const text = { out: '', err: '' }
  const stream = (name: keyof typeof text): OutputStream => ({
    write: (part) => (text[name] += part),
    isTTY: isTerminal,
    hasColors: (given) => given.NO_COLOR === undefined,
  })
  const code = await runCli({
    args,
    env,
    stdin: Readable.from([stdin]),
    stdout: stream('out'),
    stderr: stream('err'),
    version: '0.0.0',
    signal: new AbortController().signal,
  })
  return { code, ...text }
}

/** The variables that lead to a simulator. */
export function environmentOf(zstack: ZStackSimulator): Readonly<Record<string, string>> {
  return {
    ZSTACK_ENDPOINT: zstack.url,
    ZSTACK_ACCOUNT_NAME: DEFAULT_CREDENTIALS.accountName,
    ZSTACK_ACCOUNT_PASSWORD: DEFAULT_CREDENTIALS.password,
  }
}
