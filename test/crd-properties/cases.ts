/** What each property is tried with: derived from its schema, and written by hand where a CEL rule judges. */
import { asSpelled, applied, refused, reported, type ValueCase } from './value-case.ts'
import { matching, sampleOf, type Property, type Schema } from './properties.ts'
import { extraCases, ruleCases } from './rule-cases.ts'

export function casesOf({ path, schema, isRequired }: Property): readonly ValueCase[] {
  const written = schema['x-kubernetes-validations'] ? ruleCases[path] : undefined
  if (schema['x-kubernetes-validations'] && !written) throw new Error(`write cases for the rules of ${path}`)
  return [...(written ?? derived(schema)), ...(extraCases[path] ?? []), ...wrongTypes(schema), ...absence(isRequired)]
}

function derived(schema: Schema): readonly ValueCase[] {
  switch (schema.type) {
    case 'string':
      return texts(schema)
    case 'integer':
      return integers(schema)
    case 'boolean':
      return [applied('false', false), applied('true', true)]
    case 'array':
      return lists(schema)
    case 'object':
      return schema.additionalProperties ? maps(schema.additionalProperties) : objects(schema)
    default:
      throw new Error('a property without type and without rules')
  }
}

function texts({ enum: choices, pattern, maxLength }: Schema): readonly ValueCase[] {
  if (choices)
    return [
      ...choices.map((choice) => applied(choice, choice)),
      ...['', ' ', 'x', ...choices.flatMap((choice) => [choice.toLowerCase(), `${choice} `])].map(refusedText),
    ]
  if (pattern !== undefined) {
    const match = matching(pattern)
    const near = ['', match.slice(1), `${match}0`, `${match}\n`, ` ${match}`, `g${match.slice(1)}`, `../${match}`]
    return [applied('a match', match), ...near.filter((text) => !new RegExp(pattern).test(text)).map(refusedText)]
  }
  const long = maxLength ?? 100_000
  return [
    applied('something', 'something'),
    applied('nothing', ''),
    applied('a blank', ' '),
    applied('unicode', 'ünïcødé 模型 🚀 \u202e\u200b'),
    applied('control characters', 'a\u0000b\u001bc\r\nd\te'),
    applied('half a character', 'a\ud800b'),
    applied('quotes and templates', '"\'\\ {{ .Values.x }} $(X) ${X} %s'),
    applied('as many characters as may be, or very many', 'x'.repeat(long)),
    ...(maxLength === undefined ? [] : bounds(maxLength)),
    ...['null', 'true', '1e3', '- a: [', '../../v1/accounts'].map((text) => applied(JSON.stringify(text), text)),
  ]
}

/** Characters are counted, whatever they take in UTF-8 or UTF-16. */
function bounds(maxLength: number): readonly ValueCase[] {
  return [
    applied('as many wide characters as may be', '🚀'.repeat(maxLength)),
    refused('one character too many', 'x'.repeat(maxLength + 1)),
    refused('one wide character too many', '🚀'.repeat(maxLength + 1)),
    refused('a hundred thousand characters', 'x'.repeat(100_000)),
  ]
}

function integers({ minimum, maximum }: Schema): readonly ValueCase[] {
  if (minimum === undefined || maximum === undefined) throw new Error('an integer without bounds')
  const edges = [minimum, minimum + 1, maximum - 1, maximum, minimum - 1, maximum + 1]
  const far = [0, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, 2 ** 53, -(2 ** 53)]
  const spelled: readonly (readonly [string, number])[] = [
    [`${minimum + 2}.0`, minimum + 2],
    [`${minimum + 3}e0`, minimum + 3],
    ['9223372036854775807', 2 ** 63],
    ['9223372036854775808', 2 ** 63],
    ['-9223372036854775809', -(2 ** 63)],
    ['1e300', 1e300],
    ['0.5', 0.5],
  ]
  const fits = (value: number) => Number.isInteger(value) && value >= minimum && value <= maximum
  return [
    ...[...new Set([...edges, ...far])].map((value) => (fits(value) ? applied : refused)(String(value), value)),
    ...spelled.map(([text, value]) => (fits(value) ? applied : refused)(text, asSpelled(text))),
  ]
}

function lists({ items = {}, maxItems }: Schema): readonly ValueCase[] {
  const sample = sampleOf(items)
  const of = (length: number) => Array.from({ length }, () => sample)
  return [
    applied('one', of(1)),
    applied('none', []),
    applied('one several times', of(3)),
    refused('nothing within', [null]),
    ...(maxItems === undefined
      ? [applied('a thousand', of(1000))]
      : [applied('as many as may be', of(maxItems)), refused('one too many', of(maxItems + 1))]),
  ]
}

function maps(values: Schema): readonly ValueCase[] {
  const sample = sampleOf(values)
  const under = (...keys: string[]) => Object.fromEntries(keys.map((key) => [key, sample]))
  return [
    applied('one', under('key')),
    applied('none', {}),
    applied('another in its place', under('other')),
    applied('in any order', under('b', 'a', '10', '9')),
    applied('a key that is empty', under('')),
    applied('a key in unicode', under('ключ 🔑', 'a\nb', 'a.b/c~d', '$ref')),
    applied('a long key', under('k'.repeat(10_000))),
    applied('keys that JavaScript knows', under('constructor', 'toString', 'hasOwnProperty')),
    reported('a key that JavaScript cannot keep', under('__proto__')),
    applied('three hundred', under(...Array.from({ length: 300 }, (_, i) => `key-${i}`))),
  ]
}

function objects(schema: Schema): readonly ValueCase[] {
  return [
    applied('as little as may be', sampleOf(schema)),
    refused('a key nobody knows', { ...(sampleOf(schema) as object), unknownKey: 'x' }),
  ]
}

const ofEachType: Readonly<Record<string, unknown>> = {
  string: 'text',
  integer: 7,
  boolean: true,
  array: [],
  object: {},
}

/** One value of each type that the property does not have; a rule judges the two types that it allows. */
function wrongTypes(schema: Schema): readonly ValueCase[] {
  const right: readonly unknown[] = schema['x-kubernetes-int-or-string'] ? ['string', 'integer'] : [schema.type]
  return Object.entries(ofEachType)
    .filter(([type]) => !right.includes(type))
    .map(([type, value]) => refused(`type ${type}`, value))
}

/** An explicit null is no value: the API server takes it away, as kubectl means it, unless something must be there. */
function absence(isRequired: boolean): readonly ValueCase[] {
  return isRequired
    ? [refused('null', null), refused('absent', undefined)]
    : [applied('null', null), applied('absent', undefined)]
}

const refusedText = (text: string) => refused(JSON.stringify(text), text)
