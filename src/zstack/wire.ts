/** The wire format of ZStack: bodies out, answers in. Answers are read loosely, bodies written exactly. */
import * as z from 'zod'
import { isUuid, type FieldName } from '../api/modelservice.ts'
import type { Field, Place } from '../api/row.ts'
import { fields } from '../api/fields.ts'
import { isEmpty, isMap, textsIn, type Json } from '../api/json.ts'
import type { Live } from '../decide/assess.ts'
import type { Patch } from '../decide/plan.ts'
import { limits } from '../limits.ts'

export type BodyShape = 'envelope' | 'flat'
export const otherShape = (shape: BodyShape): BodyShape => (shape === 'envelope' ? 'flat' : 'envelope')

const servicesPath = '/v1/ai/model-services'

/** No service has this uuid, so that a query for it fails for the sake of none. */
export const unusedUuid = '00000000000040008000000000000000'

/** The uuid was checked at the door; checked again here, it can never name another path or widen a query. */
export function checkUuid(uuid: string): string {
  if (!isUuid(uuid)) throw new Error(`not a uuid: ${JSON.stringify(uuid)}`)
  return uuid
}

export function servicePath(uuid: string): string {
  return `${servicesPath}/${checkUuid(uuid)}`
}

/** Asks for many services in one query; short enough for the 8 KiB that servers allow a request line. */
export function queryPath(uuids: readonly string[]): string {
  return `${servicesPath}?q=uuid?=${uuids.map(checkUuid).join(',')}&limit=${uuids.length}`
}

/** Asks for a page of the services that meet all conditions, sorted by uuid so that pages do not overlap. */
export function searchPath(conditions: readonly string[], start: number, limit: number): string {
  const query = [
    ...conditions.map((condition) => `q=${encodeURIComponent(condition)}`),
    `sort=${encodeURIComponent('+uuid')}`,
    `start=${start}`,
    `limit=${limit}`,
    'replyWithCount=true',
  ]
  return `${servicesPath}?${query.join('&')}`
}

/** How many services meet the conditions in all, where the answer says. */
export function readTotal(body: unknown): number | undefined {
  return isMap(body) && typeof body.total === 'number' ? body.total : undefined
}

export function updateBody(patch: Patch, shape: BodyShape): Json {
  const parts: Record<Place, Record<string, Json>> = { parameters: {}, beside: {} }
  for (const [field, value] of Object.entries(patch) as [FieldName, Json][]) {
    const { key, place } = fields[field]
    parts[place][key] = value
  }
  const { parameters, beside } = parts
  return shape === 'flat' ? { ...parameters, ...beside } : { updateModelService: parameters, ...beside }
}

/** Texts of write-only fields, which ZStack may repeat in its words about an error. */
export function hiddenTexts(patch: Patch): string[] {
  return (Object.keys(patch) as FieldName[])
    .filter((field) => fields[field].visibility === 'hidden')
    .flatMap((field) => textsIn(patch[field]))
}

const running = z.looseObject({ location: z.string(), apiTimeout: z.number().positive().optional().catch(undefined) })
const login = z.looseObject({ inventory: z.looseObject({ uuid: z.string().regex(/^[0-9a-zA-Z-]{1,64}$/) }) })

const rows = Object.entries(fields) as [FieldName, Field][]

export type Service = { readonly uuid: string; readonly live: Live }

/** The services of a query's answer; `undefined` where it is no such answer. */
export function readServices(body: unknown): readonly Service[] | undefined {
  const inventories = isMap(body) ? body.inventories : undefined
  return Array.isArray(inventories) && inventories.every(isInventory) ? inventories.map(readService) : undefined
}

/** The inventory of an update's or a job's answer, where it holds one. */
export function readUpdated(body: unknown): Service | undefined {
  return isMap(body) && isInventory(body.inventory) ? readService(body.inventory) : undefined
}

/** Below this path ZStack answers questions about jobs. */
const jobsPath = '/v1/api-jobs/'
const jobUuid = /^[0-9a-zA-Z-]{1,64}$/

/** Checked here again, for a status that others wrote may name the job: the uuid can never name another path. */
export function jobPath(uuid: string): string {
  if (!jobUuid.test(uuid)) throw new Error(`not a job: ${JSON.stringify(uuid)}`)
  return jobsPath + uuid
}

/**
 * The job of a 202. Only the uuid at the end of the location counts, for the host in it is the node's own idea of its
 * address and often out of reach. `apiTimeout` is the job's time in milliseconds, where this version of ZStack names one.
 */
export function readJob(body: unknown): { uuid: string; timeoutMs?: number } | undefined {
  const { data } = running.safeParse(body)
  if (!data) return undefined
  const { location, apiTimeout } = data
  const uuid = location.split(jobsPath).at(-1)
  if (uuid === undefined || !location.includes(jobsPath) || !jobUuid.test(uuid)) return undefined
  const timeout = apiTimeout === undefined ? {} : { timeoutMs: Math.min(apiTimeout, limits.maxJobMs) }
  return { uuid, ...timeout }
}

export function readSession(body: unknown): string | undefined {
  const parsed = login.safeParse(body)
  return parsed.success ? parsed.data.inventory.uuid : undefined
}

type RawInventory = Readonly<Record<string, unknown>> & { readonly uuid: string }

/** By hand, not by a schema: every poll brings a hundred of these, and a schema copies each before it is looked at. */
function isInventory(value: unknown): value is RawInventory {
  return isMap(value) && typeof value.uuid === 'string'
}

function readService(inventory: RawInventory): Service {
  const { uuid, modelCenterUuid, system } = inventory
  const values = new Map<FieldName, Json>()
  for (const [field, row] of rows) {
    if (row.visibility === 'hidden') continue
    const value = row.decode(inventory[row.inventoryKey])
    if (value !== undefined && !isEmpty(value)) values.set(field, value)
  }
  return {
    uuid,
    live: {
      values,
      ...(typeof modelCenterUuid === 'string' && { modelCenterUuid }),
      ...(typeof system === 'boolean' && { system }),
    },
  }
}
