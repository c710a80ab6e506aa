import type { IncomingHttpHeaders } from 'node:http'
import { apiError, ok, plain, Refused, type Answer } from './answers.ts'
import type { Jobs } from './jobs.ts'
import { SCALAR_FIELDS } from './model.ts'
import type { Moods } from './moods.ts'
import { parseQuery, select, type Entity } from './query.ts'
import type { Operation } from './records.ts'
import type { Sessions } from './sessions.ts'
import { isSignedBy } from './signature.ts'
import { showFields, showText, type Store, type Stored } from './store.ts'
import { valuesToStore } from './storing.ts'
import { TAG_FIELDS, type Tag } from './tags.ts'
import { actionOf, argumentsOf, type Action } from './updates.ts'

/** Where a request goes; `id` is the uuid in its path. */
export type Route = { readonly operation: Operation; readonly id?: string }

export type ApiRequest = Route & {
  readonly method: string
  /** Decoded, after the context path, without the query. */
  readonly path: string
  readonly search: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** An update becomes a job that ends in this error. */
  readonly failedJob?: Answer
}

export type ApiParts = {
  readonly moods: () => Moods
  readonly store: Store
  readonly sessions: Sessions
  readonly accessKeys: ReadonlyMap<string, string>
  readonly jobs: Jobs
}

const SERVICE_ENTITY = 'org.zstack.ai.entity.ModelServiceInventory'

/** Conditions of a query that are about the tags of a service. */
const TAG_CONDITIONS: Readonly<Record<string, Tag['type']>> = { __systemTag__: 'System', __userTag__: 'User' }

const ROUTES: readonly { method: string; path: RegExp; operation: Operation }[] = [
  { method: 'GET', path: /^\/v1\/ai\/model-services$/, operation: 'query' },
  { method: 'GET', path: /^\/v1\/ai\/model-services\/([^/]+)$/, operation: 'get' },
  { method: 'PUT', path: /^\/v1\/ai\/model-services\/([^/]+)(?:\/actions)?$/, operation: 'update' },
  { method: 'GET', path: /^\/v1\/(?:user|system)-tags$/, operation: 'tags' },
  { method: 'GET', path: /^\/v1\/api-jobs\/([^/]+)$/, operation: 'job' },
  { method: 'PUT', path: /^\/v1\/accounts\/login$/, operation: 'login' },
  { method: 'DELETE', path: /^\/v1\/accounts\/sessions\/([^/]+)$/, operation: 'logout' },
]

export function route(method: string, path: string): Route {
  for (const { method: wanted, path: pattern, operation } of ROUTES) {
    const match = wanted === method ? pattern.exec(path) : null
    if (match) return { operation, ...(match[1] !== undefined && { id: match[1] }) }
  }
  return { operation: 'other' }
}

