import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'

/** A program whose life ends with the test process at the latest. */
export interface Child {
  readonly pid: number
  readonly running: boolean
  signal(signal: NodeJS.Signals): void
  /** Ends it at once and waits until it is gone. */
  kill(): Promise<void>
}

export interface Reaper {
  /** Starts a program with its output in a log file. Rejects when it cannot be executed. */
  spawn(program: string, args: readonly string[], logFile: string): Promise<Child>
  /** Ends all children, then removes the directory. */
  close(): Promise<void>
}

// Node cannot ask the kernel to end a child with its parent, and a vitest worker may be ended by SIGKILL. The shell's
// stdin closes with the process that holds its other end, however that one ends: then the last pids that were written are killed.
const script = `
pids=
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
`

/**
 * Watches over the programs of one temporary directory: when this process ends in whatever way, SIGKILL included, they
 * end too and the directory goes. Neither it nor its children keep the process alive.
 */
export async function startReaper(directory: string): Promise<Reaper> {
  const shell = spawn('/bin/sh', ['-c', script, 'envtest-reaper', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  })
  await once(shell, 'spawn')
  shell.unref()
  const input = shell.stdin
  // A shell ended by somebody else makes writes fail; close() still ends the children itself.
  input.on('error', () => undefined)
  if (input instanceof Socket) input.unref()

  const children = new Map<number, Child>()
  const tell = () => input.write(`${[...children.keys()].join(' ')}\n`)

  return {
    async spawn(program, args, logFile) {
      const log = openSync(logFile, 'a')
      try {
        // Detached: Ctrl-C in a terminal reaches the test runner only, which decides what ends when.
        const started = spawn(program, args, { stdio: ['ignore', log, log], detached: true })
        await once(started, 'spawn')
        const child = asChild(started)
        children.set(child.pid, child)
        tell()
        started.once('exit', () => {
          children.delete(child.pid)
          tell()
        })
        return child
      } finally {
        closeSync(log)
      }
    },
    async close() {
      await Promise.all([...children.values()].map((child) => child.kill()))
      if (hasEnded(shell)) return
      shell.ref()
      const ended = once(shell, 'exit')
      input.end()
      await ended
    },
  }
}

function asChild(started: ChildProcess): Child {
  const { pid } = started
  if (pid === undefined) throw new Error('a spawned process has no pid')
  started.unref()
  return {
    pid,
    get running() {
      return !hasEnded(started)
    },
    signal: (signal) => void started.kill(signal),
    async kill() {
      if (hasEnded(started)) return
      started.ref()
      const ended = once(started, 'exit')
      started.kill('SIGKILL')
      await ended
    },
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
