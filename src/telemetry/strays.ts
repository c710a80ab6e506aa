/** Errors that nobody caught: told with the object in whose pass they began, however late they come. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'

export interface Strays {
  /** Runs a pass over an object: what it leaves uncaught is laid at that object's door. */
  within<R>(key: string, pass: () => R): R
  /** Must be called from where Node tells of it, for Node does so in the context of the error's origin. */
  caught(what: 'rejection' | 'exception', error: unknown): void
  /** Called with the key of the object, where the error began in a pass. */
  onStray(listener: (key: string | undefined) => void): void
}

export function createStrays(log: Logger): Strays {
  const passes = new AsyncLocalStorage<string>()
  const listeners: ((key: string | undefined) => void)[] = []
  return {
    within: (key, pass) => passes.run(key, pass),
    caught(what, error) {
      const key = passes.getStore()
      const [namespace, name] = key?.split('/') ?? []
      log.error(
        { namespace, name, err: error },
        `an ${what === 'rejection' ? 'unhandled rejection' : 'uncaught exception'}`,
      )
      for (const listener of listeners) listener(key)
    },
    onStray: (listener) => void listeners.push(listener),
  }
}
