/**
 * YAML read by a parser ten times as fast, with every scalar as the text it is written as (YAML's failsafe schema). That
 * decides the common case at little cost: texts of which some plain word or number is another one.
 */
import { FAILSAFE_SCHEMA, loadAll } from 'js-yaml'
import { isMap } from './json.ts'

/** Beyond that, and with anchors, aliases, tags and directives, the judge is the careful parser, with its bounds. */
const maxCharacters = 16 * 1024
const beyondPlain = /[&*!%]/

/** The documents of a text; nothing where it takes a more careful look. */
export function readFailsafe(text: string): readonly unknown[] | undefined {
  if (text.length > maxCharacters || beyondPlain.test(text)) return undefined
  try {
    return loadAll(text, { schema: FAILSAFE_SCHEMA })
  } catch {
    return undefined
  }
}

/** Whether two values cannot be the same in whatever schema. Where it says no, they may be the same or not. */
export function isClearlyOther(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string')
    return a.toLowerCase() !== b.toLowerCase() && isPlainScalar(a) && isPlainScalar(b)
  if (Array.isArray(a) && Array.isArray(b))
    return a.length !== b.length || a.some((item, index) => isClearlyOther(item, b[index]))
  if (!isMap(a) || !isMap(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length !== Object.keys(b).length || keys.some((key) => Object.hasOwn(b, key) && isClearlyOther(a[key], b[key]))
  )
}

/** A word, a path or a decimal number: written in one way, whatever the case of `true` and `null`. */
function isPlainScalar(text: string): boolean {
  return /^(?:[a-z/][\w./:@-]*(?: [\w./:@-]+)*|-?[1-9]\d{0,14}|0)$/i.test(text)
}
