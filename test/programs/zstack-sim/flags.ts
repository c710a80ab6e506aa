import { parseArgs } from 'node:util'
import { DEFAULT_MOODS, FOLDABLE_FIELDS, type Moods } from '../../support/zstack/moods.ts'

export type Flags = {
  readonly help: boolean
  readonly port: number
  readonly host: string
  readonly services: number
  readonly moods: Partial<Moods>
}

/** A flag that cannot be used; the message is one sentence for the person who typed it. */
export class FlagError extends Error {
  override readonly name = 'FlagError'
}

export const HELP = `A stand-in for a ZStack management node with a few AI model services.

  npm run zstack-sim -- [flags]

  --port N          where to listen (4711; 0 picks a free port)
  --host H          the address to listen on (127.0.0.1)
  --services N      how many model services there are (3)
  --latency MS      added to every answer (0)
  --body SHAPE      what an update must look like: envelope, flat or single-api (envelope)
  --answer KIND     what an update answers: sync, async or bare (sync)
  --api-timeout MS  how long a job may run, named in the 202; none names nothing (1800000)
  --ineffective     accept every update and change nothing
  --images KIND     several: images of one architecture, with name, acceleratorType and imageNamePattern;
                    one-per-architecture: an older server, which refuses the former and drops the latter (several)
  --overlong KIND   a text that is longer than its column is refused with SYS.1006 or SYS.1000, cut, or stored (SYS.1006)
  --rename-frameworks
                    store LlamaCpp for llama.cpp and SentenceTransformers for sentence_transformers
  --fold-yaml       write serviceName, servicePorts, serviceLivez, serviceReadyz, serviceBootupTime and
                    environmentParameters of an update into the yaml that is shown
  --unique-sessions a log-in ends the other sessions of its account
  --help            this text

It is steered while it runs, with curl:
  GET    /sim/services           all services, write-only values included
  POST   /sim/services           add one: {"name": …, "requestCpu": …}
  DELETE /sim/services/{uuid}
  POST   /sim/drift/{uuid}       change fields behind the operator's back: {"requestCpu": 99}
  POST   /sim/upgrade            give every stored framework its newer spelling
  POST   /sim/moods              {"bodyShape": "flat", "answer": "async", "effective": false, "latencyMillis": 200, …}
  POST   /sim/accounts/{name}    {"state": "disabled"}, {"state": "enabled"} or {"password": …}
  DELETE /sim/sessions           end every session
  POST   /sim/faults             {"operation": "update", "times": 3, "fault": {"kind": "error", "code": "SYS.1000"}}
                                 of some services or a share alone: {"uuids": [...], "percent": 10, "fault": {"kind": "hang"}}
  DELETE /sim/faults
  GET    /sim/counters`

const SHAPES = ['envelope', 'flat', 'single-api'] as const
const ANSWERS = ['sync', 'async', 'bare'] as const
const IMAGES = ['several', 'one-per-architecture'] as const
const OVERLONG = ['SYS.1006', 'SYS.1000', 'cut', 'stored'] as const

/** Reads the command line. Throws FlagError for anything that it does not mean. */
export function parseFlags(args: readonly string[]): Flags {
  const values = read(args)
  const latencyMillis = whole('latency', values.latency, 0, 600_000)
  return {
    help: values.help ?? false,
    port: whole('port', values.port, 4711, 65_535),
    host: values.host ?? '127.0.0.1',
    services: whole('services', values.services, 3, 100_000),
    moods: {
      latencyMillis,
      bodyShape: oneOf('body', values.body, SHAPES),
      answer: oneOf('answer', values.answer, ANSWERS),
      effective: !values.ineffective,
      apiTimeoutMillis: values['api-timeout'] === 'none' ? null : apiTimeoutOf(values['api-timeout']),
      images: oneOf('images', values.images, IMAGES),
      overlongText: oneOf('overlong', values.overlong, OVERLONG),
      renamesFrameworks: values['rename-frameworks'] ?? false,
      foldsIntoYaml: values['fold-yaml'] ? FOLDABLE_FIELDS : [],
      uniqueSessions: values['unique-sessions'] ?? false,
    },
  }
}

const apiTimeoutOf = (text: string | undefined) =>
  whole('api-timeout', text, DEFAULT_MOODS.apiTimeoutMillis ?? 0, 2_147_483_647)

function read(args: readonly string[]) {
  const text = { type: 'string' } as const
  const yes = { type: 'boolean' } as const
  const texts = { port: text, host: text, services: text, latency: text, body: text, answer: text }
  const newer = { 'api-timeout': text, images: text, overlong: text } as const
  const switches = { ineffective: yes, 'rename-frameworks': yes, 'fold-yaml': yes, 'unique-sessions': yes } as const
  try {
    const options = { ...texts, ...newer, ...switches, help: { ...yes, short: 'h' } } as const
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new FlagError(`${message.split(/\. |\n/, 1)[0] ?? message}; --help lists the flags.`)
  }
}

function whole(name: string, text: string | undefined, missing: number, max: number): number {
  if (text === undefined) return missing
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value <= max) return value
  throw new FlagError(`--${name} must be a whole number from 0 to ${max}, not '${text}'.`)
}

function oneOf<const T extends readonly [string, ...string[]]>(
  name: string,
  text: string | undefined,
  all: T,
): T[number] {
  const found = text === undefined ? all[0] : all.find((one) => one === text)
  if (found !== undefined) return found
  throw new FlagError(`--${name} must be one of ${all.join(', ')}, not '${text ?? ''}'.`)
}
