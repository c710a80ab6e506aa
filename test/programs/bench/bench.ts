/** Figures of the built operator on a real API server and a simulated ZStack: `npm run bench -- --help`. */
import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { crdFile } from '../../../deploy/paths.ts'
import { startTestApiServer } from '../../support/envtest/api-server.ts'
import { findBinaries } from '../../support/envtest/binaries.ts'
import { rowOf, table, type Figure } from './figures.ts'
import { parseFlags, type Flags } from './flags.ts'
import { buildPlainOperator } from './plain-operator.ts'
import { costOverSize, fleetSizes } from './sections/cost-over-size.ts'
import { edits, editsAmidStart, silence } from './sections/edits.ts'
import { apiServerAway, killed, zstackBroken } from './sections/outages.ts'
import { rest } from './sections/rest.ts'
import { shards } from './sections/shards.ts'
import { soak } from './sections/soak.ts'
import { start } from './sections/start.ts'
import type { Bench } from './world.ts'

type Measure = (bench: Bench) => Promise<readonly Figure[]>
type Section = { readonly measure: Measure; readonly isLong?: boolean }

const runs = 3

const sections: Readonly<Record<string, Section>> = {
  start: { measure: (bench) => start(bench, 200, runs) },
  thousand: { measure: (bench) => start(bench, 1_000, runs) },
  edits: { measure: edits },
  'edits-amid-start': { measure: (bench) => editsAmidStart(bench, 1_000) },
  killed: { measure: killed },
  silence: { measure: silence, isLong: true },
  rest: { measure: (bench) => rest(bench, 1_000), isLong: true },
  'apiserver-away': { measure: apiServerAway, isLong: true },
  shards: { measure: shards, isLong: true },
  'zstack-503': { measure: zstackBroken, isLong: true },
}

const ofSize = (size: number): readonly (readonly [string, Measure])[] => [
  [`start of ${size}`, (bench) => start(bench, size, 1)],
  [`edits during the start of ${size}`, (bench) => editsAmidStart(bench, size)],
  [`rest of ${size}`, (bench) => rest(bench, size)],
]

/** What is to be measured; a run with a soak or a plot is for that alone. */
function chosen({ only, quick, size, soakMs, plot }: Flags): readonly (readonly [string, Measure])[] {
  const drawn = async (made: Promise<{ figures: readonly Figure[]; svg: string }>) => {
    const { figures, svg } = await made
    if (plot !== undefined) await writeFile(plot, svg)
    return figures
  }
  if (soakMs !== undefined) return [['soak', (bench) => drawn(soak(bench, soakMs))]]
  if (plot !== undefined) {
    const sizes = fleetSizes.filter((each) => each <= (size ?? Infinity))
    return [['cost over size', (bench) => drawn(costOverSize(bench, sizes))]]
  }
  const usual = Object.entries(sections).filter(([name, { isLong }]) =>
    only.length > 0 ? only.includes(name) : !(quick && isLong === true),
  )
  return [...usual.map(([name, { measure }]) => [name, measure] as const), ...(size === undefined ? [] : ofSize(size))]
}

async function main(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, Object.keys(sections))
  if ('text' in flags) {
    process[flags.isHelp ? 'stdout' : 'stderr'].write(flags.text)
    return flags.isHelp ? 0 : 2
  }
  const binaries = await findBinaries(process.env)
  if (!binaries) {
    console.error('the bench needs kube-apiserver and etcd: run "npm run envtest" once')
    return 1
  }
  const machine = {
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    load: loadavg().map((load) => load.toFixed(1)),
  }
  const progress = (text: string) => flags.json || process.stdout.write(`${text}\n`)
  progress(`node ${machine.node}, ${machine.cores} cores (${machine.cpu}), load ${machine.load.join(' ')}`)
  const plain = await buildPlainOperator(process.env)
  if (typeof plain === 'string') console.error(`measured without the plain operator in Go: ${plain}`)
  const server = await startTestApiServer({ binaries })
  const plainOperator = typeof plain === 'string' ? undefined : plain.executable
  const bench: Bench = { server, plainOperator, isWithYaml: flags.yaml }
  const figures: Figure[] = []
  const failures: string[] = []
  try {
    await server.applyCrd(crdFile.pathname)
    for (const [name, measure] of chosen(flags)) {
      progress(`${name} …`)
      try {
        figures.push(...(await measure(bench)))
      } catch (error) {
        failures.push(`${name} failed: ${reasonOf(error)}`)
      }
    }
  } finally {
    await server.close()
    if (typeof plain !== 'string') await plain.remove()
  }
  progress(`\n${table(figures)}\n`)
  process.stdout.write(`${JSON.stringify({ machine, yaml: flags.yaml, figures: figures.map(rowOf) })}\n`)
  for (const failure of failures) console.error(failure)
  return failures.length === 0 ? 0 : 1
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`
}

process.exit(await main(process.argv.slice(2)))
