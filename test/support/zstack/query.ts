import { apiError, plain, Refused } from './answers.ts'
import { SCALAR_FIELDS } from './model.ts'
import type { Stored } from './store.ts'

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
export function parseQuery(params: URLSearchParams, hides: readonly string[]): Query {
  const known = (field: string) => {
    if (SCALAR_FIELDS.has(field) && !hides.includes(field)) return field
    throw new Refused(apiError('SYS.1007', `no such field[${field}] on the inventory ModelServiceInventory`))
  }
  const sort = params.get('sort')?.trim()
  const fields = params.get('fields')
  return {
    conditions: params.getAll('q').map((text) => condition(text, known)),
    limit: integer(params, 'limit', DEFAULT_LIMIT),
    start: integer(params, 'start', 0),
    // A bare plus in a URL is a space, which the trim takes away: the node sorts ascending then, too.
    ...(sort && { sort: { by: known(sort.replace(/^[+-]/, '')), descending: sort.startsWith('-') } }),
    ...(fields && { fields: fields.split(',').map((field) => known(field.trim())) }),
    replyWithCount: params.get('replyWithCount')?.trim().toLowerCase() === 'true',
    count: params.get('count')?.trim().toLowerCase() === 'true',
  }
}

/** The page asked for, and how many services match in all. Costs a lookup per uuid when the query names uuids. */
export function select(services: ReadonlyMap<string, Stored>, query: Query): { page: Stored[]; total: number } {
  const named = query.conditions.find(({ field, op }) => field === 'uuid' && (op === '=' || op === '?='))
  const rest = query.conditions.filter((condition) => condition !== named).map(matcher)
  const found: Stored[] = []
  for (const stored of named ? lookUp(services, named) : services.values()) {
    if (rest.every((matches) => matches(stored))) found.push(stored)
  }
  const { sort } = query
  if (sort) {
    const sign = sort.descending ? -1 : 1
    found.sort((a, b) => sign * order(a.inventory[sort.by], b.inventory[sort.by]))
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

function lookUp(services: ReadonlyMap<string, Stored>, { op, value }: Condition): Stored[] {
  const uuids = op === '=' ? [value] : new Set(value.split(',').map((uuid) => uuid.trim()))
  return Array.from(uuids).flatMap((uuid) => services.get(uuid) ?? [])
}

/** As in SQL, a missing value meets no comparison, a negated one included. */
function matcher({ field, op, value }: Condition): (stored: Stored) => boolean {
  const compare = (meets: (found: unknown) => boolean) => (stored: Stored) => {
    const found = stored.inventory[field]
    return found !== undefined && meets(found)
  }
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
      return (stored) => stored.inventory[field] === undefined
    case 'not null':
      return (stored) => stored.inventory[field] !== undefined
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
