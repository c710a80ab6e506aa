import type { FieldError } from '../../../src/cli/validation/field-error.ts'
import { isObject, type Json, type JsonObject } from '../../../src/cli/validation/json.ts'
import { apiVersionOf, subjectOf, type Kind } from './kinds.ts'
import { tidyMetadata } from '../../../src/cli/validation/metadata.ts'
import { keyOf, type KubeObject } from './object.ts'
import { applyDefaults } from '../../../src/cli/validation/schema.ts'
import { badRequest, invalid, StatusError } from './status-error.ts'
import { mistypedMetadata, unknownFields, unmarshalText } from '../../../src/cli/validation/decoding.ts'
import { createValidator } from '../../../src/cli/validation/validate.ts'

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export type Decoded = { readonly object: KubeObject; readonly warnings: readonly string[] }

/** How a document came: a body is decoded strictly with code 400, the outcome of a patch with 422. */
export type Origin = 'body' | 'patch'

/**
 * A document as an object of the kind: unknown fields dropped (or refused), defaults set, metadata tidied. The
 * document is consumed. Values are judged later, where the old object is known; wrong types in metadata and in
 * built-in kinds are refused here, as a decoder does.
 */
export function decode(kind: Kind, document: Json, validation: FieldValidation, origin: Origin): Decoded {
  if (!isObject(document)) throw undecodable(kind, 'json: cannot unmarshal into an object')
  checkTypeMeta(kind, document)
  const shown = origin === 'patch' && validation === 'Strict' ? JSON.stringify(document) : ''
  const unknown = unknownFields(kind.schema, document)
  if (unknown.length > 0 && validation === 'Strict') {
    const why = `strict decoding error: ${unknown.map((field) => `unknown field "${field}"`).join(', ')}`
    if (origin === 'body') throw undecodable(kind, why)
    const message = `Invalid value: ${JSON.stringify(shown)}: ${why}`
    throw invalid({ group: '', name: '' }, '', [{ reason: 'FieldValueInvalid', field: 'patch', message }])
  }
  const mistyped = [...mistypedMetadata(document), ...(kind.custom ? [] : mistypedFields(kind, document))][0]
  if (mistyped) throw undecodable(kind, unmarshalText(mistyped))
  applyDefaults(document, kind.schema)
  // Spread twice: the first keys stay first, the last values win.
  const head = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: tidyMetadata(document.metadata) }
  const object = { ...head, ...document, ...head }
  const warnings = validation === 'Warn' ? unknown.map((field) => `unknown field "${field}"`) : []
  return { object: object, warnings }
}

/** An applied configuration: unknown fields are always refused, and nothing is filled in. */
export function decodeApplied(
  kind: Kind,
  document: Json,
  target: { namespace: string | undefined; name: string },
): JsonObject {
  if (!isObject(document)) throw undecodable(kind, 'json: cannot unmarshal into an object')
  checkTypeMeta(kind, document)
  const unknown = unknownFields(kind.schema, document).map((field) => `.${field}: field not declared in schema`)
  if (unknown.length > 0) {
    const what = `${keyOf(target.namespace, target.name)}; ${apiVersionOf(kind)}, Kind=${kind.kind}`
    const why = unknown.length === 1 ? (unknown[0] ?? '') : `errors:\n  ${unknown.join('\n  ')}`
    throw new StatusError(500, undefined, `failed to create typed patch object (${what}): ${why}`)
  }
  return document
}

function checkTypeMeta(kind: Kind, document: JsonObject): void {
  const { apiVersion, kind: name } = document
  const text = JSON.stringify(document)
  const missing =
    typeof name !== 'string' || name === '' ? 'Kind' : typeof apiVersion !== 'string' ? 'apiVersion' : undefined
  if (missing !== undefined) {
    // Typed decoders know what to expect; a custom resource must say what it is.
    if (!kind.custom) return
    const excerpt = text.length > 24 ? `${text.slice(0, 24)} ...` : text
    const why = `Object '${missing}' is missing in '${text}' (${excerpt})`
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why}`)
  }
  if (typeof apiVersion === 'string' && apiVersion !== apiVersionOf(kind)) {
    const expected = apiVersionOf(kind)
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    )
  }
  if (name !== kind.kind) {
    const message = `Invalid value: ${JSON.stringify(name)}: must be ${kind.kind}`
    const given = isObject(document.metadata) ? document.metadata.name : ''
    throw invalid({ group: kind.group, name: name as string }, typeof given === 'string' ? given : '', [
      { reason: 'FieldValueInvalid', field: 'kind', message },
    ])
  }
}

function mistypedFields(kind: Kind, document: JsonObject): FieldError[] {
  const errors = createValidator(kind.schema)(document, undefined)
  const secret = isObject(document.data) && kind.plural === 'secrets' ? Object.values(document.data) : []
  if (errors.length > 0 || secret.every((value) => value === undefined || isBase64(value))) return errors
  return [{ reason: 'FieldValueTypeInvalid', field: 'data', message: 'illegal base64 data at input byte 0' }]
}

function isBase64(value: Json): boolean {
  return (
    value === null ||
    (typeof value === 'string' && /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value))
  )
}

function undecodable(kind: Kind, why: string): Error {
  const { name } = subjectOf(kind)
  return badRequest(`${name} in version "${kind.version}" cannot be handled as a ${name}: ${why}`)
}
