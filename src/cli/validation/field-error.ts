/** What a validation finds, in the words of the API server. */
export type FieldReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueTypeInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueForbidden'

/** One finding of a validation: `message` follows the field's path in the Status, as in `spec.a: Required value`. */
export type FieldError = { readonly reason: FieldReason; readonly field: string; readonly message: string }

/** The message of the answer 422. `kind` is as the API server names it, such as `ModelService.ai.zstack.io`. */
export function invalidMessage(kind: string, name: string, errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))]
  return `${kind} "${name}" is invalid: ${texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`}`
}
