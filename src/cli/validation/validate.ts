import { canonical, equal, isObject, type Json } from './json.ts'
import { itemKey, join, keyFields, valueSchema, type Schema } from './schema.ts'
import type { FieldError, FieldReason } from './field-error.ts'

/**
 * Judges an object by its structural schema, in the real server's words. What an update leaves as it was is not
 * judged again: a stored object that a newer schema refuses can still be written elsewhere (validation ratcheting).
 */
export type Validator = (value: Json | undefined, old: Json | undefined) => FieldError[]

export function createValidator(root: Schema): Validator {
  const patterns = new Map<string, RegExp>()

  function pattern(text: string): RegExp {
    let found = patterns.get(text)
    if (!found) patterns.set(text, (found = new RegExp(text)))
    return found
  }

  function check(value: Json, old: Json | undefined, schema: Schema, path: string): FieldError[] {
    if (old !== undefined && equal(value, old)) return []
    if (value === null && schema.nullable) return []
    const typeErrors = checkType(value, schema, path)
    const errors = [...typeErrors]
    if (typeof value === 'string') errors.push(...checkText(value, schema, path))
    if (typeof value === 'number') errors.push(...checkNumber(value, schema, path))
    errors.push(...checkEnum(value, schema, path))
    if (typeErrors.length > 0) return errors
    if (Array.isArray(value)) errors.push(...checkList(value, old, schema, path))
    if (isObject(value)) errors.push(...checkObject(value, old, schema, path))
    return [...errors, ...checkAlternatives(value, schema, path)]
  }

  function checkText(value: string, schema: Schema, path: string): FieldError[] {
    const errors: FieldError[] = []
    // Code points, as the real server counts.
    const length = Array.from(value).length
    if (schema.maxLength !== undefined && length > schema.maxLength) {
      errors.push(finding('FieldValueTooLong', path, `Too long: may not be more than ${schema.maxLength} bytes`))
    }
    if (schema.minLength !== undefined && length < schema.minLength) {
      errors.push(invalidValue(path, value, `should be at least ${schema.minLength} chars long`))
    }
    if (schema.pattern !== undefined && !pattern(schema.pattern).test(value)) {
      errors.push(invalidValue(path, value, `should match '${schema.pattern}'`))
    }
    if (schema.format === 'date-time' && !isDateTime(value)) {
      const quoted = JSON.stringify(value)
      const message = `Invalid value: ${quoted}: ${path} in body must be of type date-time: ${quoted}`
      errors.push(finding('FieldValueTypeInvalid', path, message))
    }
    return errors
  }

  function checkList(value: Json[], old: Json | undefined, schema: Schema, path: string): FieldError[] {
    const errors: FieldError[] = []
    const { items } = schema
    const before = Array.isArray(old) ? old : []
    const byKey = schema['x-kubernetes-list-type'] === 'map'
    const matching = (item: Json) =>
      byKey ? before.find((o) => itemKey(o, schema) === itemKey(item, schema)) : undefined
    if (items) value.forEach((item, i) => errors.push(...check(item, matching(item), items, `${path}[${i}]`)))
    if (schema.minItems !== undefined && value.length < schema.minItems) {
      errors.push(invalidValue(path, value.length, `should have at least ${schema.minItems} items`))
    }
    if (schema.maxItems !== undefined && value.length > schema.maxItems)
      errors.push(tooMany(path, value.length, schema.maxItems))
    return errors
  }

  function checkObject(value: Record<string, Json | undefined>, old: Json | undefined, schema: Schema, path: string) {
    const errors: FieldError[] = []
    const before = isObject(old) ? old : {}
    for (const key of Object.keys(value).sort()) {
      const known = schema.properties?.[key] ?? valueSchema(schema)
      const item = value[key]
      if (known && item !== undefined) errors.push(...check(item, before[key], known, join(path, key)))
    }
    for (const key of schema.required ?? []) {
      if (value[key] === undefined) errors.push(finding('FieldValueRequired', join(path, key), 'Required value'))
    }
    const size = Object.keys(value).length
    if (schema.minProperties !== undefined && size < schema.minProperties) {
      errors.push(invalidValue(path, size, `should have at least ${schema.minProperties} properties`))
    }
    if (schema.maxProperties !== undefined && size > schema.maxProperties)
      errors.push(tooMany(path, size, schema.maxProperties))
    return errors
  }

  function checkAlternatives(value: Json, schema: Schema, path: string): FieldError[] {
    const fits = (alternative: Schema) => check(value, undefined, alternative, path).length === 0
    const errors: FieldError[] = []
    const must = (text: string) =>
      errors.push(finding('FieldValueInvalid', '<nil>', `Invalid value: "": "${path}" must ${text}`))
    if (schema.anyOf && !schema.anyOf.some(fits)) must('validate at least one schema (anyOf)')
    if (schema.oneOf && schema.oneOf.filter(fits).length !== 1) must('validate one and only one schema (oneOf)')
    if (schema.allOf && !schema.allOf.every(fits)) must('validate all the schemas (allOf)')
    if (schema.not && fits(schema.not)) must('not validate the schema (not)')
    return errors
  }

  return (value, old) =>
    value === undefined ? [] : [...check(value, old, root, ''), ...checkListTypes(value, root, '')]
}

