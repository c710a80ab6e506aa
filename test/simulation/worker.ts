/** Runs the seeds that it is given, in a thread of its own. */
import { parentPort } from 'node:worker_threads'
import type { TroubleSort } from './lasting-schedule.ts'
import { runLastingSeeds, runSeeds, type Failure, type LastingFailure, type Sum } from './runner.ts'

/** `lasting` asks for schedules of faults that last, `only` for those of one sort of trouble. */
export type Order = {
  readonly from: number
  readonly count: number
  readonly lasting?: { readonly only?: TroubleSort }
}
export type Done = {
  readonly failures: readonly (Failure | LastingFailure)[]
  readonly sum: Sum
  readonly uncaught: readonly string[]
}

const uncaught: string[] = []
process.on('unhandledRejection', (error) => uncaught.push(`a rejection nobody handled: ${String(error)}`))

parentPort?.on('message', ({ from, count, lasting }: Order) => {
  const run = lasting ? runLastingSeeds(from, count, lasting.only) : runSeeds(from, count)
  void run.then(({ failures, sum }) => {
    const done: Done = { failures, sum, uncaught: uncaught.splice(0) }
    parentPort?.postMessage(done)
  })
})
