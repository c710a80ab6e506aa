import { expect, it } from 'vitest'
import { fieldNames } from '../../src/api/modelservice.ts'
import { propertiesOf, specSchema, type Schema } from './properties.ts'
import { sequencesOf } from './edit-sequence.ts'
import { casesOf } from './cases.ts'
import { sourcedFields } from './sourced-fields.ts'

/** Paths of all schemas below one, found without what the tests use to find them. */
function pathsIn(schema: Schema, at = ''): readonly string[] {
  const { properties = {}, items, additionalProperties } = schema
  return [
    ...Object.entries(properties).flatMap(([name, inner]) => {
      const path = at === '' ? name : `${at}.${name}`
      return [path, ...pathsIn(inner, path)]
    }),
    ...(items ? [`${at}[]`, ...pathsIn(items, `${at}[]`)] : []),
    ...(additionalProperties ? [`${at}{}`, ...pathsIn(additionalProperties, `${at}{}`)] : []),
  ]
}

const properties = propertiesOf(specSchema())

it('every property of the schema is tried: as part of what ZStack is to hold, or as a word to the operator', () => {
  expect(properties.map(({ path }) => path)).toEqual(pathsIn(specSchema()))
  const directives = properties
    .map(({ field }) => field)
    .filter((field) => !(fieldNames as readonly string[]).includes(field))
  expect(new Set(directives)).toEqual(new Set(['uuid', 'policy', 'suspend', ...Object.keys(sourcedFields)]))
})

it('every property is tried with what it takes, with what it refuses, and with nothing', () => {
  for (const property of properties) {
    const cases = casesOf(property)
    const outcomes = new Set(cases.map(({ outcome }) => outcome))
    expect([...outcomes], property.path).toEqual(expect.arrayContaining(['applied', 'refused']))
    expect(
      cases.map(({ what }) => what),
      property.path,
    ).toEqual(expect.arrayContaining(['null', 'absent']))
    expect(sequencesOf(property).flatMap((one) => one.cases)).toHaveLength(cases.length)
  }
})

it('a property that is new has cases at once, or the tests ask for them', () => {
  const tries = (schema: Schema) => casesOf(propertiesOf({ properties: { added: schema } })[0]!).length
  expect(tries({ type: 'string' })).toBeGreaterThan(10)
  expect(tries({ type: 'integer', minimum: 5, maximum: 9 })).toBeGreaterThan(10)
  expect(() => tries({ type: 'integer' })).toThrow('without bounds')
  expect(() => tries({ type: 'string', pattern: '^new$' })).toThrow('name a text that matches')
  expect(() => tries({ type: 'string', 'x-kubernetes-validations': [{}] })).toThrow(
    'write cases for the rules of added',
  )
})
