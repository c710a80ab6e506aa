import { randomInt, randomUUID } from 'node:crypto'
import { decode, decodeApplied, type FieldValidation, type Origin } from './decode.ts'
import {
  changesOfIdentity,
  checkIdentity,
  checkPlace,
  checkPreconditions,
  checkVersion,
  type Preconditions,
  type Target,
} from './identity.ts'
import { equal, type Json, type JsonObject } from '../../../src/cli/validation/json.ts'
import { collectionOf, resourceOf, subjectOf, type Kind } from './kinds.ts'
import type { Lifecycle } from './lifecycle.ts'
import { tidyMetadata, validateMetadata, type Metadata } from '../../../src/cli/validation/metadata.ts'
import { keyOf, timestamp, type KubeObject } from './object.ts'
import { applyOver, ownersAfterUpdate } from './ownership.ts'
import { alreadyExists, forbidden, invalid, notFound, StatusError } from './status-error.ts'
import type { Store } from './store.ts'

export type WriteOptions = {
  readonly dryRun: boolean
  readonly validation: FieldValidation
  /** Who writes, for metadata.managedFields. */
  readonly manager: string
}

export type Written = { readonly object: KubeObject; readonly created: boolean; readonly warnings: readonly string[] }

/** All changes of objects, each one checked and stored in one step: no other request comes between. */
export interface Writer {
  create(target: Omit<Target, 'name'>, document: Json, options: WriteOptions): Written
  update(target: Target, document: Json, options: WriteOptions): Written
  /** Replaces the object by what `change` makes of it. */
  patch(target: Target, change: (current: KubeObject) => Json, options: WriteOptions): Written
  /** Server-side apply: creates the object, or lays the configuration over it. */
  apply(target: Target, configuration: Json, options: WriteOptions & { readonly force: boolean }): Written
  remove(
    target: Target,
    preconditions: Preconditions,
    dryRun: boolean,
  ): { readonly object: KubeObject; readonly gone: boolean }
}

