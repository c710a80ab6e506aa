import { canonical, isObject, type Json, type JsonObject } from '../../../src/cli/validation/json.ts'
import { METADATA_SCHEMA } from '../../../src/cli/validation/metadata.ts'
import { isAtomicMap, keyFields, valueSchema, type Schema } from '../../../src/cli/validation/schema.ts'

/**
 * The fields of an object as server-side apply names them: a path is a chain of elements `f:name`, `k:{…}` (an item of
 * a list with map keys) and `v:…` (an item of a set), with the value it leads to. Atomic lists and maps are one field.
 */
export type Fields = ReadonlyMap<string, Json>

const SEPARATOR = '\0'

/** Metadata whose owners are tracked; the rest belongs to the server. */
const TRACKED_METADATA = ['labels', 'annotations', 'finalizers', 'ownerReferences', 'generateName']

export function objectSchemaFor(schema: Schema): Schema {
  return { ...schema, properties: { ...schema.properties, metadata: METADATA_SCHEMA } }
}

/** All fields of a document. With `containers`, also the objects and items that hold them. */
export function fieldsOf(document: JsonObject, schema: Schema, containers: boolean): Fields {
  const fields = new Map<string, Json>()
  for (const [key, value] of Object.entries(document)) {
    if (value === undefined || key === 'apiVersion' || key === 'kind') continue
    if (key !== 'metadata') collect(fields, [`f:${key}`], value, schema.properties?.[key], containers)
    else if (isObject(value)) {
      for (const name of TRACKED_METADATA) {
        const part = value[name]
        if (part !== undefined)
          collect(fields, ['f:metadata', `f:${name}`], part, METADATA_SCHEMA.properties?.[name], containers)
      }
    }
  }
  return fields
}

function collect(
  fields: Map<string, Json>,
  path: string[],
  value: Json,
  schema: Schema | undefined,
  containers: boolean,
): void {
  const at = path.join(SEPARATOR)
  if (isObject(value) && Object.keys(value).length > 0 && !isAtomicMap(schema)) {
    if (containers) fields.set(at, null)
    for (const [key, item] of Object.entries(value)) {
      const known = schema?.properties?.[key] ?? (schema ? valueSchema(schema) : undefined)
      if (item !== undefined) collect(fields, [...path, `f:${key}`], item, known, containers)
    }
    return
  }
  const listType = schema?.['x-kubernetes-list-type']
  if (Array.isArray(value) && value.length > 0 && (listType === 'map' || listType === 'set')) {
    if (containers) fields.set(at, null)
    for (const item of value) {
      const element = elementOf(item, schema)
      const isWhole = listType === 'set' || isAtomicMap(schema?.items)
      fields.set([...path, element].join(SEPARATOR), isWhole ? item : null)
      if (!isWhole && isObject(item) && schema?.items)
        collect(fields, [...path, element], item, schema.items, containers)
    }
    return
  }
  fields.set(at, value)
}

export function elementOf(item: Json, schema: Schema | undefined): string {
  if (schema?.['x-kubernetes-list-type'] !== 'map' || !isObject(item)) return `v:${JSON.stringify(item)}`
  return `k:${canonical(keyFields(item, schema['x-kubernetes-list-map-keys'] ?? []))}`
}

/** The paths, and those of everything that holds them. */
export function withContainers(paths: Iterable<string>): Set<string> {
  const all = new Set<string>()
  for (const path of paths) {
    const elements = path.split(SEPARATOR)
    for (let depth = 1; depth <= elements.length; depth++) all.add(elements.slice(0, depth).join(SEPARATOR))
  }
  return all
}

/** The FieldsV1 document of a set of paths, and back. */
export function toFieldsV1(paths: Iterable<string>): JsonObject {
  // The separator sorts before every other character: what a path holds follows it at once.
  const all = [...paths].sort()
  const root: JsonObject = {}
  for (const [i, path] of all.entries()) {
    let node = root
    for (const element of path.split(SEPARATOR)) node = (node[element] ??= {}) as JsonObject
    if (all[i + 1]?.startsWith(path + SEPARATOR)) node['.'] = {}
  }
  return root
}

export function fromFieldsV1(node: JsonObject, path: readonly string[] = []): Set<string> {
  const paths = new Set<string>()
  const entries = Object.entries(node)
  if (path.length > 0 && (entries.length === 0 || node['.'] !== undefined)) paths.add(path.join(SEPARATOR))
  for (const [element, child] of entries) {
    if (element !== '.' && isObject(child))
      for (const found of fromFieldsV1(child, [...path, element])) paths.add(found)
  }
  return paths
}

/** `.spec.requestCpu`, `.status.conditions[type="Ready"].status`: a path for people. */
export function showPath(path: string): string {
  const steps = path.split(SEPARATOR).map((element) => {
    const rest = element.slice(2)
    if (element.startsWith('f:')) return `.${rest}`
    if (element.startsWith('v:')) return `[=${rest}]`
    const keys = Object.entries(JSON.parse(rest) as JsonObject)
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
  })
  return steps.join('')
}

/**
 * The live document with the applied one laid over it: objects and keyed lists merge, everything else is replaced, atomic
 * maps too.
 */
export function overlay(live: Json | undefined, applied: Json, schema: Schema | undefined): Json {
  if (isAtomicMap(schema)) return applied
  if (isObject(applied) && isObject(live)) {
    const merged: JsonObject = { ...live }
    for (const [key, value] of Object.entries(applied)) {
      const known = schema?.properties?.[key] ?? (schema ? valueSchema(schema) : undefined)
      if (value !== undefined) merged[key] = overlay(live[key], value, known)
    }
    return merged
  }
  const listType = schema?.['x-kubernetes-list-type']
  if (!Array.isArray(applied) || !Array.isArray(live) || (listType !== 'map' && listType !== 'set')) return applied
  const merged = [...live]
  for (const item of applied) {
    const at = merged.findIndex((candidate) => elementOf(candidate, schema) === elementOf(item, schema))
    if (at < 0) merged.push(item)
    else merged[at] = overlay(merged[at], item, schema?.items)
  }
  return merged
}

/** The document without the fields at these paths, and without what that leaves empty. */
export function without(
  document: Json,
  paths: ReadonlySet<string>,
  schema: Schema | undefined,
  at = '',
): Json | undefined {
  if (at !== '' && paths.has(at)) return undefined
  if (isAtomicMap(schema)) return document
  const inside = (element: string) => (at === '' ? element : at + SEPARATOR + element)
  if (isObject(document)) {
    const kept: JsonObject = {}
    for (const [key, value] of Object.entries(document)) {
      const known = schema?.properties?.[key] ?? (schema ? valueSchema(schema) : undefined)
      const rest = value === undefined ? undefined : without(value, paths, known, inside(`f:${key}`))
      if (rest !== undefined) kept[key] = rest
    }
    return Object.keys(kept).length === 0 && Object.keys(document).length > 0 ? undefined : kept
  }
  if (!Array.isArray(document) || schema?.['x-kubernetes-list-type'] === undefined) return document
  const items = document
    .map((item) => without(item, paths, schema.items, inside(elementOf(item, schema))))
    .filter((item) => item !== undefined)
  return items.length === 0 && document.length > 0 ? undefined : items
}
