/** What each property is tried with: derived from its schema, and written by hand where a CEL rule judges. */
import { asSpelled, held, refused, told, type Case } from './case.ts'
import { matching, sampleOf, type Property, type Schema } from './properties.ts'
import { also, ruled } from './ruled.ts'

export function casesOf({ path, schema, isRequired }: Property): readonly Case[] {
  const written = schema['x-kubernetes-validations'] ? ruled[path] : undefined
  if (schema['x-kubernetes-validations'] && !written) throw new Error(`write cases for the rules of ${path}`)
  return [...(written ?? derived(schema)), ...(also[path] ?? []), ...wrongTypes(schema), ...absence(isRequired)]
}

function derived(schema: Schema): readonly Case[] {
  switch (schema.type) {
    case 'string':
      return texts(schema)
    case 'integer':
      return integers(schema)
    case 'boolean':
      return [held('false', false), held('true', true)]
    case 'array':
      return lists(schema)
    case 'object':
      return schema.additionalProperties ? maps(schema.additionalProperties) : objects(schema)
    default:
      throw new Error('a property without type and without rules')
  }
}

function texts({ enum: choices, pattern }: Schema): readonly Case[] {
  if (choices)
    return [
      ...choices.map((choice) => held(choice, choice)),
      ...['', ' ', 'x', ...choices.flatMap((choice) => [choice.toLowerCase(), `${choice} `])].map(refusedText),
    ]
  if (pattern !== undefined) {
    const match = matching(pattern)
    const near = ['', match.slice(1), `${match}0`, `${match}\n`, ` ${match}`, `g${match.slice(1)}`, `../${match}`]
    return [held('a match', match), ...near.filter((text) => !new RegExp(pattern).test(text)).map(refusedText)]
  }
  return [
    held('something', 'something'),
    held('nothing', ''),
    held('a blank', ' '),
    held('unicode', 'ünïcødé 模型 🚀 \u202e\u200b'),
    held('control characters', 'a\u0000b\u001bc\r\nd\te'),
    held('half a character', 'a\ud800b'),
    held('quotes and templates', '"\'\\ {{ .Values.x }} $(X) ${X} %s'),
    held('a hundred thousand characters', 'x'.repeat(100_000)),
    ...['null', 'true', '1e3', '- a: [', '../../v1/accounts'].map((text) => held(JSON.stringify(text), text)),
  ]
}

function integers({ minimum, maximum }: Schema): readonly Case[] {
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
    ...[...new Set([...edges, ...far])].map((value) => (fits(value) ? held : refused)(String(value), value)),
    ...spelled.map(([text, value]) => (fits(value) ? held : refused)(text, asSpelled(text))),
  ]
}

function lists(schema: Schema): readonly Case[] {
  const { items = {}, maxItems, 'x-kubernetes-list-map-keys': keys } = schema
  const sample = sampleOf(items)
  const of = (length: number) =>
    Array.from({ length }, (_, i) =>
      keys ? { ...(sample as object), ...Object.fromEntries(keys.map((key) => [key, `key-${i}`])) } : sample,
    )
  return [
    held('one', of(1)),
    held('none', []),
    held('three', of(3)),
    keys ? refused('one twice', [sample, sample]) : held('one twice', [sample, sample]),
    refused('nothing within', [null]),
    ...(maxItems === undefined
      ? [held('a thousand', of(1000))]
      : [held('as many as may be', of(maxItems)), refused('one too many', of(maxItems + 1))]),
  ]
}

function maps(values: Schema): readonly Case[] {
  const sample = sampleOf(values)
  const under = (...keys: string[]) => Object.fromEntries(keys.map((key) => [key, sample]))
  return [
    held('one', under('key')),
    held('none', {}),
    held('another in its place', under('other')),
    held('in any order', under('b', 'a', '10', '9')),
    held('a key that is empty', under('')),
    held('a key in unicode', under('ключ 🔑', 'a\nb', 'a.b/c~d', '$ref')),
    held('a long key', under('k'.repeat(10_000))),
    held('keys that JavaScript knows', under('constructor', 'toString', 'hasOwnProperty')),
    told('a key that JavaScript cannot keep', under('__proto__')),
    held('three hundred', under(...Array.from({ length: 300 }, (_, i) => `key-${i}`))),
  ]
}

function objects(schema: Schema): readonly Case[] {
  return [
    held('as little as may be', sampleOf(schema)),
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
function wrongTypes(schema: Schema): readonly Case[] {
  const right: readonly unknown[] = schema['x-kubernetes-int-or-string'] ? ['string', 'integer'] : [schema.type]
  return Object.entries(ofEachType)
    .filter(([type]) => !right.includes(type))
    .map(([type, value]) => refused(`type ${type}`, value))
}

/** An explicit null is no value: the API server takes it away, as kubectl means it, unless something must be there. */
function absence(isRequired: boolean): readonly Case[] {
  return isRequired
    ? [refused('null', null), refused('absent', undefined)]
    : [held('null', null), held('absent', undefined)]
}

const refusedText = (text: string) => refused(JSON.stringify(text), text)
