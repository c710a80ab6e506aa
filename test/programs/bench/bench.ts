/** Figures of the built operator on a real API server and a simulated ZStack: `npm run bench -- --help`. */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { crdFile } from '../../../deploy/paths.ts'
import { startTestApiServer, type TestApiServer } from '../../support/envtest/api-server.ts'
import { findBinaries } from '../../support/envtest/binaries.ts'
import { table, type Figure } from './figures.ts'
import { parseFlags } from './flags.ts'
import { converge } from './sections/converge.ts'
import { edits, silence } from './sections/edits.ts'
import { apiServerAway, zstackBroken } from './sections/outages.ts'
import { rest } from './sections/rest.ts'
import { thousand } from './sections/thousand.ts'

type Section = { readonly measure: (server: TestApiServer) => Promise<readonly Figure[]>; readonly isLong?: boolean }

const sections: Readonly<Record<string, Section>> = {
  converge: { measure: converge },
  edits: { measure: edits },
  silence: { measure: silence, isLong: true },
  rest: { measure: rest, isLong: true },
  'apiserver-away': { measure: apiServerAway, isLong: true },
  'zstack-503': { measure: zstackBroken, isLong: true },
  thousand: { measure: thousand, isLong: true },
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
  const chosen = Object.entries(sections).filter(([name, { isLong }]) =>
    flags.only.length > 0 ? flags.only.includes(name) : !(flags.quick && isLong === true),
  )
  const machine = {
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    load: loadavg().map((load) => load.toFixed(1)),
  }
  const progress = (text: string) => flags.json || process.stdout.write(text)
  progress(`node ${machine.node}, ${machine.cores} cores (${machine.cpu}), load ${machine.load.join(' ')}\n`)
  const server = await startTestApiServer({ binaries })
  const figures: Figure[] = []
  const failures: string[] = []
  try {
    await server.applyCrd(crdFile.pathname)
    for (const [name, { measure }] of chosen) {
      progress(`${name} …\n`)
      try {
        figures.push(...(await measure(server)))
      } catch (error) {
        failures.push(`${name} failed: ${reasonOf(error)}`)
      }
    }
  } finally {
    await server.close()
  }
  process.stdout.write(flags.json ? `${JSON.stringify({ machine, figures }, undefined, 2)}\n` : `\n${table(figures)}\n`)
  for (const failure of failures) console.error(failure)
  return failures.length === 0 ? 0 : 1
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`
}

process.exit(await main(process.argv.slice(2)))
