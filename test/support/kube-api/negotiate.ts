import type { JsonObject } from '../../../src/cli/validation/json.ts'
import { apiVersionOf, type Kind } from './kinds.ts'
import type { KubeObject } from './object.ts'
import { StatusError } from './status-error.ts'
import { partialOf, tableOf, type IncludeObject } from './table.ts'

/** The form in which a client wants objects: as they are, as rows of a table, or metadata alone. */
export type Form =
  { readonly as: 'Object' } | { readonly as: 'Metadata' } | { readonly as: 'Table'; readonly include: IncludeObject }

/** The first form in the Accept header that this server can give. */
export function negotiate(accept: string, query: URLSearchParams): Form {
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    if (!['', '*/*', 'application/*', 'application/json'].includes(type)) continue
    const as = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3)
    if (as === undefined) return { as: 'Object' }
    if (!parameters.includes('v=v1')) continue
    if (as === 'Table') return { as: 'Table', include: (query.get('includeObject') ?? 'Metadata') as IncludeObject }
    if (as.startsWith('PartialObjectMetadata')) return { as: 'Metadata' }
  }
  throw new StatusError(406, 'NotAcceptable', 'only the following media types are accepted: application/json')
}

export function renderObject(kind: Kind, object: KubeObject, form: Form): JsonObject {
  const shown = inVersion(kind, object)
  if (form.as === 'Metadata') return partialOf(shown)
  if (form.as === 'Object') return shown
  const { resourceVersion } = object.metadata
  const metadata = resourceVersion === undefined ? {} : { resourceVersion }
  return tableOf(kind, [shown], metadata, { include: form.include, columns: true })
}

export function renderList(kind: Kind, objects: readonly KubeObject[], metadata: JsonObject, form: Form): JsonObject {
  const shown = objects.map((object) => inVersion(kind, object))
  if (form.as === 'Table') return tableOf(kind, shown, metadata, { include: form.include, columns: true })
  if (form.as === 'Metadata') {
    return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: shown.map(partialOf) }
  }
  return { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata, items: kind.custom ? shown : shown.map(bare) }
}

/** One object of a watch. `first` is true once: later tables leave their columns out. */
export function renderEvent(kind: Kind, object: KubeObject, form: Form, first: boolean): JsonObject {
  if (form.as !== 'Table') return renderObject(kind, object, form)
  const { resourceVersion = '' } = object.metadata
  return tableOf(kind, [inVersion(kind, object)], { resourceVersion }, { include: form.include, columns: first })
}

/** Versions of a resource differ in name alone: there is no conversion. */
function inVersion(kind: Kind, object: KubeObject): KubeObject {
  const apiVersion = apiVersionOf(kind)
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion }
}

/** Items of the built-in lists do not repeat what the list says. */
function bare(object: KubeObject): JsonObject {
  return { ...object, apiVersion: undefined, kind: undefined }
}
