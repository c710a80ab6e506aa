/** Every property of spec in the generated CRD, down to the last leaf. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { crdFile } from '../../deploy/paths.ts'

export type Schema = {
  readonly type?: 'string' | 'integer' | 'boolean' | 'array' | 'object'
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
  readonly maxLength?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-validations'?: readonly unknown[]
}

export type Property = {
  /** Such as `architectureImages[].dockerImage`: `[]` stands for an item of a list, `{}` for a value of a map. */
  readonly path: string
  /** The field of spec that it is, or is part of. */
  readonly field: string
  readonly schema: Schema
  readonly isRequired: boolean
  /** The whole field with this value in place of the property; without the property where the value is `undefined`. */
  readonly within: (value: unknown) => unknown
}

export function specSchema(): Schema {
  const crd = parse(readFileSync(crdFile, 'utf8')) as {
    spec: { versions: [{ schema: { openAPIV3Schema: Schema } }] }
  }
  return crd.spec.versions[0].schema.openAPIV3Schema.properties?.spec ?? {}
}

export function propertiesOf({ properties = {}, required = [] }: Schema): readonly Property[] {
  return Object.entries(properties).flatMap(([field, schema]) =>
    walk({ path: field, field, schema, isRequired: required.includes(field), within: (value) => value }),
  )
}

function walk(property: Property): readonly Property[] {
  const { path, field, schema, within } = property
  const { items, additionalProperties, properties = {}, required = [] } = schema
  const others: Record<string, unknown> = Object.fromEntries(
    required.map((name) => [name, sampleOf(properties[name] ?? {})]),
  )
  return [
    property,
    ...(items
      ? walk({ path: `${path}[]`, field, schema: items, isRequired: true, within: (value) => within([value]) })
      : []),
    ...(additionalProperties
      ? walk({
          ...{ path: `${path}{}`, field, schema: additionalProperties, isRequired: false },
          within: (value) => within({ key: value }),
        })
      : []),
    ...Object.entries(properties).flatMap(([name, inner]) =>
      walk({
        ...{ path: `${path}.${name}`, field, schema: inner, isRequired: required.includes(name) },
        within: (value) => within({ ...others, [name]: value }),
      }),
    ),
  ]
}

/** Some value that the schema takes. */
export function sampleOf({ type, enum: choices, pattern, minimum = 1, items, properties, required }: Schema): unknown {
  switch (type) {
    case 'string':
      return choices?.[0] ?? (pattern === undefined ? 'sample' : matching(pattern))
    case 'integer':
      return minimum + 7
    case 'boolean':
      return true
    case 'array':
      return items ? [sampleOf(items)] : []
    case 'object':
      return Object.fromEntries((required ?? []).map((name) => [name, sampleOf(properties?.[name] ?? {})]))
    case undefined:
      return 4096 * 2 ** 20
  }
}

const matches: Readonly<Record<string, string>> = { '^[0-9a-fA-F]{32}$': '0123456789abcdefABCDEF0123456789' }

/** A text that fits the pattern; a pattern that is new has to be given one here. */
export function matching(pattern: string): string {
  const text = matches[pattern]
  if (text === undefined || !new RegExp(pattern).test(text)) throw new Error(`name a text that matches ${pattern}`)
  return text
}
