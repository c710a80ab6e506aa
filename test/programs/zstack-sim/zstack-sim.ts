import { FlagError, HELP, parseFlags, type Flags } from './flags.ts'
import { EXAMPLE_UUID, sampleServices, seedServices } from '../../support/zstack/model.ts'
import {
  DEFAULT_CREDENTIALS,
  startZStackSimulator,
  type RequestRecord,
  type ZStackSimulator,
} from '../../support/zstack/simulator.ts'
import { isObject } from '../../support/zstack/updates.ts'

const SHOWN_UUIDS = 10

/** `--port 4711`: what the person typed, or an exit with one sentence. */
function flagsOrExit(): Flags {
  try {
    return parseFlags(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof FlagError)) throw error
    console.error(error.message)
    process.exit(2)
  }
}

function banner(sim: ZStackSimulator, host: string, uuids: readonly string[]): string {
  const more = uuids.length > SHOWN_UUIDS ? [`… and ${uuids.length - SHOWN_UUIDS} more: GET /sim/services`] : []
  const uuid = uuids[0] ?? EXAMPLE_UUID
  const { hostname, port } = new URL(sim.url)
  const listens = `It listens on ${host.includes(':') ? `[${host}]` : host}:${port}`
  // Where that is every address, the ones below are good on this machine alone.
  const isShown = hostname === host || hostname === `[${host}]`
  return [
    `ZStack simulator at ${sim.url}`,
    isShown ? `${listens}.` : `${listens}: from elsewhere, put an address of this machine in place of ${hostname}.`,
    '',
    'For the operator:',
    `ZSTACK_ENDPOINT=${sim.url}`,
    `ZSTACK_ACCOUNT_NAME=${DEFAULT_CREDENTIALS.accountName}`,
    `ZSTACK_ACCOUNT_PASSWORD=${DEFAULT_CREDENTIALS.password}`,
    '',
    'Model services:',
    ...uuids.slice(0, SHOWN_UUIDS).map((each) => `${each}  ${sim.read(each)?.name ?? ''}`),
    ...more,
    '',
    "To change one behind the operator's back:",
    `curl -X POST ${new URL(sim.url).origin}/sim/drift/${uuid} -d '{"requestCpu":99}'`,
    '',
  ].join('\n')
}

/** `15:14:12.123 update 6c1a… requestCpu,name 200` */
function line({ at, operation, uuid, body, status }: RequestRecord): string {
  const time = new Date(at).toISOString().slice(11, 23)
  const fields = operation === 'update' ? changedFields(body) : []
  const parts = [time, operation.padEnd(6), uuid, fields.join(','), status === 0 ? 'no answer' : String(status)]
  return parts.filter(Boolean).join(' ')
}

function changedFields(body: unknown): string[] {
  if (!isObject(body)) return []
  const { updateModelService, ...beside } = body
  return [...(isObject(updateModelService) ? Object.keys(updateModelService) : []), ...Object.keys(beside)]
}

async function main(): Promise<void> {
  const { help, services: count, ...options } = flagsOrExit()
  if (help) {
    console.log(HELP)
    return
  }
  // Those of deploy/samples first, so that the manifests there have what they speak for.
  const samples = sampleServices()
  const services = [...samples, ...seedServices(count).slice(samples.length)].slice(0, count)
  const sim = await startZStackSimulator({ ...options, services }).catch((error: unknown) => {
    console.error(`Cannot listen on ${options.host}:${options.port}: ${error instanceof Error ? error.message : ''}.`)
    process.exit(1)
  })
  const uuids = services.map(({ uuid }) => uuid)
  console.log(banner(sim, options.host, uuids))
  sim.onRequest((record) => console.log(line(record)))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sim.close())
}

await main()
