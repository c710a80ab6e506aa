/** The built operator as a child process. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** One line of the operator's JSON log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level?: string; readonly msg?: string }

export interface OperatorProcess {
  readonly pid: number
  /** Every line so far, standard error included as plain text in `msg`. */
  readonly log: readonly LogLine[]
  /** Resolves with the first line, past or future, that fits; rejects when the process ends without one. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>
  signal(signal: NodeJS.Signals): void
  /** Sends SIGTERM and resolves with the exit code; `null` after a signal. */
  stop(): Promise<number | null>
  readonly exited: Promise<number | null>
}

export const operatorBundle = new URL('../../dist/main.cjs', import.meta.url).pathname

export type OperatorEnvironment = Readonly<Record<string, string>>

/** What the manifests tell the container of a pod of that name. */
export const inPod = (name: string): OperatorEnvironment => ({ POD_NAME: name, POD_UID: `uid-of-${name}` })

/**
 * Starts it with nothing in its environment but what is given, and no ports of its own unless asked for. `program` is
 * another script, or another executable, to be run in its place.
 */
export function startOperator(
  env: OperatorEnvironment,
  args: readonly string[] = [],
  program = operatorBundle,
): OperatorProcess {
  if (!existsSync(program)) throw new Error('the operator is not built; run "npm run build"')
  const image = program === operatorBundle ? imageStart() : { options: [], env: {} }
  const isScript = /\.[cm]?[jt]s$/.test(program)
  const [command, start] = isScript ? [process.execPath, [...image.options, program]] : [program, []]
  const child = spawn(command, [...start, ...args], {
    env: {
      METRICS_PORT: '0',
      HEALTH_PORT: '0',
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      ...image.env,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const endWithUs = () => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  const log: LogLine[] = []
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      log.push(parse(line))
      for (const listener of listeners) listener()
    })
  const exited = exitOf(child).then((code) => {
    process.off('exit', endWithUs)
    for (const listener of listeners) listener()
    return code
  })
  return {
    pid: child.pid ?? 0,
    log,
    logged: (fits) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = log.find(fits)
          if (!line && child.exitCode === null && child.signalCode === null) return
          listeners.delete(look)
          if (line) resolve(line)
          else reject(new Error(`the operator ended: ${JSON.stringify(log.slice(-5))}`))
        }
        listeners.add(look)
        look()
      }),
    signal: (signal) => void child.kill(signal),
    stop() {
      child.kill('SIGTERM')
      return exited
    },
    exited,
  }
}

/** How the image starts Node, so that what is tested and measured is what ships. */
export function imageStart(): { readonly options: readonly string[]; readonly env: OperatorEnvironment } {
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')
  const entryPoint = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1]
  if (entryPoint === undefined) throw new Error('the Dockerfile has no ENTRYPOINT in the form of a JSON list')
  const options = (JSON.parse(entryPoint) as string[]).slice(1, -1)
  const settings = Array.from(dockerfile.matchAll(/^ENV (\w+)=(\S+)$/gm), ([, name = '', value = '']) => [name, value])
  return { options, env: Object.fromEntries(settings) as OperatorEnvironment }
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}

function parse(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return { msg: line }
  }
}
