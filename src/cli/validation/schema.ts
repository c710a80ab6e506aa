import { isObject, type Json, type JsonObject } from './json.ts'

/** The part of OpenAPI v3 that a structural schema may hold. */
export type Schema = {
  type?: string
  format?: string
  description?: string
  nullable?: boolean
  default?: Json
  enum?: Json[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  exclusiveMaximum?: boolean
  multipleOf?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  minItems?: number
  maxItems?: number
  minProperties?: number
  maxProperties?: number
  required?: string[]
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  not?: Schema
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-map-type'?: string
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-validations'?: Rule[]
}

export type Rule = {
  rule: string
  message?: string
  messageExpression?: string
  reason?: string
  fieldPath?: string
  optionalOldSelf?: boolean
}

export function valueSchema(schema: Schema): Schema | undefined {
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** Whether an object is owned and replaced as one field. */
export function isAtomicMap(schema: Schema | undefined): boolean {
  return schema?.['x-kubernetes-map-type'] === 'atomic'
}

export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

/** Drops in place what the schema does not know, and answers the paths of what was dropped. */
export function prune(value: Json | undefined, schema: Schema, path = ''): string[] {
  const unknown: string[] = []
  if (Array.isArray(value)) {
    if (schema.items === undefined)
      return schema['x-kubernetes-preserve-unknown-fields'] ? [] : pruneScalarItems(value, path)
    for (const [i, item] of value.entries()) unknown.push(...prune(item, schema.items, `${path}[${i}]`))
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const known = schema.properties?.[key] ?? valueSchema(schema)
      if (known) unknown.push(...prune(value[key], known, join(path, key)))
      else if (schema['x-kubernetes-preserve-unknown-fields'] !== true && schema.additionalProperties !== true) {
        unknown.push(join(path, key))
        // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- dropping a key of a document is the point
        delete value[key]
      }
    }
  }
  return unknown
}

function pruneScalarItems(items: Json[], path: string): string[] {
  return items.flatMap((item, i) => (isObject(item) ? prune(item, {}, `${path}[${i}]`) : []))
}

/** Sets defaults in place, and drops nulls where the schema allows none. */
export function applyDefaults(value: Json | undefined, schema: Schema): void {
  if (Array.isArray(value)) {
    if (schema.items) for (const item of value) applyDefaults(item, schema.items)
    return
  }
  if (!isObject(value)) return
  for (const [key, known] of Object.entries(schema.properties ?? {})) {
    const absent = value[key] === undefined || (value[key] === null && known.nullable !== true)
    if (absent && known.default !== undefined) value[key] = structuredClone(known.default)
  }
  for (const key of Object.keys(value)) {
    const known = schema.properties?.[key] ?? valueSchema(schema)
    if (!known) continue
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- dropping a key of a document is the point
    if (value[key] === null && known.nullable !== true) delete value[key]
    else applyDefaults(value[key], known)
  }
}

/** The text that names an item of a list with map keys, and the text that names an item of a set. */
export function itemKey(item: Json, schema: Schema): string {
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (!isObject(item)) return JSON.stringify(item)
  return JSON.stringify(keyFields(item, keys))
}

export function keyFields(item: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.filter((key) => item[key] !== undefined).map((key) => [key, item[key]]))
}
