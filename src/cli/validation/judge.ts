/** An object by the schema of its CRD and by the rules in it, in the order in which the API server judges. */
import { compileRules } from './cel.ts'
import type { FieldError, FieldReason } from './field-error.ts'
import type { Json } from './json.ts'
import type { Schema } from './schema.ts'
import { createValidator } from './validate.ts'

/** With one of these, the API server does not go on to the CEL rules, and says so. */
const BLOCKING: readonly FieldReason[] = [
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]

const BLOCKED: FieldError = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; ' +
    'correct the existing errors to complete validation',
}

/** `found` is what is wrong with the metadata, which may keep the rules from being checked too. */
export type Judge = (object: Json, old: Json | undefined, found?: readonly FieldError[]) => FieldError[]

/** Throws where a rule of the schema does not compile. */
export function createJudge(schema: Schema): Judge {
  // Metadata is judged for every kind alike, before this.
  const own: Schema = { ...schema, properties: { ...schema.properties, metadata: {} } }
  const validate = createValidator(own)
  const rules = compileRules(own)
  return (object, old, found = []) => {
    const errors = validate(object, old)
    const isBlocked = [...found, ...errors].some((error) => BLOCKING.includes(error.reason))
    return isBlocked ? [...errors, BLOCKED] : [...errors, ...rules(object, old)]
  }
}