function checkType(value: Json, schema: Schema, path: string): FieldError[] {
  const wanted = schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : []
  const found = typeOf(value)
  if (wanted.length === 0 || wanted.includes(found) || (wanted.includes('number') && found === 'integer')) {
    const outside = typeof value === 'number' && schema.format === 'int32' && Math.abs(value) > 2 ** 31
    return outside ? [uncheckable(path, 'integer with format int32')] : []
  }
  const message = `Invalid value: "${found}": ${path} in body must be of type ${wanted.join(',')}: "${found}"`
  const error = finding('FieldValueTypeInvalid', path === '' ? '<nil>' : path, message)
  return found === 'number' && wanted.includes('integer')
    ? [error, uncheckable(path, 'integer (default format)')]
    : [error]
}

function checkNumber(value: number, schema: Schema, path: string): FieldError[] {
  const { minimum, maximum, multipleOf } = schema
  const errors: FieldError[] = []
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    errors.push(invalidValue(path, value, `should be a multiple of ${multipleOf}`))
  }
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum)) {
    errors.push(
      invalidValue(path, value, `should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`),
    )
  }
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum)) {
    errors.push(
      invalidValue(path, value, `should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`),
    )
  }
  return errors
}

function checkEnum(value: Json, schema: Schema, path: string): FieldError[] {
  if (!schema.enum || schema.enum.some((allowed) => equal(allowed, value))) return []
  const supported = schema.enum.map((allowed) => JSON.stringify(allowed)).join(', ')
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`
  return [finding('FieldValueNotSupported', path, message)]
}

/** Duplicates in sets and in lists with map keys. Judged apart: the real server does so even for wrong types. */
function checkListTypes(value: Json, schema: Schema, path: string): FieldError[] {
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, item]) => {
      const known = schema.properties?.[key] ?? valueSchema(schema)
      return known && item !== undefined ? checkListTypes(item, known, join(path, key)) : []
    })
  }
  if (!Array.isArray(value)) return []
  const { items } = schema
  const errors = items ? value.flatMap((item, i) => checkListTypes(item, items, `${path}[${i}]`)) : []
  const listType = schema['x-kubernetes-list-type']
  if (listType !== 'map' && listType !== 'set') return errors
  const seen = new Set<string>()
  value.forEach((item, i) => {
    if (listType === 'map' && !isObject(item)) {
      const message = `Invalid value: ${JSON.stringify(item)}: must be an object for an array of list-type map`
      errors.push(finding('FieldValueInvalid', `${path}[${i}]`, message))
      return
    }
    const keys = schema['x-kubernetes-list-map-keys'] ?? []
    const text = canonical(listType === 'map' && isObject(item) ? keyFields(item, keys) : item)
    if (seen.has(text)) errors.push(finding('FieldValueDuplicate', `${path}[${i}]`, `Duplicate value: ${text}`))
    seen.add(text)
  })
  return errors
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function isDateTime(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
  )
}

function finding(reason: FieldReason, field: string, message: string): FieldError {
  return { reason, field, message }
}

function invalidValue(path: string, value: Json, text: string): FieldError {
  return finding('FieldValueInvalid', path, `Invalid value: ${JSON.stringify(value)}: ${path} in body ${text}`)
}

function tooMany(path: string, count: number, most: number): FieldError {
  return finding('FieldValueTooMany', path, `Too many: ${count}: must have at most ${most} items`)
}

function uncheckable(path: string, type: string): FieldError {
  return finding('FieldValueInvalid', '<nil>', `Invalid value: "": Checked value must be of type ${type} in ${path}`)
}
