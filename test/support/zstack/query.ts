import { apiError, plain, Refused } from './answers.ts'

/** What a query is about. */
export type Entity<T> = {
  readonly name: string
  /** Whether conditions, `sort` and `fields` may name it. */
  has(field: string): boolean
  /** Whether conditions alone may name it. */
  conditionsOn(field: string): boolean
  /** By uuid. */
  readonly rows: ReadonlyMap<string, T>
  /** A list, of tags for instance, meets a condition where one of its entries does, and a negated one where all do. */
  readonly read: (row: T, field: string) => unknown
}

export type Query = {
  readonly conditions: readonly Condition[]
  readonly limit: number
  readonly start: number
  readonly sort?: { readonly by: string; readonly descending: boolean }
  readonly fields?: readonly string[]
  readonly replyWithCount: boolean
  readonly count: boolean
}

type Condition = { readonly field: string; readonly op: Operator; readonly value: string }
type Operator = (typeof OPERATORS)[number]

// The node takes the first of these that the condition contains, so one that is part of another comes after it.
const OPERATORS = ['!=', '>=', '<=', '!?=', '!~=', '~=', '?=', '=', '>', '<', 'is null', 'not null'] as const
const DEFAULT_LIMIT = 1000

/** Reads the query string. Throws Refused for what the node refuses. */
export function parseQuery<T>(params: URLSearchParams, entity: Entity<T>): Query {
  const known = (field: string) => {
    if (entity.has(field)) return field
    throw new Refused(apiError('SYS.1007', `no such field[${field}] on the inventory ${entity.name}`))
  }
  const inCondition = (field: string) => (entity.conditionsOn(field) ? field : known(field))
  const sort = params.get('sort')?.trim()
  const fields = params.get('fields')
  return {
    conditions: params.getAll('q').map((text) => condition(text, inCondition)),
    limit: integer(params, 'limit', DEFAULT_LIMIT),
    start: integer(params, 'start', 0),
    // A bare plus in a URL is a space, which the trim takes away: the node sorts ascending then, too.
    ...(sort && { sort: { by: known(sort.replace(/^[+-]/, '')), descending: sort.startsWith('-') } }),
    ...(fields && { fields: fields.split(',').map((field) => known(field.trim())) }),
    replyWithCount: params.get('replyWithCount')?.trim().toLowerCase() === 'true',
    count: params.get('count')?.trim().toLowerCase() === 'true',
  }
}

/** The page asked for, and how many rows match in all. Costs a lookup per uuid when the query names uuids. */
export function select<T>(entity: Entity<T>, query: Query): { page: T[]; total: number } {
  const { rows, read } = entity
  const named = query.conditions.find(({ field, op }) => field === 'uuid' && (op === '=' || op === '?='))
  const rest = query.conditions.filter((condition) => condition !== named)
  const tests = rest.map((condition) => matcher(condition))
  const isMatch = (row: T) => rest.every(({ field }, index) => tests[index]!(read(row, field)))
  const found = Array.from(named ? lookUp(rows, named) : rows.values()).filter(isMatch)
  const { sort } = query
  if (sort) {
    const sign = sort.descending ? -1 : 1
    found.sort((a, b) => sign * order(read(a, sort.by), read(b, sort.by)))
  }
  return { page: found.slice(query.start, query.start + query.limit), total: found.length }
}

function condition(text: string, known: (field: string) => string): Condition {
  const op = OPERATORS.find((operator) => text.includes(operator))
  if (op === undefined) {
    const message = `Invalid query parameter. The '${text}' in the parameter[q] doesn't contain any query operator.`
    throw new Refused(plain(400, `${message} Valid query operators are [${OPERATORS.join(', ')}]`))
  }
  const at = text.indexOf(op)
  const field = text.slice(0, at).trim()
  const value = text.slice(at + op.length)
  if (op !== 'is null' && op !== 'not null' && (field === '' || value === '')) {
    const message = `Invalid query parameter. The '${text}' in parameter[q] is not a key-value pair split by ${op}`
    throw new Refused(plain(400, message))
  }
  return { field: known(field), op, value }
}

function integer(params: URLSearchParams, name: string, missing: number): number {
  const text = params.get(name)?.trim()
  if (text === undefined) return missing
  if (!/^[+-]?\d+$/.test(text)) throw new Refused(plain(400, `Invalid query parameter. '${name}' must be an integer`))
  const value = Number(text)
  if (value < 0) throw new Refused(apiError('SYS.1007', `'${name}' must not be negative`))
  return value
}

function lookUp<T>(rows: ReadonlyMap<string, T>, { op, value }: Condition): T[] {
  const uuids = op === '=' ? [value] : new Set(value.split(',').map((uuid) => uuid.trim()))
  return Array.from(uuids).flatMap((uuid) => rows.get(uuid) ?? [])
}

/** As in SQL, a missing value meets no comparison, a negated one included. */
function matcher({ op, value }: Condition): (found: unknown) => boolean {
  const compare = (meets: (found: unknown) => boolean) => (found: unknown) => {
    if (!Array.isArray(found)) return found !== undefined && meets(found)
    return op.startsWith('!') ? found.every(meets) : found.some(meets)
  }
  const isNull = (found: unknown) => found === undefined || (Array.isArray(found) && found.length === 0)
  const list = () => new Set(value.split(',').map((entry) => entry.trim()))
  switch (op) {
    case '=':
      return compare((found) => order(found, value) === 0)
    case '!=':
      return compare((found) => order(found, value) !== 0)
    case '>':
      return compare((found) => order(found, value) > 0)
    case '>=':
      return compare((found) => order(found, value) >= 0)
    case '<':
      return compare((found) => order(found, value) < 0)
    case '<=':
      return compare((found) => order(found, value) <= 0)
    case '?=': {
      const wanted = list()
      return compare((found) => wanted.has(textOf(found)))
    }
    case '!?=': {
      const unwanted = list()
      return compare((found) => !unwanted.has(textOf(found)))
    }
    case '~=': {
      const pattern = like(value)
      return compare((found) => pattern.test(textOf(found)))
    }
    case '!~=': {
      const pattern = like(value)
      return compare((found) => !pattern.test(textOf(found)))
    }
    case 'is null':
      return isNull
    case 'not null':
      return (found) => !isNull(found)
  }
}

function like(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}$`, 's')
}

/** Numbers by value when the stored one is a number, everything else as text; a missing value comes first. */
function order(a: unknown, b: unknown): number {
  if (typeof a === 'number' && b !== undefined) return a - Number(b)
  const left = textOf(a)
  const right = textOf(b)
  return left < right ? -1 : left > right ? 1 : 0
}

function textOf(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
