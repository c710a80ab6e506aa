/** What every object has above its spec, and when Kubernetes takes it. */
import { isObject, type Json, type JsonObject } from './json.ts'
import type { Schema } from './schema.ts'
import type { FieldError } from './field-error.ts'

export type Metadata = {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: JsonObject[]
  finalizers?: string[]
  managedFields?: JsonObject[]
}

const TEXTS: Schema = { type: 'object', additionalProperties: { type: 'string' } }
const TEXT: Schema = { type: 'string' }

/** What decoding keeps of an object's metadata. */
export const METADATA_SCHEMA: Schema = {
  type: 'object',
  properties: {
    name: TEXT,
    generateName: TEXT,
    namespace: TEXT,
    uid: TEXT,
    resourceVersion: TEXT,
    selfLink: TEXT,
    generation: { type: 'integer' },
    creationTimestamp: { type: 'string', format: 'date-time', nullable: true },
    deletionTimestamp: { type: 'string', format: 'date-time', nullable: true },
    deletionGracePeriodSeconds: { type: 'integer', nullable: true },
    labels: TEXTS,
    annotations: TEXTS,
    ownerReferences: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      items: {
        type: 'object',
        properties: {
          apiVersion: TEXT,
          kind: TEXT,
          name: TEXT,
          uid: TEXT,
          controller: { type: 'boolean' },
          blockOwnerDeletion: { type: 'boolean' },
        },
      },
    },
    finalizers: { type: 'array', items: TEXT, 'x-kubernetes-list-type': 'set' },
    managedFields: { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  },
}

/** The fields in the order the real server writes them, empty ones left out. */
export function tidyMetadata(raw: Json | undefined): Metadata {
  const tidy: JsonObject = {}
  if (!isObject(raw)) return tidy
  for (const key of Object.keys(METADATA_SCHEMA.properties ?? {})) {
    const value = raw[key]
    if (value === undefined || value === null || value === '' || key === 'selfLink') continue
    if (typeof value === 'object' && Object.keys(value).length === 0) continue
    tidy[key] = value
  }
  return tidy
}

const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const VALUE = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?'

const SUBDOMAIN_TEXT =
  `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end ` +
  `with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`
const LABEL_TEXT =
  `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end ` +
  `with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`
const QUALIFIED_TEXT =
  `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric ` +
  `character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}')`
const VALUE_TEXT =
  `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end ` +
  `with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${VALUE}')`

/** Findings about an object's own metadata; `strictName` asks for a DNS label, as namespaces need. */
export function validateMetadata(metadata: Metadata, strictName: boolean): FieldError[] {
  const errors: FieldError[] = []
  const refuse = (field: string, value: string, text: string) =>
    errors.push({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${text}` })
  const { name = '' } = metadata
  if (name === '') {
    const message = 'Required value: name or generateName is required'
    errors.push({ reason: 'FieldValueRequired', field: 'metadata.name', message })
  } else if (!matches(name, strictName ? LABEL : SUBDOMAIN)) {
    refuse('metadata.name', name, strictName ? LABEL_TEXT : SUBDOMAIN_TEXT)
  }
  const limit = strictName ? 63 : 253
  if (name.length > limit)
    refuse('metadata.name', name, `must be no more than ${limit} ${strictName ? 'bytes' : 'characters'}`)
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (!isQualifiedName(key)) refuse('metadata.labels', key, QUALIFIED_TEXT)
    if (!matches(value, VALUE)) refuse('metadata.labels', value, VALUE_TEXT)
    if (value.length > 63) refuse('metadata.labels', value, 'must be no more than 63 bytes')
  }
  for (const key of Object.keys(metadata.annotations ?? {})) {
    if (!isQualifiedName(key.toLowerCase())) refuse('metadata.annotations', key, QUALIFIED_TEXT)
  }
  for (const finalizer of metadata.finalizers ?? []) {
    if (!isQualifiedName(finalizer)) refuse('metadata.finalizers', finalizer, QUALIFIED_TEXT)
  }
  return errors
}

function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/')
  const name = text.slice(slash + 1)
  return name.length <= 63 && matches(name, QUALIFIED) && (slash < 0 || matches(text.slice(0, slash), SUBDOMAIN))
}

function matches(text: string, grammar: string): boolean {
  return new RegExp(`^(?:${grammar})$`).test(text)
}
