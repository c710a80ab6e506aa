import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { chartFolder } from '../../deploy/paths.ts'
import { chartReadme } from '../../deploy/chart-readme.ts'

const read = (name: string) => readFileSync(new URL(name, chartFolder), 'utf8')

type Schema = { readonly properties?: Readonly<Record<string, Schema>> }

/** What can be set: of a map whose fields the schema names, these. */
function pathsOf(values: Readonly<Record<string, unknown>>, { properties = {} }: Schema, prefix = ''): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const within = properties[name] ?? {}
    return within.properties
      ? pathsOf(value as Record<string, unknown>, within, `${prefix}${name}.`)
      : [`${prefix}${name}`]
  })
}

it('the README of the chart has a type, the default and a meaning for everything that can be set', () => {
  const rows = read('README.md')
    .split('\n')
    .flatMap((line) => {
      const [, path, type, fallback, meaning] = /^\| `([\w.]+)` \| (.*?) \| (.*?) \| (.*) \|$/.exec(line) ?? []
      return path === undefined || fallback === '' ? [] : [{ path, type, fallback, meaning }]
    })
  const values = parse(read('values.yaml')) as Record<string, unknown>
  expect(rows.map(({ path }) => path)).toEqual(pathsOf(values, JSON.parse(read('values.schema.json')) as Schema))
  expect(rows.filter(({ type, meaning }) => type === '' || meaning === '')).toEqual([])
})

it('a value that the schema does not know ends the generation', () => {
  const files = { name: 'chart', version: '1.0.0', values: '# -- All --\n# Why.\na: 1\n', schema: '{"properties":{}}' }
  expect(() => chartReadme(files)).toThrow('values.schema.json does not know a')
})
