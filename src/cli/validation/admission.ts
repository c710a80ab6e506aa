/** Whether the API server would take a ModelService, and what it would say otherwise: offline, by the generated CRD. */
import { customResourceDefinition } from '../../api/crd.ts'
import { group, kind, version } from '../../api/names.ts'
import { mistypedMetadata, unknownFields, unmarshalText } from './decoding.ts'
import { invalidMessage } from './field-error.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { createJudge } from './judge.ts'
import { tidyMetadata, validateMetadata } from './metadata.ts'
import { applyDefaults, type Schema } from './schema.ts'

export type Admission =
  /** What would be stored. */
  | { readonly ok: true; readonly object: JsonObject }
  /** The message of the API server's answer, and the findings in it one by one. */
  | { readonly ok: false; readonly message: string; readonly findings: readonly string[] }

/**
 * Judges an object as `kubectl apply` has the API server judge it: a field that is not known is refused.
 * `stored` is the object that it would replace.
 */
export type Admit = (manifest: unknown, stored?: unknown) => Admission

export function createAdmission(): Admit {
  const schema = schemaOf(customResourceDefinition())
  const judge = createJudge(schema)
  return (manifest, stored) => {
    const document = toJson(manifest)
    const old = stored === undefined ? undefined : toJson(stored)
    if (!isObject(document)) return undecodable('json: cannot unmarshal into an object')
    const { apiVersion } = document
    if (apiVersion !== `${group}/${version}`)
      return refused(
        `the API version in the data (${typeof apiVersion === 'string' ? apiVersion : ''}) does not match the expected API version (${group}/${version})`,
      )
    const unknown = unknownFields(schema, document)
    if (unknown.length > 0)
      return undecodable(`strict decoding error: ${unknown.map((field) => `unknown field "${field}"`).join(', ')}`)
    const [mistyped] = mistypedMetadata(document)
    if (mistyped) return undecodable(unmarshalText(mistyped))
    applyDefaults(document, schema)
    // Whoever creates an object sets no status: the API server drops it.
    delete document.status
    const metadata = tidyMetadata(document.metadata)
    const found = validateMetadata(metadata, false)
    const errors = [...found, ...judge(document, old, found)]
    if (errors.length > 0) {
      const message = invalidMessage(`${kind}.${group}`, metadata.name ?? '', errors)
      return { ok: false, message, findings: errors.map((error) => `${error.field}: ${error.message}`) }
    }
    return { ok: true, object: document }
  }
}

function schemaOf(crd: Readonly<Record<string, unknown>>): Schema {
  const { versions } = crd.spec as { versions: { schema: { openAPIV3Schema: Schema } }[] }
  const [only] = versions
  if (!only) throw new Error('the CRD has no version')
  return only.schema.openAPIV3Schema
}

/** A copy, as it goes over the wire. */
function toJson(value: unknown): Json | undefined {
  return JSON.parse(JSON.stringify(value)) as Json | undefined
}

function undecodable(why: string): Admission {
  return refused(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`)
}

function refused(message: string): Admission {
  return { ok: false, message, findings: [message] }
}
