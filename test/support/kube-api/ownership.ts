import { equal, isObject, listAt, textAt, type Json, type JsonObject } from '../../../src/cli/validation/json.ts'
import {
  fieldsOf,
  fromFieldsV1,
  objectSchemaFor,
  overlay,
  showPath,
  toFieldsV1,
  withContainers,
  without,
} from './fields.ts'
import { apiVersionOf, type Kind } from './kinds.ts'
import type { Schema } from '../../../src/cli/validation/schema.ts'
import { timestamp, type KubeObject } from './object.ts'
import { StatusError } from './status-error.ts'

/** Who writes: the name goes into metadata.managedFields. */
export type Writing = { readonly manager: string; readonly subresource: string | undefined }

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

type Owner = {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string | undefined
  readonly time: string
  readonly paths: ReadonlySet<string>
}

/** The managedFields after an ordinary write: the writer owns what it changed, and nobody what it took away. */
export function ownersAfterUpdate(
  kind: Kind,
  old: KubeObject | undefined,
  next: KubeObject,
  writing: Writing,
): JsonObject[] {
  const schema = objectSchemaFor(kind.schema)
  const before = old ? fieldsOf(old, schema, true) : new Map<string, Json>()
  const after = fieldsOf(next, schema, true)
  const changed = new Set(
    [...after].filter(([path, value]) => !before.has(path) || !equal(before.get(path), value)).map(([path]) => path),
  )
  const lost = (path: string) => !changed.has(path) && after.has(path)
  const isOwn = (owner: Owner) => sameWriter(owner, kind, 'Update', writing)
  const owners = ownersOf(next)
  const own = owners.find(isOwn)
  const kept = owners.filter((owner) => owner !== own).map((owner) => ({ ...owner, paths: keep(owner.paths, lost) }))
  const paths = new Set([...keep(own?.paths ?? [], (path) => after.has(path)), ...changed])
  const time = changed.size > 0 || !own ? timestamp() : own.time
  const updated: Owner = { ...ownerOf(kind, 'Update', writing), time, paths }
  return entriesOf([...kept, updated])
}

export type Applied = { readonly document: JsonObject; readonly owners: JsonObject[] }

/**
 * Server-side apply: the live object with the applied configuration laid over it, without what this manager applied
 * before and does not any more. Throws a conflict where another manager set a field to another value, unless forced.
 */
export function applyOver(
  kind: Kind,
  live: KubeObject | undefined,
  applied: JsonObject,
  writing: Writing,
  force: boolean,
): Applied {
  const schema = objectSchemaFor(kind.schema)
  const wanted = fieldsOf(applied, schema, false)
  const owners = live ? ownersOf(live) : []
  const isOwn = (owner: Owner) => sameWriter(owner, kind, 'Apply', writing)
  const own = owners.find(isOwn)
  const merged = overlay(live, applied, schema) as JsonObject
  const before = live ? fieldsOf(live, schema, true) : new Map<string, Json>()
  const after = fieldsOf(merged, schema, true)
  const disputed = (path: string) => wanted.has(path) && before.has(path) && !equal(before.get(path), after.get(path))
  const others = owners.filter((owner) => owner !== own)
  if (!force) {
    const settled = settledByLastApplied(live, schema, writing)
    const refused = (path: string) => disputed(path) && !settled.has(path)
    refuseConflicts(others.map((owner) => ({ owner, paths: keep(owner.paths, refused) })))
  }
  const kept = others.map((owner) => ({ ...owner, paths: keep(owner.paths, (path) => !disputed(path)) }))
  const held = new Set(kept.flatMap((owner) => [...owner.paths]))
  const needed = withContainers([...wanted.keys(), ...held])
  const dropped = keep(own?.paths ?? [], (path) => !needed.has(path))
  const document = (without(merged, dropped, schema) ?? {}) as JsonObject
  refreshLastApplied(document, applied, writing)
  const paths = new Set(wanted.keys())
  const unchanged = own?.paths.size === paths.size && keep(paths, (path) => !own.paths.has(path)).size === 0
  const stays = unchanged && equal(document, live)
  const mine: Owner = { ...ownerOf(kind, 'Apply', writing), time: stays ? own.time : timestamp(), paths }
  return { document, owners: entriesOf([...kept, mine]) }
}

