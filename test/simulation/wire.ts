/** The way from one process to ZStack, and what proxies and networks do to requests on it. */
import type { Http, HttpAnswer, HttpRequest } from '../../src/zstack/http.ts'
import { apiError, plain, type Answer } from '../support/zstack/answers.ts'
import type { Chance } from './chance.ts'
import { exchange, type Fate } from './exchange.ts'
import type { Met, ServiceFaults } from './service-faults.ts'
import { silence, type Process } from './process.ts'
import type { Time } from './time.ts'
import { fateOf, type Troubles, type ZStackOperation, type ZStackTrouble } from './trouble.ts'
import type { Order, ZStack } from './zstack.ts'

export type ZStackWitness = {
  readonly asks: (operation: ZStackOperation, request: HttpRequest) => void
  /** `answer` is absent where none came; `order` where the answer tells of an update. */
  readonly answered: (
    operation: ZStackOperation,
    request: HttpRequest,
    answer: HttpAnswer | undefined,
    order: Order | undefined,
  ) => void
}

export type WireOptions = {
  readonly time: Time
  readonly chance: Chance
  readonly zstack: ZStack
  readonly troubles: Troubles<ZStackTrouble>
  readonly limitMs: number
  /** What is wrong with single services, for good. */
  readonly faults?: ServiceFaults
}

const slowMs = 20_000
const page = '<html><body><h1>502 Bad Gateway</h1></body></html>'

type Reply = { readonly answer: Answer; readonly order?: Order }
type Delivered = { readonly answer: HttpAnswer; readonly order: Order | undefined }

export function createWire({ time, chance, zstack, troubles, limitMs, faults }: WireOptions) {
  return function httpFor(process: Process, witness: ZStackWitness): Http {
    async function send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
      if (process.isDead()) return silence(process)
      const operation = operationOf(request)
      const trouble = troubles.meets(operation)
      const lasting = faults?.meets(operation, request)
      const fate = fateFor(fateOf(trouble?.what, chance, slowMs), lasting)
      const sentAt = time.now()
      witness.asks(operation, request)
      if (process.isDead()) return silence(process)
      try {
        const delivered = await exchange<Delivered>({
          ...{ time, process, fate, signal, limitMs },
          arrive: () =>
            asHttp(
              lasting?.answer
                ? { answer: lasting.answer }
                : spoil(trouble, request, () => zstack.arrive(request, sentAt)),
            ),
          delivered: ({ answer, order }) => witness.answered(operation, request, answer, order),
          failed: (how) => new Unanswered(how),
        })
        return delivered.answer
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        witness.answered(operation, request, undefined, undefined)
        return { kind: 'unanswered', reason: error.message, sent: error.message !== 'refused' }
      }
    }

    return { send, close: () => Promise.resolve() }
  }

  function spoil(trouble: ZStackTrouble | undefined, { body }: HttpRequest, carryOut: () => Reply): Reply {
    switch (trouble?.what) {
      case 'code':
        return { answer: apiError(trouble.code ?? 'SYS.1000', `in trouble with ${JSON.stringify(body)}`) }
      case 'nested code':
        return { answer: apiError('SYS.1000', `in trouble with ${JSON.stringify(body)}`, trouble.code) }
      case 'html 502':
        if (chance.percent(50)) carryOut()
        return { answer: { status: 502, body: page, contentType: 'text/html' } }
      case 'empty 503':
        return { answer: plain(503, '') }
      case 'truncated': {
        const { answer } = carryOut()
        return { answer: { ...answer, body: answer.body.slice(0, answer.body.length >> 1) } }
      }
      case 'garbage':
        carryOut()
        return { answer: plain(200, `[1, ${JSON.stringify(body)}`) }
      case 'redirect':
        return { answer: { status: 302, body: '', headers: { location: 'http://elsewhere.example/login' } } }
      default:
        return carryOut()
    }
  }
}

function fateFor(fate: Fate, lasting: Met | undefined): Fate {
  if (lasting?.hangs) return { ...fate, end: 'lost' }
  return { ...fate, there: fate.there + (lasting?.slowMs ?? 0) }
}

class Unanswered extends Error {
  override readonly name = 'Unanswered'
}

function asHttp({ answer: { status, body, headers }, order }: Reply): Delivered {
  const text = body.toString()
  const location = headers?.location
  const answer = {
    kind: 'answered',
    status,
    text,
    json: parse(text),
    ...(location !== undefined && { location }),
  } as const
  return { answer, order }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function operationOf({ method, path }: HttpRequest): ZStackOperation {
  if (path === '/v1/accounts/login') return 'login'
  if (method === 'DELETE') return 'logout'
  if (path.startsWith('/v1/api-jobs/')) return 'job'
  return method === 'GET' ? 'query' : 'update'
}
