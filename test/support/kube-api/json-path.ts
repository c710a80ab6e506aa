import { isObject, type Json } from '../../../src/cli/validation/json.ts'

export type JsonPath = (document: Json | undefined) => Json[]

/**
 * Compiles the subset of JSONPath that printer columns use: `.a.b`, `['a']`, `[0]`, `[-1]`, `[*]` and
 * `[?(@.type=="Ready")]`. Throws on anything else.
 */
export function compileJsonPath(path: string): JsonPath {
  const steps = parse(path)
  return (document) =>
    steps.reduce<Json[]>((found, step) => found.flatMap(step), document === undefined ? [] : [document])
}

type Step = (value: Json) => Json[]

const NAME = /^\.((?:\\.|[^.[\]\\])+)/
const QUOTED = /^\['((?:[^'\\]|\\.)*)'\]/
const INDEX = /^\[(-?\d+)\]/
const ALL = /^(?:\[\*\]|\.\*)/
const FILTER = /^\[\?\(\s*@((?:\.[A-Za-z0-9_-]+)+)\s*(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|[^)\s]+)\s*\)\]/

function parse(path: string): Step[] {
  const steps: Step[] = []
  let rest = path.replace(/^\$|^\{|\}$/g, '')
  const take = (grammar: RegExp): string[] | undefined => {
    const match = grammar.exec(rest)
    if (match) rest = rest.slice(match[0].length)
    return match ? [...match] : undefined
  }
  while (rest !== '') {
    let match: string[] | undefined
    if (take(ALL)) steps.push((value) => (Array.isArray(value) ? value : isObject(value) ? defined(value) : []))
    else if ((match = take(INDEX))) steps.push(index(Number(match[1])))
    else if ((match = take(QUOTED) ?? take(NAME))) steps.push(member((match[1] ?? '').replaceAll(/\\(.)/g, '$1')))
    else if ((match = take(FILTER))) steps.push(filter(match[1] ?? '', match[2] ?? '', match[3] ?? ''))
    else throw new Error(`cannot read the JSON path ${path} at ${rest}`)
  }
  return steps
}

function defined(value: Record<string, Json | undefined>): Json[] {
  return Object.values(value).filter((item) => item !== undefined)
}

function member(name: string): Step {
  return (value) => {
    const found = isObject(value) ? value[name] : undefined
    return found === undefined ? [] : [found]
  }
}

function index(at: number): Step {
  return (value) => {
    const found = Array.isArray(value) ? value.at(at) : undefined
    return found === undefined ? [] : [found]
  }
}

function filter(path: string, operator: string, literal: string): Step {
  const steps = parse(path)
  const quoted = /^["'](.*)["']$/.exec(literal)
  const wanted: Json = quoted ? (quoted[1] ?? '') : (JSON.parse(literal) as Json)
  return (value) =>
    (Array.isArray(value) ? value : []).filter((item) => {
      const [found] = steps.reduce<Json[]>((values, step) => values.flatMap(step), [item])
      return found !== undefined && holds(found, operator, wanted)
    })
}

function holds(found: Json, operator: string, wanted: Json): boolean {
  if (operator === '==') return found === wanted
  if (operator === '!=') return found !== wanted
  if (typeof found !== typeof wanted || found === null || wanted === null) return false
  if (operator === '<') return found < wanted
  if (operator === '<=') return found <= wanted
  return operator === '>' ? found > wanted : found >= wanted
}