export function createWriter(store: Store, lifecycle: Lifecycle): Writer {
  function find({ kind, namespace, name }: Target): KubeObject {
    const found = store.get(collectionOf(kind), keyOf(namespace, name))
    if (!found) throw notFound(resourceOf(kind), name)
    return found
  }

  function commit(kind: Kind, object: KubeObject, dryRun: boolean): KubeObject {
    if (dryRun) return object
    const stored = store.put(collectionOf(kind), object)
    lifecycle.stored(kind, stored)
    return stored
  }

  function checkNamespace(kind: Kind, namespace: string, name: string): void {
    const found = store.get('/namespaces', namespace)
    if (!found) throw notFound({ group: '', name: 'namespaces' }, namespace)
    if (found.metadata.deletionTimestamp === undefined) return
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`
    throw forbidden(resourceOf(kind), name, why)
  }

  function judge(kind: Kind, object: KubeObject, old: KubeObject | undefined): void {
    const isNamespace = kind.group === '' && kind.plural === 'namespaces'
    const errors = [
      ...validateMetadata(object.metadata, isNamespace),
      ...changesOfIdentity(object, old),
      ...kind.validate(object, old),
    ]
    if (errors.length > 0) throw invalid(subjectOf(kind), object.metadata.name ?? '', errors)
    lifecycle.check(kind, object)
  }

  function create(target: Omit<Target, 'name'>, document: Json, options: WriteOptions, owners?: JsonObject[]): Written {
    const { kind, namespace } = target
    const { object, warnings } = decode(kind, document, options.validation, 'body')
    checkPlace(object, namespace)
    const { metadata } = object
    if (metadata.resourceVersion !== undefined) {
      throw new StatusError(500, undefined, 'resourceVersion should not be set on objects to be created')
    }
    const name = metadata.name ?? (metadata.generateName === undefined ? '' : metadata.generateName + suffix())
    if (namespace !== undefined) checkNamespace(kind, namespace, name)
    const born: Metadata = { ...metadata, name, uid: randomUUID(), creationTimestamp: timestamp() }
    if (namespace !== undefined) born.namespace = namespace
    delete born.generation
    delete born.deletionTimestamp
    delete born.deletionGracePeriodSeconds
    delete born.managedFields
    if (kind.generation) born.generation = 1
    object.metadata = tidyMetadata(born)
    if (kind.status) delete object.status
    kind.prepare(object, undefined)
    judge(kind, object, undefined)
    const existing = store.get(collectionOf(kind), keyOf(namespace, name))
    if (existing) throw alreadyExists(resourceOf(kind), name, existing.metadata.deletionTimestamp !== undefined)
    const { manager } = options
    object.metadata.managedFields =
      owners ?? ownersAfterUpdate(kind, undefined, object, { manager, subresource: undefined })
    return { object: commit(kind, object, options.dryRun), created: true, warnings }
  }

  function replace(
    target: Target,
    old: KubeObject,
    document: Json,
    options: WriteOptions,
    change: Origin,
    owners?: JsonObject[],
  ): Written {
    const { kind, subresource } = target
    const { object, warnings } = decode(kind, document, options.validation, change)
    checkIdentity(target, object)
    checkVersion(target, object, old, change)
    const next = subresource === 'status' ? withStatus(kind, old, object) : withSpec(kind, old, object)
    kind.prepare(next, old)
    judge(kind, next, old)
    const { deletionTimestamp, finalizers } = next.metadata
    if (deletionTimestamp !== undefined && finalizers === undefined && kind.plural !== 'namespaces') {
      return { object: options.dryRun ? next : lifecycle.remove(kind, next), created: false, warnings }
    }
    // A write that changes nothing is no event: the version stays.
    if (owners === undefined && equal(next, old)) return { object: old, created: false, warnings }
    next.metadata.managedFields =
      owners ?? ownersAfterUpdate(kind, old, next, { manager: options.manager, subresource })
    if (equal(next, old)) return { object: old, created: false, warnings }
    return { object: commit(kind, next, options.dryRun), created: false, warnings }
  }

  function apply(target: Target, configuration: Json, options: WriteOptions & { readonly force: boolean }): Written {
    const { kind, namespace, name, subresource } = target
    const live = store.get(collectionOf(kind), keyOf(namespace, name))
    if (!live && subresource !== undefined) throw notFound(resourceOf(kind), name)
    const { status, ...rest } = decodeApplied(kind, configuration, target)
    const statusAlone = { apiVersion: rest.apiVersion, kind: rest.kind, metadata: { name } }
    const applied = subresource === 'status' ? { ...statusAlone, ...(status === undefined ? {} : { status }) } : rest
    if (!kind.status && status !== undefined) applied.status = status
    const writing = { manager: options.manager, subresource }
    const { document, owners } = applyOver(kind, live, applied, writing, options.force)
    const result = structuredClone(document)
    return live ? replace(target, live, result, options, 'patch', owners) : create(target, result, options, owners)
  }

  return {
    create,
    apply,
    update(target, document, options) {
      const { kind, namespace, name } = target
      const old = store.get(collectionOf(kind), keyOf(namespace, name))
      if (old) return replace(target, old, document, options, 'body')
      if (!kind.createOnUpdate) throw notFound(resourceOf(kind), name)
      return create(target, document, options)
    },
    patch(target, change, options) {
      const old = find(target)
      return replace(target, old, structuredClone(change(old)), options, 'patch')
    },
    remove(target, preconditions, dryRun) {
      const { kind } = target
      const object = find(target)
      checkPreconditions(kind, object, preconditions)
      return dryRun ? { object, gone: object.metadata.finalizers === undefined } : lifecycle.erase(kind, object)
    },
  }
}

/** The new spec and metadata beside the old status, with the fields that only the server sets. */
function withSpec(kind: Kind, old: KubeObject, object: KubeObject): KubeObject {
  const { generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, namespace } = old.metadata
  const kept = { generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, namespace }
  const metadata = {
    ...object.metadata,
    uid: object.metadata.uid ?? old.metadata.uid,
    resourceVersion: old.metadata.resourceVersion,
    ...kept,
  }
  const next = { ...object }
  if (kind.status) {
    delete next.status
    if (old.status !== undefined) next.status = old.status
  }
  next.metadata = tidyMetadata(metadata)
  const spec = (whole: KubeObject) => ({ ...whole, metadata: {}, ...(kind.status ? { status: null } : {}) })
  if (kind.generation && !equal(spec(next), spec(old))) next.metadata.generation = (generation ?? 0) + 1
  return next
}

function withStatus(kind: Kind, old: KubeObject, object: KubeObject): KubeObject {
  const next = { ...old }
  delete next.status
  if (kind.status && object.status !== undefined) next.status = object.status
  return next
}

function suffix(): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789'
  return Array.from({ length: 5 }, () => letters[randomInt(letters.length)] ?? '').join('')
}
