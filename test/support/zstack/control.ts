import { z } from 'zod'
import { ok, plain, type Answer } from './answers.ts'
import { readable } from './exchange.ts'
import { modelService } from './model.ts'
import { FOLDABLE_FIELDS } from './moods.ts'
import type { Store } from './store.ts'
import type { ZStackSimulator } from './surface.ts'

const OPERATIONS = ['login', 'logout', 'query', 'get', 'tags', 'update', 'job', 'other'] as const

const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('error'),
    code: z.string(),
    details: z.string().exactOptional(),
    nestedCode: z.string().exactOptional(),
  }),
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    body: z.string().exactOptional(),
    contentType: z.string().exactOptional(),
    headers: z.record(z.string(), z.string()).exactOptional(),
  }),
  z.strictObject({ kind: z.enum(['reset', 'hang', 'truncated', 'lost-answer']) }),
  z.strictObject({ kind: z.literal('garbage'), body: z.string() }),
  z.strictObject({ kind: z.literal('slow'), millis: z.number().min(0) }),
  z.strictObject({ kind: z.literal('failed-job'), code: z.string(), details: z.string().exactOptional() }),
  z.strictObject({ kind: z.literal('cut'), services: z.int().min(0) }),
  z.strictObject({ kind: z.literal('leave-out'), uuids: z.array(z.string()) }),
])

const faultRule = z.strictObject({
  operation: z.enum(OPERATIONS).exactOptional(),
  uuid: z.string().exactOptional(),
  uuids: z.array(z.string()).exactOptional(),
  times: z.int().min(1).exactOptional(),
  percent: z.number().min(0).max(100).exactOptional(),
  fault,
})

// `stores` is a function, so it has no JSON.
const moods = z.strictObject({
  bodyShape: z.enum(['envelope', 'flat', 'single-api']).exactOptional(),
  answer: z.enum(['sync', 'async', 'bare']).exactOptional(),
  effective: z.boolean().exactOptional(),
  jobMillis: z.number().min(0).exactOptional(),
  apiTimeoutMillis: z.number().min(0).nullable().exactOptional(),
  jobOutcome: z.enum(['done', 'failed', 'expired', 'never']).exactOptional(),
  images: z.enum(['several', 'one-per-architecture']).exactOptional(),
  renamesFrameworks: z.boolean().exactOptional(),
  overlongText: z.enum(['stored', 'cut', 'SYS.1000', 'SYS.1006']).exactOptional(),
  foldsIntoYaml: z.array(z.enum(FOLDABLE_FIELDS)).exactOptional(),
  hides: z.array(z.string()).exactOptional(),
  sessionTtlMillis: z.number().min(0).exactOptional(),
  maxSessions: z.int().min(0).exactOptional(),
  uniqueSessions: z.boolean().exactOptional(),
  latencyMillis: z.number().min(0).exactOptional(),
  contextPath: z.union([z.literal(''), z.string().regex(/^\/.*[^/]$/)]).exactOptional(),
})

const account = z.strictObject({
  password: z.string().exactOptional(),
  state: z.enum(['enabled', 'disabled']).exactOptional(),
})

const fields = z.record(z.string(), z.unknown())
const service = z.looseObject({
  uuid: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .exactOptional(),
  name: z.string().exactOptional(),
})

/** The HTTP control for people with curl. What it refuses, it refuses with one sentence. */
export function control(simulator: ZStackSimulator, store: Store, method: string, url: string, text: string): Answer {
  const [, what = '', id = ''] = new URL(url, 'http://sim').pathname.split('/').slice(1)
  switch (`${method} ${what}`) {
    case 'GET services':
      return ok({ services: Array.from(store.services.values(), ({ inventory, hidden }) => ({ inventory, hidden })) })
    case 'GET counters':
      return ok(simulator.counters)
    case 'POST services':
      return given(service, text, (change) => {
        const added = modelService(change)
        simulator.add(added)
        return { ...ok({ inventory: simulator.read(added.uuid) }), status: 201 }
      })
    case 'DELETE services':
      return store.remove(id) ? ok({}) : missing(id)
    case 'POST drift':
      return given(fields, text, (change) => {
        if (!store.services.has(id)) return missing(id)
        simulator.drift(id, change)
        return ok({ inventory: simulator.read(id) })
      })
    case 'POST accounts':
      return given(account, text, ({ password, state }) => {
        if (password !== undefined) simulator.setAccount(id, password)
        try {
          if (state !== undefined) simulator.setAccountState(id, state)
        } catch {
          return plain(404, `there is no account ${id}\n`)
        }
        return ok({})
      })
    case 'POST upgrade':
      simulator.upgrade()
      return ok({})
    case 'DELETE sessions':
      simulator.dropSessions()
      return ok({})
    case 'POST moods':
      return given(moods, text, (change) => {
        simulator.set(change)
        return ok(simulator.moods)
      })
    case 'POST faults':
      return given(faultRule, text, (rule) => {
        simulator.fault(rule)
        return ok({})
      })
    case 'DELETE faults':
      simulator.clearFaults()
      return ok({})
    default:
      return plain(404, `there is no ${method} ${url}\n`)
  }
}

function given<T>(schema: z.ZodType<T>, text: string, use: (value: T) => Answer): Answer {
  const parsed = schema.safeParse(readable(text))
  if (parsed.success) return use(parsed.data)
  const issues = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
  return plain(400, `${issues.join('; ')}\n`)
}

function missing(uuid: string): Answer {
  return plain(404, `there is no model service ${uuid}\n`)
}
