/** What the machine does to a process: lets it run, stops it for a while, kills it. */
import { sleepOn, type Clock } from '../../src/clock.ts'
import type { Time } from './time.ts'

export interface Process {
  readonly clock: Clock
  /** Something reaches the process from outside: at once, when it goes on, or never where it is dead. */
  reach(callback: () => void): void
  isRunning(): boolean
  isDead(): boolean
  /** As by SIGSTOP; what comes meanwhile waits. */
  pause(): void
  /** As by SIGCONT; timers that are overdue come before or after what arrived. */
  resume(timersFirst: boolean): void
  /** As by SIGKILL: not another instruction. */
  kill(): void
  /** Of a dead process: ends what still waits, so that nothing holds it in memory. */
  bury(): void
}

/** @param skewMs how far its wall clock is off */
export function createProcess(time: Time, epoch: number, skewMs: number): Process {
  let state: 'running' | 'paused' | 'dead' | 'buried' = 'running'
  let overdue: (() => void)[] = []
  let arrived: (() => void)[] = []
  const pending = new Set<() => void>()

  function pass(callback: () => void, waiting: (() => void)[]) {
    if (state === 'running' || state === 'buried') callback()
    else if (state === 'paused') waiting.push(callback)
  }

  const clock: Clock = {
    now: () => epoch + skewMs + time.now(),
    monotonic: () => time.now(),
    after(ms, callback) {
      let isOff = false
      const fire = () => {
        if (isOff) return
        pending.delete(fire)
        callback()
      }
      // In a grave all time has passed.
      if (state === 'buried') setImmediate(fire)
      pending.add(fire)
      const cancel = time.after(ms, () => pass(fire, overdue))
      return () => {
        isOff = true
        pending.delete(fire)
        cancel()
      }
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
  }

  return {
    clock,
    reach: (callback) => pass(callback, arrived),
    isRunning: () => state === 'running',
    isDead: () => state === 'dead' || state === 'buried',
    pause() {
      if (state === 'running') state = 'paused'
    },
    resume(timersFirst) {
      if (state !== 'paused') return
      state = 'running'
      const waiting = timersFirst ? [...overdue, ...arrived] : [...arrived, ...overdue]
      ;[overdue, arrived] = [[], []]
      for (const callback of waiting) time.after(0, () => pass(callback, arrived))
    },
    kill() {
      state = 'dead'
    },
    bury() {
      state = 'buried'
      for (const fire of [...pending]) fire()
    },
  }
}

/** What a dead process gets for an answer, until it is buried. */
export function silence({ clock }: Process): Promise<never> {
  return new Promise((_, reject) => void clock.after(Number.MAX_SAFE_INTEGER, () => reject(new Error('dead'))))
}
