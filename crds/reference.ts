/** The field reference of the CRD as Markdown. */
import { conditionTypes } from '../src/api/status.ts'
import { reasons } from '../src/api/reasons.ts'

type Schema = {
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
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-validations'?: { rule: string; message: string }[]
}

/** A page with one row per field of spec and status, and one per condition type and reason. */
export function reference(crd: Record<string, unknown>): string {
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

${table(root.spec)}

## status

${table(root.status)}

## Conditions

| type | meaning |
| --- | --- |
${Object.entries(conditionTypes)
  .map(([type, meaning]) => `| \`${type}\` | ${meaning} |`)
  .join('\n')}

## Reasons

${reasonTable()}
`
}

/** Every reason as a Markdown table. */
export function reasonTable(): string {
  const rows = Object.entries(reasons).map(
    ([reason, { meaning, advice }]) => `| \`${reason}\` | ${meaning} | ${advice} |`,
  )
  return ['| reason | what it means | what to do |', '| --- | --- | --- |', ...rows].join('\n')
}

function table(schema: Schema | undefined): string {
  const rows = schema ? [...fields(schema, '')] : []
  return ['| field | type | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

function* fields(schema: Schema, path: string): Generator<string> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`
    const required = schema.required?.includes(name) === true ? ', required' : ''
    yield `| \`${at}\` | ${typeName(field)}${required} | ${meaning(field)} |`
    if (field.items?.properties) yield* fields(field.items, `${at}[]`)
    else yield* fields(field, at)
  }
}

function typeName(field: Schema): string {
  if (field['x-kubernetes-int-or-string'] === true) return 'integer or string'
  if (field.enum && field.enum.length < 6) return field.enum.map((value) => `\`${value}\``).join(' ')
  if (field.type === 'array' && field.items)
    return `list of ${field.items.properties ? 'objects' : typeName(field.items)}`
  if (field.additionalProperties) return `map to ${typeName(field.additionalProperties)}`
  if (field.type === 'integer' && field.minimum !== undefined) return `integer ≥ ${String(field.minimum)}`
  return field.type ?? 'any'
}

function meaning(field: Schema): string {
  const rules = (field['x-kubernetes-validations'] ?? []).map(({ message }) => `${message}.`)
  return [field.description, ...rules].filter((part) => part !== undefined).join(' ')
}