/** The REST dispatcher: one request in, one answer out, in the order of checks that the management node has. */
export function createApi({ moods, store, sessions, accessKeys, jobs }: ApiParts): (request: ApiRequest) => Answer {
  function authenticate({ method, path, headers }: ApiRequest): void {
    const header = headers.authorization?.trim()
    if (header === undefined) throw new Refused(plain(400, "missing header 'Authorization'"))
    if (header.startsWith('OAuth')) {
      if (!sessions.isOpen(header.slice('OAuth'.length).trim()))
        throw new Refused(apiError('ID.1001', 'Session expired'))
    } else if (header.startsWith('ZStack')) {
      const credential = header.slice('ZStack'.length).trim()
      if (!isSignedBy(accessKeys, { method, path, date: headers.date, credential }, Date.now())) {
        throw new Refused(apiError('ID.1000', 'wrong access key'))
      }
      if (sessions.isDisabled('admin')) throw new Refused(apiError('ID.1007', 'the account[admin] is disabled'))
    } else throw new Refused(plain(400, "Authorization type must be 'OAuth'"))
  }

  function found<T>(entity: string, page: readonly T[], text: (row: T) => string, total?: number): Answer {
    const schema = page.map((_, index) => `"inventories[${index}]":"${entity}"`)
    const count = total === undefined ? '' : `,"total":${total}`
    return ok(`{"inventories":[${page.map(text).join(',')}]${count},"schema":{${schema.join(',')}}}`)
  }

  function query(request: ApiRequest): Answer {
    const { hides } = moods()
    const entity: Entity<Stored> = {
      name: 'ModelServiceInventory',
      has: (field) => SCALAR_FIELDS.has(field) && !hides.includes(field),
      conditionsOn: (field) => field in TAG_CONDITIONS,
      rows: store.services,
      read: (stored, field) =>
        TAG_CONDITIONS[field] === undefined
          ? stored.inventory[field]
          : stored.tags.filter(({ type }) => type === TAG_CONDITIONS[field]).map(({ tag }) => tag),
    }
    const query = parseQuery(new URLSearchParams(request.search), entity)
    const { page, total } = select(entity, query)
    if (query.count) return ok({ total, schema: {} })
    const { fields } = query
    const text = (stored: Stored) =>
      fields ? JSON.stringify(showFields(stored, hides, fields)) : showText(stored, hides)
    return found(SERVICE_ENTITY, page, text, query.replyWithCount ? total : undefined)
  }

  function tags({ path, search }: ApiRequest): Answer {
    const type = path === '/v1/user-tags' ? 'User' : 'System'
    const all = Array.from(store.services.values()).flatMap((stored) => stored.tags.filter((tag) => tag.type === type))
    const entity: Entity<Tag> = {
      name: `${type}TagInventory`,
      has: (field) => TAG_FIELDS.has(field),
      conditionsOn: () => false,
      rows: new Map(all.map((tag) => [tag.uuid, tag])),
      read: (tag, field) => tag[field as keyof Tag],
    }
    const query = parseQuery(new URLSearchParams(search), entity)
    const { page, total } = select(entity, query)
    if (query.count) return ok({ total, schema: {} })
    const text = (tag: Tag) => JSON.stringify(tag, query.fields && [...query.fields])
    return found(`org.zstack.header.tag.${type}TagInventory`, page, text, query.replyWithCount ? total : undefined)
  }

  function get(uuid: string): Answer {
    const stored = store.services.get(uuid)
    return found(SERVICE_ENTITY, stored ? [stored] : [], (one) => showText(one, moods().hides))
  }

  function carryOut(uuid: string, given: Readonly<Record<string, unknown>>): Answer {
    const mood = moods()
    const stored = store.services.get(uuid)
    if (!stored) return notFound(uuid)
    if (mood.effective && Object.keys(given).length > 0)
      store.write(uuid, valuesToStore(uuid, given, stored.inventory.yaml, mood))
    return ok(`{"inventory":${showText(stored, mood.hides)}}`)
  }

  function update(request: ApiRequest, uuid: string, action: Action): Answer {
    const mood = moods()
    const given = argumentsOf(action)
    const job = jobs.name(single(request.headers['x-job-uuid']), uuid)
    const timeoutMillis = timeout(single(request.headers['x-api-timeout']))
    if (!store.services.has(uuid)) return notFound(uuid)
    const { failedJob } = request
    if (mood.answer === 'async' || failedJob) {
      const work = () => failedJob ?? unlessRefused(() => carryOut(uuid, given))
      const order = { uuid: job, service: uuid, work }
      return jobs.start({ ...order, ...(timeoutMillis !== undefined && { timeoutMillis }) }, mood)
    }
    const answer = carryOut(uuid, given)
    return mood.answer === 'bare' ? ok({ success: true }) : answer
  }

  function dispatch(request: ApiRequest): Answer {
    const { operation, id = '' } = request
    switch (operation) {
      case 'login':
        return sessions.logIn(json(request.text))
      case 'logout':
        return sessions.logOut(id)
      case 'job':
        return jobs.ask(id)
      case 'query':
        authenticate(request)
        return query(request)
      case 'get':
        authenticate(request)
        return get(id)
      case 'tags':
        authenticate(request)
        return tags(request)
      case 'update': {
        // Choosing among the APIs of a path comes before looking at who calls.
        const action = actionOf(json(request.text), moods().bodyShape, request.path)
        authenticate(request)
        return update(request, id, action)
      }
      case 'other':
        return unrouted(request)
    }
  }

  return (request) => unlessRefused(() => dispatch(request))
}

/** The answer, or the one of the refusal that came instead. */
function unlessRefused(answer: () => Answer): Answer {
  try {
    return answer()
  } catch (error) {
    if (error instanceof Refused) return error.answer
    throw error
  }
}

function unrouted({ method, path }: ApiRequest): Answer {
  if (!ROUTES.some((known) => known.path.test(path))) return plain(404, `no api mapping to ${path}`)
  return plain(405, `The method[${method}] is not allowed for the path[${path}]`)
}

function notFound(uuid: string): Answer {
  return apiError('SYS.1003', `resource[uuid: ${uuid}, type: ModelServiceVO] not found`)
}

function timeout(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  if (!/^\d+$/.test(header)) throw new Refused(plain(400, 'Invalid header[X-API-Timeout], it must be whole seconds'))
  return Number(header) * 1000
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function json(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Refused(plain(400, 'the body is not valid JSON'))
  }
}