/**
 * What a client-side `kubectl apply` set before and still stands may be taken over by a server-side one without force:
 * so that people can move from the one to the other.
 */
function settledByLastApplied(live: KubeObject | undefined, schema: Schema, { manager }: Writing): ReadonlySet<string> {
  const text = live?.metadata.annotations?.[LAST_APPLIED]
  if (!live || text === undefined || manager !== 'kubectl') return new Set()
  const stands = fieldsOf(live, schema, true)
  const set = fieldsOf(JSON.parse(text) as JsonObject, schema, true)
  return new Set([...set].filter(([path, value]) => equal(value, stands.get(path))).map(([path]) => path))
}

/** The annotation of a client-side apply follows, so that people can also move back. */
function refreshLastApplied(document: JsonObject, applied: JsonObject, { manager }: Writing): void {
  const { metadata } = document
  if (manager !== 'kubectl' || !isObject(metadata) || !isObject(metadata.annotations)) return
  if (metadata.annotations[LAST_APPLIED] === undefined) return
  const annotations = { ...metadata.annotations, [LAST_APPLIED]: `${JSON.stringify(applied)}\n` }
  document.metadata = { ...metadata, annotations }
}

function refuseConflicts(found: readonly { owner: Owner; paths: ReadonlySet<string> }[]): void {
  const conflicts = found.filter(({ paths }) => paths.size > 0)
  const count = conflicts.reduce((sum, { paths }) => sum + paths.size, 0)
  if (count === 0) return
  const causes = conflicts.flatMap(({ owner, paths }) =>
    [...paths].map((path) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${describe(owner)}`,
      field: showPath(path),
    })),
  )
  const texts = conflicts.map(({ owner, paths }) => {
    const [first = '', ...more] = [...paths].map(showPath)
    if (more.length === 0) return `conflict with ${describe(owner)}: ${first}`
    return `conflicts with ${describe(owner)}:\n${[first, ...more].map((path) => `- ${path}`).join('\n')}`
  })
  const message = `Apply failed with ${count} conflict${count === 1 ? '' : 's'}: ${texts.join('\n')}`
  throw new StatusError(409, 'Conflict', message, { causes })
}

function describe({ manager, apiVersion, operation, subresource }: Owner): string {
  const where = subresource === undefined ? '' : ` with subresource "${subresource}"`
  return `"${manager}"${where}${operation === 'Update' ? ` using ${apiVersion}` : ''}`
}

function sameWriter(owner: Owner, kind: Kind, operation: Owner['operation'], writing: Writing): boolean {
  const { manager, subresource } = writing
  const same = owner.manager === manager && owner.operation === operation && owner.subresource === subresource
  return same && owner.apiVersion === apiVersionOf(kind)
}

function ownerOf(kind: Kind, operation: Owner['operation'], { manager, subresource }: Writing) {
  return { manager, operation, apiVersion: apiVersionOf(kind), subresource }
}

function keep(paths: Iterable<string>, when: (path: string) => boolean): Set<string> {
  return new Set([...paths].filter(when))
}

function ownersOf(object: KubeObject): Owner[] {
  return listAt(object.metadata, 'managedFields')
    .filter(isObject)
    .map((entry) => ({
      manager: textAt(entry, 'manager'),
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: textAt(entry, 'apiVersion'),
      subresource: textAt(entry, 'subresource') === '' ? undefined : textAt(entry, 'subresource'),
      time: textAt(entry, 'time'),
      paths: isObject(entry.fieldsV1) ? fromFieldsV1(entry.fieldsV1) : new Set<string>(),
    }))
}

function entriesOf(owners: readonly Owner[]): JsonObject[] {
  return owners
    .filter(({ paths }) => paths.size > 0)
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map(({ manager, operation, apiVersion, subresource, time, paths }) => ({
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(paths),
      ...(subresource === undefined ? {} : { subresource }),
    }))
}

function order({ operation, time, manager, subresource = '' }: Owner): string {
  return [operation, time, manager, subresource].join(' ')
}
