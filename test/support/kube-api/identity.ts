import { resourceOf, subjectOf, type Kind } from './kinds.ts'
import { keyOf, type KubeObject } from './object.ts'
import { badRequest, conflict, invalid, stale } from './status-error.ts'
import type { FieldError } from '../../../src/cli/validation/field-error.ts'

/** Where a write is aimed. `namespace` is absent for cluster-wide resources. */
export type Target = {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string
  readonly subresource: string | undefined
}

export type Preconditions = { readonly uid?: string; readonly resourceVersion?: string }

/** The namespace in an object, where it has one, is the one in the path. */
export function checkPlace(object: KubeObject, namespace: string | undefined): void {
  const given = object.metadata.namespace
  if (given !== undefined && given !== (namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}

/** The object is the one the path names. */
export function checkIdentity(target: Target, object: KubeObject): void {
  const { name } = object.metadata
  if (name === undefined) {
    throw badRequest(`the name of the object (${target.name} based on URL) was undeterminable: name must be provided`)
  }
  if (name !== target.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`)
  }
  checkPlace(object, target.namespace)
}

/** What an update may not do to the identity of an object. */
export function changesOfIdentity(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  if (!old) return []
  const errors: FieldError[] = []
  const { uid, finalizers = [] } = object.metadata
  if (uid !== old.metadata.uid) {
    const message = `Invalid value: ${JSON.stringify(uid)}: field is immutable`
    errors.push({ reason: 'FieldValueInvalid', field: 'metadata.uid', message })
  }
  const added = finalizers.filter((finalizer) => !(old.metadata.finalizers ?? []).includes(finalizer))
  if (old.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ')
    const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
    errors.push({ reason: 'FieldValueForbidden', field: 'metadata.finalizers', message })
  }
  return errors
}

/**
 * Optimistic concurrency: a version or uid that is not the stored one is a conflict. The uid in a patch is judged
 * later, as a change of an immutable field, and in a patch of the status not at all: so does the real server.
 */
export function checkVersion(target: Target, object: KubeObject, old: KubeObject, origin: 'body' | 'patch'): void {
  const { kind, name } = target
  const { uid, resourceVersion } = object.metadata
  if (origin === 'body' && uid !== undefined && uid !== old.metadata.uid) {
    const key = `/registry/${kind.group === '' ? '' : `${kind.group}/`}${kind.plural}/${keyOf(target.namespace, name)}`
    const both = `UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`
    const why = `AdditionalErrorMsg: Precondition failed: ${both}`
    throw conflict(
      resourceOf(kind),
      name,
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, ${why}`,
    )
  }
  if (resourceVersion === undefined && origin === 'body' && !kind.unconditionalUpdate) {
    const message = 'Invalid value: 0: must be specified for an update'
    const field = 'metadata.resourceVersion'
    throw invalid(resourceOf(kind), name, [{ reason: 'FieldValueInvalid', field, message }])
  }
  if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion)
    throw stale(resourceOf(kind), name)
}

/** The preconditions of a delete. */
export function checkPreconditions(kind: Kind, object: KubeObject, wanted: Preconditions): void {
  const { name = '', uid = '', resourceVersion = '' } = object.metadata
  const differ = (what: string, asked: string, found: string, ending: string) =>
    conflict(
      subjectOf(kind),
      name,
      `the ${what} in the precondition (${asked}) does not match the ${what} in record (${found}). ${ending}`,
    )
  if (wanted.uid !== undefined && wanted.uid !== uid) {
    throw differ('UID', wanted.uid, uid, 'The object might have been deleted and then recreated')
  }
  if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
    throw differ('ResourceVersion', wanted.resourceVersion, resourceVersion, 'The object might have been modified')
  }
}
