import type { FieldError } from '../../../src/cli/validation/field-error.ts'
import { age } from './age.ts'
import { createJudge } from '../../../src/cli/validation/judge.ts'
import { compileJsonPath } from './json-path.ts'
import { isObject, listAt, objectAt, textAt, type Json, type JsonObject } from '../../../src/cli/validation/json.ts'
import type { Kind } from './kinds.ts'
import type { KubeObject } from './object.ts'
import type { Schema } from '../../../src/cli/validation/schema.ts'
import { badRequest, invalid } from './status-error.ts'
import { AGE_COLUMN, type Column } from './table.ts'

/** The served versions of a CustomResourceDefinition as resources. Throws a StatusError where the CRD makes no sense. */
export function kindsOf(crd: KubeObject): Kind[] {
  const spec = objectAt(crd, 'spec')
  const names = objectAt(spec, 'names')
  const required = [textAt(spec, 'group'), textAt(names, 'plural'), textAt(names, 'kind')]
  if (required.includes(''))
    throw badRequest('a CustomResourceDefinition needs spec.group, spec.names.plural and spec.names.kind')
  const expected = `${textAt(names, 'plural')}.${textAt(spec, 'group')}`
  if (crd.metadata.name !== expected) {
    const message = `Invalid value: ${JSON.stringify(crd.metadata.name)}: must be spec.names.plural+"."+spec.group`
    throw refusal(crd, { reason: 'FieldValueInvalid', field: 'metadata.name', message })
  }
  const versions = listAt(spec, 'versions').filter((version) => isObject(version) && version.served === true)
  return versions.map((version) => kindOf(crd, spec, names, version as JsonObject))
}

function kindOf(crd: KubeObject, spec: JsonObject, names: JsonObject, version: JsonObject): Kind {
  const schema = objectAt(objectAt(version, 'schema'), 'openAPIV3Schema') as Schema
  const judge = judgeOf(crd, schema)
  const status = isObject(objectAt(version, 'subresources').status)
  const extra = listAt(version, 'selectableFields').map((field) => textAt(field, 'jsonPath').replace(/^\./, ''))
  return {
    group: textAt(spec, 'group'),
    version: textAt(version, 'name'),
    kind: textAt(names, 'kind'),
    listKind: textAt(names, 'listKind') || `${textAt(names, 'kind')}List`,
    plural: textAt(names, 'plural'),
    singular: textAt(names, 'singular') || textAt(names, 'kind').toLowerCase(),
    shortNames: listAt(names, 'shortNames').map(String),
    categories: listAt(names, 'categories').map(String),
    namespaced: textAt(spec, 'scope') !== 'Cluster',
    custom: true,
    status,
    generation: true,
    unconditionalUpdate: false,
    createOnUpdate: false,
    schema,
    columns: columnsOf(version),
    selectableFields: ['metadata.name', 'metadata.namespace', ...extra],
    prepare: () => undefined,
    validate: judge,
  }
}

function judgeOf(crd: KubeObject, schema: Schema): Kind['validate'] {
  try {
    const judge = createJudge(schema)
    return (object, old) => judge(object, old)
  } catch (error) {
    const [, at = '', why = ''] = /^(.*?): (.*)$/s.exec(error instanceof Error ? error.message : String(error)) ?? []
    const field = `spec.validation.openAPIV3Schema${at}`
    throw refusal(crd, { reason: 'FieldValueInvalid', field, message: why })
  }
}

function refusal(crd: KubeObject, error: FieldError): Error {
  return invalid({ group: '', name: 'CustomResourceDefinition' }, crd.metadata.name ?? '', [error])
}

function columnsOf(version: JsonObject): Column[] {
  const declared = listAt(version, 'additionalPrinterColumns').filter(isObject)
  return declared.length === 0 ? [AGE_COLUMN] : declared.map(columnOf)
}

function columnOf(declared: JsonObject): Column {
  const path = textAt(declared, 'jsonPath')
  const type = textAt(declared, 'type')
  const read = compileJsonPath(path)
  return {
    name: textAt(declared, 'name'),
    type,
    format: textAt(declared, 'format'),
    description: textAt(declared, 'description') || `Custom resource definition column (in JSONPath format): ${path}`,
    priority: Number(declared.priority ?? 0),
    // A path that finds several values shows the first: so does the real server.
    cell: (object) => cellOf(type, read(object)[0]),
  }
}

function cellOf(type: string, value: Json | undefined): Json {
  if (value === undefined || value === null) return null
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? age(value) : null
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
}
