/** Many simulated schedules, or one again: `npm run simulate -- --help`. */
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { drawLasting, troubleSorts, type TroubleSort } from '../simulation/lasting-schedule.ts'
import { runLasting } from '../simulation/lasting-world.ts'
import { countKinds, explain, type Failure, type LastingFailure, type Sum } from '../simulation/runner.ts'
import { drawSchedule } from '../simulation/schedule.ts'
import type { Done, Order } from '../simulation/worker.ts'
import { runSchedule } from '../simulation/world.ts'

/** Seeds that a worker is given at once. */
const portion = 50
/** A world of hundreds of bystanders takes longer. */
const lastingPortion = 5
/** So many failures are explained; more would say the same. */
const maxExplained = 3
const reportEveryMs = 10_000

const print = (line: string) => process.stdout.write(`${line}\n`)

async function replay(seed: number, isTraced: boolean): Promise<number> {
  const { violation, updates, virtualMs } = await runSchedule(drawSchedule(seed), isTraced ? print : undefined)
  print(`seed ${seed}: ${(virtualMs / 1000).toFixed(0)} s, ${updates} updates`)
  if (violation === undefined) return 0
  print(isTraced ? `seed ${seed}: ${violation}` : await explain({ seed, violation }))
  return 1
}

async function replayLasting(seed: number, only: TroubleSort | undefined, isTraced: boolean): Promise<number> {
  const schedule = drawLasting(seed, only)
  const { violations, updates, virtualMs } = await runLasting(schedule, isTraced ? print : undefined)
  const { bystanders, broken, faults, deployment } = schedule
  print(`seed ${seed}: ${(virtualMs / 1000).toFixed(0)} s, ${updates} updates`)
  print(`${bystanders.length} bystanders, ${broken.length} broken, ${JSON.stringify({ deployment, faults })}`)
  for (const { kind, at, what } of violations) print(`  at ${(at / 1000).toFixed(3)} s: ${kind}: ${what}`)
  return violations.length === 0 ? 0 : 1
}

async function runMany(from: number, count: number, workers: number, lasting?: Order['lasting']): Promise<number> {
  const started = performance.now()
  const failures: (Failure | LastingFailure)[] = []
  const uncaught: string[] = []
  const sum: Sum = { schedules: 0, updates: 0, statusWrites: 0, virtualMs: 0 }
  let next = from
  const report = (word: string) => {
    const minutes = (performance.now() - started) / 60_000
    const rate = Math.round(sum.schedules / minutes)
    const virtual = Math.round(sum.virtualMs / 3_600_000)
    print(
      `${word} ${sum.schedules} schedules, ${rate} a minute, ${virtual} virtual hours, ${sum.updates} updates, ${sum.statusWrites} status writes, ${failures.length} violations`,
    )
  }
  const reporting = setInterval(() => report('so far'), reportEveryMs)
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('../simulation/worker.ts', import.meta.url))
      const give = () => {
        const size = Math.min(lasting ? lastingPortion : portion, from + count - next)
        const order: Order = { from: next, count: size, ...(lasting && { lasting }) }
        next += order.count
        if (order.count > 0) worker.postMessage(order)
        else void worker.terminate().then(() => resolve())
      }
      worker.on('error', reject)
      worker.on('message', (done: Done) => {
        failures.push(...done.failures)
        uncaught.push(...done.uncaught)
        sum.schedules += done.sum.schedules
        sum.updates += done.sum.updates
        sum.statusWrites += done.sum.statusWrites
        sum.virtualMs += done.sum.virtualMs
        for (const { seed, violation } of done.failures) print(`seed ${seed}: ${violation}`)
        give()
      })
      give()
    })
  await Promise.all(Array.from({ length: workers }, work))
  clearInterval(reporting)
  report('in all')
  for (const rejection of uncaught) print(rejection)
  if (lasting) for (const line of countKinds(failures.filter((one) => 'kinds' in one))) print(line)
  else for (const failure of failures.slice(0, maxExplained)) print(await explain(failure))
  return failures.length + uncaught.length === 0 ? 0 : 1
}

const usage = `npm run simulate -- --seeds 100000 [--from 1] [--workers 2]   many schedules
npm run simulate -- --seed 123 [--trace]                      one again, with all that happens in it
npm run simulate -- --lasting [--only 'PUTs hang'] ...         the same with faults that last, or with one sort of them:
                                                              ${troubleSorts.join(', ')}`

function wholeOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${text} is no whole number`)
  return Number(text)
}

/** What the command line asks for; throws where it asks for nothing that there is. */
function commandOf(args: readonly string[]): () => Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      seeds: { type: 'string' },
      from: { type: 'string' },
      workers: { type: 'string' },
      lasting: { type: 'boolean', default: false },
      only: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) throw new Error('simulated schedules of faults')
  const { seed, trace } = values
  const only = troubleSorts.find((sort) => sort === values.only)
  if (values.only !== undefined && !only) throw new Error(`there is no trouble '${values.only}'`)
  const lasting = values.lasting || only ? { ...(only && { only }) } : undefined
  if (seed !== undefined && lasting) return () => replayLasting(wholeOf(seed, 1), only, trace)
  if (seed !== undefined) return () => replay(wholeOf(seed, 1), trace)
  const [from, count] = [wholeOf(values.from, 1), wholeOf(values.seeds, 2_000)]
  const workers = Math.max(1, wholeOf(values.workers, availableParallelism()))
  return () => runMany(from, count, workers, lasting)
}

function main(args: readonly string[]): Promise<number> {
  let command: () => Promise<number>
  try {
    command = commandOf(args)
  } catch (error) {
    print(`${(error as Error).message}\n\n${usage}`)
    return Promise.resolve(args.includes('--help') ? 0 : 2)
  }
  return command()
}

process.exitCode = await main(process.argv.slice(2))
