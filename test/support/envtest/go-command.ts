import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { goVersion } from './versions.ts'

/** Says in one sentence what went wrong and what cures it; for a person at a terminal. */
export class InstallError extends Error {
  override name = 'InstallError'
}

export interface GoCommand {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** What a person can do instead of a build; ends the sentence of a failure. By default for the API server. */
  readonly instead?: string
  /** Called with each line of go's stderr: what it downloads, and with -v what it compiles. */
  readonly onLine?: (line: string) => void
}

export const otherWays =
  'or set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd in it (setup-envtest use 1.36.x -p path names one)'

/** Runs the go command and gives its stdout. A failure is an InstallError, or the signal's reason after an abort. */
export async function go(
  args: readonly string[],
  { cwd, env, signal, instead = otherWays, onLine }: GoCommand,
): Promise<string> {
  const child = spawn('go', args, {
    cwd,
    // GOTMPDIR: a go that is cut leaves its temporary folder behind, so it has to be where the caller cleans up.
    env: { ...env, GOFLAGS: '-mod=mod', GOWORK: 'off', GOTMPDIR: cwd, CGO_ENABLED: '0' },
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    onLine?.(line)
  })
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => {
      // After an abort the end is waited for: until then go writes in the folder that the caller removes.
      if (!signal.aborted) reject(error)
    })
    child.once('close', resolve)
  })
  const [code, stdout] = await Promise.all([closed, text(child.stdout)]).catch((error: unknown) => {
    throw isMissing(error)
      ? new InstallError(`go is not installed: install Go ${goVersion} or newer, ${instead}`)
      : error
  })
  signal.throwIfAborted()
  if (code !== 0)
    throw new InstallError(explain(lines, `go ${args[0] ?? ''} ended with code ${code ?? 'none'}`, instead))
  return stdout
}

/** One sentence about a failed go command, from what it wrote to stderr. */
export function explain(lines: readonly string[], fallback: string, instead = otherWays): string {
  const needed = /requires go >= ([\d.]+)/.exec(lines.join('\n'))?.[1]
  if (needed !== undefined) return `this Go is too old: install Go ${needed} or newer, ${instead}`
  const isProgress = (line: string) => /^go: (downloading|finding|added|upgraded) |^#|^\S*$/.test(line)
  const telling = lines.filter((line) => !isProgress(line))
  const reason = telling.find((line) => line.includes(': ')) ?? telling.at(-1) ?? fallback
  return `the build failed (${reason.trim()}): correct that and run it again, ${instead}`
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
