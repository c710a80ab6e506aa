import { equal, isObject, type Json, type JsonObject } from '../../../src/cli/validation/json.ts'
import { badRequest, StatusError } from './status-error.ts'

/** RFC 7386: null removes, objects merge, everything else replaces. The target is left as it is. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const result: JsonObject = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a merge patch removes by name
    if (value === null) delete result[key]
    else if (value !== undefined) result[key] = mergePatch(result[key], value)
  }
  return result
}

/**
 * A strategic merge patch for the built-in kinds here: as a merge patch, because none of their lists merges by key.
 * Directives about the order of lists are dropped; `$patch` may delete or replace an object.
 */
export function strategicPatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  if (patch.$patch === 'delete') return null
  const result: JsonObject = isObject(target) && patch.$patch !== 'replace' ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue
    const merged = value === null || value === undefined ? null : strategicPatch(result[key], value)
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a merge patch removes by name
    if (merged === null) delete result[key]
    else result[key] = merged
  }
  return result
}

/** RFC 6902. A step that cannot be taken refuses the whole patch, with the little the real server says about it. */
export function jsonPatch(target: Json, operations: Json): Json {
  if (!Array.isArray(operations)) {
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp')
  }
  let root = structuredClone(target)
  for (const operation of operations) {
    if (!isObject(operation)) throw rejected()
    root = applyOperation(root, operation)
  }
  return root
}

function applyOperation(root: Json, operation: JsonObject): Json {
  const path = pointer(operation.path)
  switch (operation.op) {
    case 'add':
      return put(root, path, structuredClone(operation.value ?? null), true)
    case 'replace':
      read(root, path)
      return put(root, path, structuredClone(operation.value ?? null), false)
    case 'remove':
      return remove(root, path)
    case 'move': {
      const from = pointer(operation.from)
      const moved = read(root, from)
      return put(remove(root, from), path, moved, true)
    }
    case 'copy':
      return put(root, path, structuredClone(read(root, pointer(operation.from))), true)
    case 'test':
      if (!equal(read(root, path, true), operation.value ?? null)) throw rejected()
      return root
    default:
      throw rejected()
  }
}

function rejected(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
}

function pointer(path: Json | undefined): string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) throw rejected()
  if (path === '') return []
  return path
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function read(root: Json, path: readonly string[], absentIsNull = false): Json {
  let value: Json | undefined = root
  for (const step of path)
    value = Array.isArray(value) ? value[position(step, value.length)] : isObject(value) ? value[step] : undefined
  if (value === undefined && !absentIsNull) throw rejected()
  return value ?? null
}

function put(root: Json, path: readonly string[], value: Json, insert: boolean): Json {
  const last = path.at(-1)
  if (last === undefined) return value
  const parent = read(root, path.slice(0, -1))
  if (Array.isArray(parent)) {
    if (insert) parent.splice(last === '-' ? parent.length : position(last, parent.length + 1), 0, value)
    else parent[position(last, parent.length)] = value
  } else if (isObject(parent)) parent[last] = value
  else throw rejected()
  return root
}

function remove(root: Json, path: readonly string[]): Json {
  const last = path.at(-1)
  if (last === undefined) throw rejected()
  read(root, path)
  const parent = read(root, path.slice(0, -1))
  if (Array.isArray(parent)) parent.splice(position(last, parent.length), 1)
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a JSON patch removes by name
  else if (isObject(parent)) delete parent[last]
  return root
}

function position(step: string, length: number): number {
  const at = /^(0|[1-9]\d*)$/.test(step) ? Number(step) : Number.NaN
  if (!(at < length)) throw rejected()
  return at
}
