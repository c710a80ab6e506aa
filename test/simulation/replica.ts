/** One place in a deployment: a process that is started again whenever it ends. */
import { pino } from 'pino'
import type { Config } from '../../src/config.ts'
import { runOperator } from '../../src/operator.ts'
import { createUncaughtErrors } from '../../src/telemetry/uncaught.ts'
import type { Http } from '../../src/zstack/http.ts'
import type { Cluster } from '../../src/kube/cluster.ts'
import type { Chance } from './chance.ts'
import { createProcess, type Process } from './process.ts'
import type { Trap } from './schedule.ts'
import type { Time } from './time.ts'
import { createView, type View } from './watching.ts'

export type Life = {
  readonly name: string
  readonly identity: string
  readonly process: Process
  readonly view: View
  /** Sessions that it was given. */
  readonly sessions: string[]
}

export type ReplicaOptions = {
  readonly name: string
  readonly time: Time
  readonly epoch: number
  readonly skewMs: number
  readonly config: Config
  /** Whether its processes are one pod's; as kubelet does, it starts one only when the one before it is dead. */
  readonly isPod: boolean
  readonly chance: Chance
  /** The two ways out of a process; `spring` kills it at a point where a trap is set. */
  readonly connect: (
    life: Life,
    spring: (trap: Trap) => void,
  ) => { readonly cluster: Cluster; readonly httpTo: () => Http }
  readonly log: (life: Life, line: string) => void
  readonly report: (what: string) => void
  readonly trace: (what: string) => void
}

export interface Replica {
  kill(trap: Trap | undefined, awayMs: number): void
  stop(awayMs: number): void
  pause(forMs: number, timersFirst: boolean): void
  /** Takes every trap away, wakes what is paused and starts what is not there. */
  heal(): void
  /** The process that runs now. */
  life(): Life | undefined
  /** Ends for good, as SIGTERM does; resolves when it has ended. */
  end(): Promise<void>
  /** Lets go of the memory of all processes. */
  bury(): Promise<void>
}

export function createReplica(options: ReplicaOptions): Replica {
  const { name, time, epoch, skewMs, config, isPod, chance, connect, log, report, trace } = options
  const buried: { readonly process: Process; readonly stop: AbortController; readonly ended: Promise<void> }[] = []
  let lives = 0
  let trap: { readonly at: Trap; readonly awayMs: number } | undefined
  let current: { life: Life; stop: AbortController; ended: Promise<void> } | undefined
  let awayMs = 0
  let isOver = false
  let cancelStart: () => void = () => undefined

  function start() {
    if (current || isOver) return
    const process = createProcess(time, epoch, skewMs)
    lives += 1
    const title = `${name}.${lives}`
    const life: Life = { name: title, identity: isPod ? name : title, process, view: createView(), sessions: [] }
    const stop = new AbortController()
    const write = (line: string) => {
      if (!process.isDead()) log(life, line)
    }
    const dependencies = {
      clock: process.clock,
      random: chance.fork(),
      host: name,
      identity: life.identity,
      ...connect(life, (point) => {
        if (trap?.at === point && current?.life === life) kill(undefined, trap.awayMs)
      }),
    }
    const logger = pino({ level: 'debug', base: null, timestamp: false }, { write })
    trace(`${title} starts`)
    const ended = runOperator(
      { config, dependencies, version: '0.0.0', log: logger, uncaughtErrors: createUncaughtErrors(logger) },
      stop.signal,
    ).then(
      (ending) => over(life, ending === 'leaseLost' || stop.signal.aborted ? ending : `${ending} though nobody asked`),
      (error: unknown) => over(life, `failed: ${String(error)}`),
    )
    current = { life, stop, ended }
    buried.push({ process, stop, ended })
  }

  function over(life: Life, ending: string) {
    if (life.process.isDead()) return
    trace(`${life.name} ends: ${ending}`)
    if (ending !== 'stopped' && ending !== 'leaseLost') report(`${life.name} ends by itself: ${ending}`)
    current = undefined
    startAfter(ending === 'leaseLost' ? 1_000 : awayMs)
  }

  function startAfter(ms: number) {
    cancelStart()
    if (!isOver) cancelStart = time.after(ms, start)
  }

  function kill(at: Trap | undefined, away: number) {
    if (at) {
      trap = { at, awayMs: away }
      return
    }
    trap = undefined
    if (!current) return
    trace(`${current.life.name} is killed`)
    current.life.process.kill()
    current = undefined
    startAfter(away)
  }

  start()
  return {
    kill,
    stop(away) {
      awayMs = away
      current?.stop.abort()
    },
    pause(forMs, timersFirst) {
      const process = current?.life.process
      if (!process?.isRunning()) return
      trace(`${current?.life.name} is paused`)
      process.pause()
      time.after(forMs, () => process.resume(timersFirst))
    },
    heal() {
      trap = undefined
      current?.life.process.resume(true)
      startAfter(0)
    },
    life: () => current?.life,
    async end() {
      isOver = true
      cancelStart()
      current?.stop.abort()
      await current?.ended
    },
    async bury() {
      for (const { process, stop } of buried) {
        process.bury()
        stop.abort()
      }
      await Promise.all(buried.map(({ ended }) => ended))
    },
  }
}
