import { isObject, type Json } from '../../../src/cli/validation/json.ts'
import type { KubeObject } from './object.ts'
import { badRequest } from './status-error.ts'

export type Selector = (object: KubeObject) => boolean

/** Which objects a list or watch asks for. Throws a StatusError where the real server refuses the selector. */
export function parseSelectors(query: URLSearchParams, fields: readonly string[]): Selector {
  const tests = [
    ...labelTests(query.get('labelSelector') ?? ''),
    ...fieldTests(query.get('fieldSelector') ?? '', fields),
  ]
  return (object) => tests.every((test) => test(object))
}

const KEY = String.raw`[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`
const SET_BASED = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^)]*)\\)$`)
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=|>|<)\\s*([-A-Za-z0-9_.]*)$`)
const EXISTENCE = new RegExp(`^(!?)\\s*(${KEY})$`)

function labelTests(text: string): Selector[] {
  // Commas inside the parentheses of in (...) belong to the set.
  const requirements = text.split(/,(?![^(]*\))/).map((part) => part.trim())
  return requirements.filter((part) => part !== '').map(labelTest)
}

function labelTest(requirement: string): Selector {
  const label = (key: string) => (object: KubeObject) => object.metadata.labels?.[key]
  const set = SET_BASED.exec(requirement)
  if (set) {
    const [, key = '', operator, list = ''] = set
    const values = list.split(',').map((value) => value.trim())
    const read = label(key)
    return (object) => {
      const value = read(object)
      return operator === 'in' ? value !== undefined && values.includes(value) : !values.includes(value ?? '\0')
    }
  }
  const comparison = EQUALITY.exec(requirement)
  if (comparison) {
    const [, key = '', operator, wanted = ''] = comparison
    const read = label(key)
    if (operator === '!=') return (object) => read(object) !== wanted
    if (operator === '>') return (object) => Number(read(object)) > Number(wanted)
    if (operator === '<') return (object) => Number(read(object)) < Number(wanted)
    return (object) => read(object) === wanted
  }
  const existence = EXISTENCE.exec(requirement)
  if (existence) {
    const [, not, key = ''] = existence
    const read = label(key)
    return (object) => (read(object) === undefined) === (not === '!')
  }
  const second = requirement.split(/\s+/)[1] ?? ''
  throw badRequest(`unable to parse requirement: found '${second}', expected: in, notin, =, ==, !=, gt, lt`)
}

function fieldTests(text: string, supported: readonly string[]): Selector[] {
  if (text === '') return []
  return text.split(',').map((part) => {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part)
    if (!match) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`)
    const [, path = '', operator, wanted] = match
    if (!supported.includes(path)) throw badRequest(`field label not supported: ${path}`)
    const steps = path.split('.')
    return (object) => (fieldText(object, steps) === wanted) === (operator !== '!=')
  })
}

function fieldText(object: KubeObject, steps: readonly string[]): string {
  let value: Json | undefined = object
  for (const step of steps) value = isObject(value) ? value[step] : undefined
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value)
}
