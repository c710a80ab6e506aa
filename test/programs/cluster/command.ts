import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** A program that ended otherwise than with 0; the message holds what it said. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

export type CommandOptions = {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Runs through a shell, as a person typed it. */
  readonly shell?: boolean
}

/** Runs a program to its end and gives its stdout. */
export async function run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { input = '', env = {}, cwd, shell = false } = options
  const child = spawn(file, [...args], { env: { ...process.env, ...env }, cwd, shell, stdio: 'pipe' })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // One that ends without reading is heard by its exit code.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  if (code === 0) return stdout
  const said = (stderr.trim() === '' ? stdout : stderr).trim()
  throw new CommandError(`${[file, ...args].join(' ')} ended with ${code ?? 'a signal'}:\n${tail(said, 20)}`)
}

/** Whether the program is there and this use of it succeeds. */
export async function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  return run(file, args).then(
    () => true,
    () => false,
  )
}

export function tail(text: string, lines: number): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}
