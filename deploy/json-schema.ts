/** JSON schemas of the custom resources, for editors and for checks of manifests before a cluster sees them. */

type Json = Readonly<Record<string, unknown>>

type Definition = {
  readonly group: string
  readonly names: { readonly kind: string }
  readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Json } }[]
}

type Rule = { readonly rule: string; readonly message: string }

export type JsonSchemaFile = {
  /** By group, kind and version, as kubeconform looks schemas of custom resources up. */
  readonly file: string
  readonly schema: Json
}

/** The schemas of a CRD, one for each version. */
export function jsonSchemas(crd: Json): JsonSchemaFile[] {
  const { group, names, versions } = crd.spec as Definition
  return versions.map(({ name, schema: { openAPIV3Schema } }) => {
    const { properties, required, ...root } = convert(openAPIV3Schema)
    const type = { apiVersion: { const: `${group}/${name}` }, kind: { const: names.kind } }
    return {
      file: `${group}/${names.kind.toLowerCase()}_${name}.json`,
      schema: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        title: `${names.kind} ${group}/${name}`,
        ...root,
        properties: { ...(properties as Json), ...type, metadata: { type: 'object' } },
        required: ['apiVersion', 'kind', 'metadata', ...((required ?? []) as string[])],
      },
    }
  })
}

/** Formats that JSON Schema does not know; what they say is in the bounds of the type. */
const foreignFormats: readonly unknown[] = ['int32', 'int64']

function convert(schema: Json): Json {
  const { properties, items, additionalProperties, format, type, description, ...others } = schema
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly Rule[]
  const [pattern] = rules.flatMap(({ rule }) => /^self\.matches\('([^'\\]*)'\)$/.exec(rule)?.[1] ?? [])
  return {
    ...describe(description, rules),
    ...(schema['x-kubernetes-int-or-string'] === true ? { type: ['integer', 'string'] } : { type }),
    ...Object.fromEntries(Object.entries(others).filter(([key]) => !key.startsWith('x-kubernetes-'))),
    ...(format !== undefined && !foreignFormats.includes(format) && { format }),
    ...(pattern !== undefined && { pattern }),
    ...(isSchema(items) && { items: convert(items) }),
    // A field that the CRD does not have is a mistake: server-side apply refuses it, and client-side apply may drop it.
    ...(isSchema(properties) && { properties: convertEach(properties), additionalProperties: false }),
    ...(isSchema(additionalProperties) && { additionalProperties: convert(additionalProperties) }),
  }
}

/** What the API server would say stands beside the field in an editor, whose schema cannot say it. */
function describe(description: unknown, rules: readonly Rule[]): { description?: string } {
  const sentences = rules.map(({ message }) => `It ${message}.`)
  const text = [...(typeof description === 'string' ? [description] : []), ...sentences].join(' ')
  return text === '' ? {} : { description: text }
}

const convertEach = (fields: Json): Json =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, convert(field as Json)]))

function isSchema(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}
