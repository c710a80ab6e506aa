import { Environment } from '@marcbachmann/cel-js'
import { equal, isObject, type Json } from './json.ts'
import { compareQuantities, isWhole, parseQuantity, type Quantity } from './quantity.ts'
import { itemKey, join, valueSchema, type Rule, type Schema } from './schema.ts'
import type { FieldError, FieldReason } from './field-error.ts'

/** Evaluates the x-kubernetes-validations of a schema; a rule that names oldSelf runs on updates alone. */
export type Rules = (value: Json | undefined, old: Json | undefined) => FieldError[]

type Evaluate = (context: { self: unknown; oldSelf?: unknown }) => unknown

type Compiled = {
  readonly rule: Rule
  readonly transition: boolean
  readonly holds: Evaluate
  readonly message?: Evaluate
}

/** The part of a schema that leads to rules: a document without rules below costs nothing to judge. */
type RuleNode = {
  readonly schema: Schema
  readonly rules: readonly Compiled[]
  readonly properties: ReadonlyMap<string, RuleNode>
  readonly values: RuleNode | undefined
  readonly items: RuleNode | undefined
}

/** Throws where a rule does not parse: the CRD that holds it is refused. */
export function compileRules(schema: Schema): Rules {
  const root = compileNode(schema, createCompiler())
  return (value, old) => (root && value !== undefined ? judge(root, value, old, '') : [])
}

type Compiler = (expression: string, schema: Schema, result: 'bool' | 'string') => Evaluate

function createCompiler(): Compiler {
  const byType = new Map<string, Environment>()
  return (expression, schema, result) => {
    const type = celType(schema)
    const environment = byType.get(type) ?? createEnvironment(type)
    byType.set(type, environment)
    const checked = environment.check(expression)
    if (!checked.valid) throw new Error(`compilation failed: ERROR: ${checked.error?.message ?? 'not a rule'}`)
    if (checked.type !== result && checked.type !== 'dyn') throw new Error(`must evaluate to a ${result}`)
    return environment.parse(expression) as Evaluate
  }
}

function compileNode(schema: Schema, compile: Compiler, path = ''): RuleNode | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).map((rule, i): Compiled => {
    try {
      const holds = compile(rule.rule, schema, 'bool')
      const transition = /\boldSelf\b/.test(rule.rule)
      if (rule.messageExpression === undefined) return { rule, transition, holds }
      return { rule, transition, holds, message: compile(rule.messageExpression, schema, 'string') }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`${path}.x-kubernetes-validations[${i}].rule: Invalid value: ${JSON.stringify(rule)}: ${why}`, {
        cause: error,
      })
    }
  })
  const properties = new Map<string, RuleNode>()
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const node = compileNode(property, compile, `${path}.properties[${key}]`)
    if (node) properties.set(key, node)
  }
  const nested = valueSchema(schema)
  const values = nested ? compileNode(nested, compile, `${path}.additionalProperties`) : undefined
  const items = schema.items ? compileNode(schema.items, compile, `${path}.items`) : undefined
  const empty = rules.length === 0 && properties.size === 0 && !values && !items
  return empty ? undefined : { schema, rules, properties, values, items }
}

function judge(node: RuleNode, value: Json, old: Json | undefined, path: string): FieldError[] {
  if (value === null) return []
  const errors: FieldError[] = []
  if (node.rules.length > 0) {
    const unchanged = old !== undefined && equal(value, old)
    const self = celValue(value, node.schema)
    const oldSelf = old === undefined || old === null ? undefined : celValue(old, node.schema)
    for (const compiled of node.rules) {
      if (compiled.transition ? oldSelf === undefined : unchanged) continue
      const message = failure(compiled, oldSelf === undefined ? { self } : { self, oldSelf })
      if (message !== undefined) errors.push(found(compiled.rule, value, message, path))
    }
  }
  if (isObject(value)) {
    const before = isObject(old) ? old : {}
    for (const [key, item] of Object.entries(value)) {
      const child = node.properties.get(key) ?? (node.schema.properties?.[key] ? undefined : node.values)
      if (child && item !== undefined) errors.push(...judge(child, item, before[key], join(path, key)))
    }
  } else if (Array.isArray(value) && node.items) {
    const before = Array.isArray(old) && node.schema['x-kubernetes-list-type'] === 'map' ? old : []
    for (const [i, item] of value.entries()) {
      const previous = before.find((candidate) => itemKey(candidate, node.schema) === itemKey(item, node.schema))
      errors.push(...judge(node.items, item, previous, `${path}[${i}]`))
    }
  }
  return errors
}

