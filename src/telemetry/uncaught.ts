/**
 * Errors that nobody caught. A rejected promise that nobody handled is a bug in one pass and costs that pass alone; after
 * an uncaught exception any part of the process may be left half done, so the process must end.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'

export interface UncaughtErrors {
  /** Runs a pass over an object. A rejection that begins in it is known to be its own, however late it comes. */
  runInPass<R>(key: string, pass: () => R): R
  /** Logs an unhandled rejection and calls the listeners. Node must call it, in the context in which the error began. */
  handleRejection(reason: unknown): void
  /** Logs an uncaught exception, as the last line of the process: the caller ends it. */
  handleException(error: unknown): void
  /** Calls the listener after each unhandled rejection, with the key of the object where it began in a pass. */
  onRejection(listener: (key: string | undefined) => void): void
}

export function createUncaughtErrors(log: Logger): UncaughtErrors {
  const passes = new AsyncLocalStorage<string>()
  const listeners: ((key: string | undefined) => void)[] = []
  function details(error: unknown) {
    const [namespace, name] = passes.getStore()?.split('/') ?? []
    return { namespace, name, err: error }
  }
  return {
    runInPass: (key, pass) => passes.run(key, pass),
    handleRejection(reason) {
      const key = passes.getStore()
      const consequence = key === undefined ? 'the operator goes on' : 'the object is tried again'
      log.error(details(reason), `an unhandled rejection, which is a bug; ${consequence}`)
      for (const listener of listeners) listener(key)
    },
    handleException: (error) =>
      log.fatal(details(error), 'an uncaught exception, which is a bug; this process ends, as its state may be broken'),
    onRejection: (listener) => void listeners.push(listener),
  }
}
