/** What the API server finds wrong with a document before it looks at any value of its spec. */
import type { FieldError } from './field-error.ts'
import { type JsonObject } from './json.ts'
import { METADATA_SCHEMA } from './metadata.ts'
import { prune, type Schema } from './schema.ts'
import { createValidator } from './validate.ts'

/** Drops in place what neither the schema nor Kubernetes knows, and answers the paths of what was dropped. */
export function unknownFields(schema: Schema, document: JsonObject): string[] {
  const typed: Schema = { type: 'string' }
  const properties = { ...schema.properties, apiVersion: typed, kind: typed, metadata: METADATA_SCHEMA }
  return prune(document, { ...schema, properties }).sort()
}

const checkMetadata = createValidator({ type: 'object', properties: { metadata: METADATA_SCHEMA } })

/** Wrong types in the metadata, which is decoded before it is judged. */
export function mistypedMetadata(document: JsonObject): FieldError[] {
  return checkMetadata(document, undefined)
}

/** A finding about a type in the words of a JSON decoder. */
export function unmarshalText(error: FieldError): string {
  const match = /must be of type ([\w,-]+): "(\w+)"$/.exec(error.message)
  if (!match) return error.message
  const [, wanted = '', found = ''] = match
  const json: Record<string, string> = { integer: 'number', boolean: 'bool' }
  return `json: cannot unmarshal ${json[found] ?? found} into Go struct field ${goField(error.field)} of type ${wanted}`
}

/** The decoder names a field of the metadata by its type in Go, and not the key of a map in it. */
function goField(field: string): string {
  return field.replace(/^metadata\.(\w+).*$/, 'ObjectMeta.$1')
}
