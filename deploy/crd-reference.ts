/** The field reference of the CRD as Markdown. */
import { conditionTypes } from '../src/api/status.ts'
import { markdownTable } from './tables.ts'

/** The part of JSON Schema that the tables tell of. */
export type Schema = {
  type?: string
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: Schema
  enum?: string[]
  pattern?: string
  minimum?: number
  maximum?: number
  maxLength?: number
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-validations'?: { rule: string; message: string }[]
}

/** A page with one row per field of spec and status, and one per condition type. */
export function crdReference(crd: Record<string, unknown>): string {
  const definition = crd.spec as {
    group: string
    names: { kind: string; shortNames: string[] }
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[]
  }
  const [served] = definition.versions
  const root = served?.schema.openAPIV3Schema.properties ?? {}
  return `<!-- Generated from src/api by "npm run generate"; edits are lost. -->
# ${definition.names.kind} \`${definition.group}/${served?.name ?? ''}\`

Short name \`${definition.names.shortNames.join(', ')}\`. The operator writes \`status\` and nothing else. A spec field that is absent is not managed.

## spec

${fieldTable(root.spec)}

## status

${fieldTable(root.status)}

## Conditions

${markdownTable(
  ['type', 'meaning'],
  Object.entries(conditionTypes).map(([type, meaning]) => [`\`${type}\``, meaning]),
)}

[deploy/README.md](../deploy/README.md#conditions) lists the reasons that they carry.
`
}

/** One row per field of the schema, nested ones by their path. */
export function fieldTable(schema: Schema | undefined): string {
  return markdownTable(['field', 'type', 'meaning'], schema ? [...fields(schema, '', new Map())] : [])
}

/** @param listed the first list of each schema of items: the items of a later one are not described again */
function* fields(schema: Schema, path: string, listed: Map<string, string>): Generator<readonly string[]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`
    const required = schema.required?.includes(name) === true ? ', required' : ''
    const items = field.items?.properties && JSON.stringify(field.items)
    const first = items === undefined ? undefined : listed.get(items)
    const alike = first === undefined ? '' : ` Its items are those of \`${first}\`.`
    yield [`\`${at}\``, `${typeName(field)}${required}`, meaning(field) + alike]
    if (first !== undefined) continue
    if (items !== undefined) listed.set(items, at)
    if (field.items?.properties) yield* fields(field.items, `${at}[]`, listed)
    else yield* fields(field, at, listed)
  }
}

function typeName(field: Schema): string {
  if (field['x-kubernetes-int-or-string'] === true) return 'integer or string'
  if (field.enum && field.enum.length < 6) return field.enum.map((value) => `\`${value}\``).join(' ')
  if (field.type === 'array' && field.items)
    return `list of ${field.items.properties ? 'objects' : typeName(field.items)}`
  if (field.additionalProperties) return `map to ${typeName(field.additionalProperties)}`
  if (field.type === 'integer' && field.minimum !== undefined) return `integer ≥ ${String(field.minimum)}`
  // Where a rule says more than the bound, the bound is there for the cost of the rule.
  const bound = field['x-kubernetes-validations'] ? undefined : field.maxLength
  if (field.type === 'string' && bound !== undefined) return `string of up to ${bound} characters`
  return field.type ?? 'any'
}

function meaning(field: Schema): string {
  const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
  const validations = [field, ...(field.items ? [field.items] : [])].map((one) => one['x-kubernetes-validations'] ?? [])
  const rules = validations.flat().map(({ message }) => sentence(message))
  return [field.description, ...rules].filter((part) => part !== undefined).join(' ')
}