/** The message of a rule that does not hold, or undefined. A rule that fails to evaluate does not hold. */
function failure(compiled: Compiled, context: { self: unknown; oldSelf?: unknown }): string | undefined {
  const { rule } = compiled
  const fixed = rule.message ?? `failed rule: ${rule.rule}`
  try {
    if (compiled.holds(context) === true) return undefined
    const text = compiled.message?.(context)
    return typeof text === 'string' && text.trim() !== '' ? text : fixed
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    return `${why} evaluating rule: ${rule.message ?? rule.rule}`
  }
}

function found(rule: Rule, value: Json, message: string, path: string): FieldError {
  const field = rule.fieldPath === undefined ? path : `${path}${rule.fieldPath}`
  const shown = typeof value === 'object' || rule.fieldPath !== undefined ? '' : `${JSON.stringify(value)}: `
  const reason = (rule.reason ?? 'FieldValueInvalid') as FieldReason
  const words: Partial<Record<FieldReason, string>> = {
    FieldValueForbidden: `Forbidden: ${message}`,
    FieldValueRequired: `Required value: ${message}`,
    FieldValueDuplicate: `Duplicate value: ${shown}${message}`,
  }
  return {
    reason,
    field: field === '' ? '<nil>' : field,
    message: words[reason] ?? `Invalid value: ${shown}${message}`,
  }
}

/** CEL's reserved words, which Kubernetes writes between double underscores when a field is named so. */
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** JSON as CEL sees it through the schema: an integer is an int, a number a double, a map's keys stay as they are. */
function celValue(value: Json | undefined, schema: Schema | undefined): unknown {
  if (typeof value === 'number') {
    const integer = schema?.type === 'number' ? false : Number.isInteger(value)
    return integer ? BigInt(value) : value
  }
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema?.items))
  if (!isObject(value)) return value
  const converted: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    const declared = schema?.properties?.[key]
    const name = declared && RESERVED.has(key) ? `__${key}__` : key
    if (item !== undefined) converted[name] = celValue(item, declared ?? (schema ? valueSchema(schema) : undefined))
  }
  return converted
}

/** The type `self` has in a rule. Fields of objects stay untyped: a rule that names an unknown field fails when it runs. */
function celType(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string']) return 'dyn'
  const types: Record<string, string> = {
    string: 'string',
    integer: 'int',
    number: 'double',
    boolean: 'bool',
    array: 'list',
  }
  return types[schema.type ?? ''] ?? 'dyn'
}

class CelQuantity {
  readonly value: Quantity
  constructor(value: Quantity) {
    this.value = value
  }
}

function createEnvironment(selfType: string): Environment {
  const environment = new Environment({ homogeneousAggregateLiterals: false })
  environment.registerVariable('self', selfType).registerVariable('oldSelf', selfType)
  environment.registerType('Quantity', { ctor: CelQuantity, fields: {} })
  environment.registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined)
  environment.registerFunction('quantity(string): Quantity', (text: string) => {
    const value = parseQuantity(text)
    if (!value) throw new Error('quantities must match the regular expression of a quantity')
    return new CelQuantity(value)
  })
  const compare = (name: string, holds: (order: number) => boolean) =>
    environment.registerFunction(`Quantity.${name}(Quantity): bool`, (a: CelQuantity, b: CelQuantity) =>
      holds(compareQuantities(a.value, b.value)),
    )
  compare('isLessThan', (order) => order < 0)
  compare('isGreaterThan', (order) => order > 0)
  environment.registerFunction('Quantity.compareTo(Quantity): int', (a: CelQuantity, b: CelQuantity) =>
    BigInt(compareQuantities(a.value, b.value)),
  )
  environment.registerFunction('Quantity.isInteger(): bool', (a: CelQuantity) => isWhole(a.value))
  environment.registerFunction('Quantity.asInteger(): int', (a: CelQuantity) => a.value.nanos / 10n ** 9n)
  environment.registerFunction('Quantity.asApproximateFloat(): double', (a: CelQuantity) => Number(a.value.nanos) / 1e9)
  // A function, not a method: the real server refuses quantity(x).sign().
  environment.registerFunction('sign(Quantity): int', (a: CelQuantity) =>
    BigInt(compareQuantities(a.value, { nanos: 0n })),
  )
  return environment
}
