import { sleepOn, type Clock } from '../../src/clock.ts'
import type { Cluster } from '../../src/kube/cluster.ts'

/** A process that can be stopped for a while, as by SIGSTOP: its timers and the answers to it wait. */
export interface Stoppable {
  readonly clock: Clock
  readonly cluster: Cluster
  /** From now until the returned function is called. */
  readonly stop: () => () => void
}

export function createStoppable(time: Clock, reached: Cluster): Stoppable {
  let goesOn: Promise<void> | undefined
  const whenRunning = (callback: () => void) => (goesOn ? void goesOn.then(callback) : callback())
  const clock: Clock = {
    now: () => time.now(),
    monotonic: () => time.monotonic(),
    after: (ms, callback) => {
      let isOff = false
      const cancel = time.after(ms, () => whenRunning(() => isOff || callback()))
      return () => {
        isOff = true
        cancel()
      }
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
  }
  return {
    clock,
    cluster: { ...reached, send: (request, signal) => reached.send(request, signal).finally(() => goesOn) },
    stop() {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      goesOn = promise.then(() => undefined)
      return () => {
        goesOn = undefined
        resolve(undefined)
      }
    },
  }
}
