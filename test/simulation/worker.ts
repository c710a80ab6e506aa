/** Runs the seeds that it is given, in a thread of its own. */
import { parentPort } from 'node:worker_threads'
import { runSeeds, type Failure, type Sum } from './runner.ts'

export type Order = { readonly from: number; readonly count: number }
export type Done = { readonly failures: readonly Failure[]; readonly sum: Sum; readonly uncaught: readonly string[] }

const uncaught: string[] = []
process.on('unhandledRejection', (error) => uncaught.push(`a rejection nobody handled: ${String(error)}`))

parentPort?.on('message', ({ from, count }: Order) => {
  void runSeeds(from, count).then(({ failures, sum }) => {
    const done: Done = { failures, sum, uncaught: uncaught.splice(0) }
    parentPort?.postMessage(done)
  })
})
