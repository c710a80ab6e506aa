/** What the table of fields has to say of one field, and the parts that rows are made of. */
import { isMap, sameStructure, type Json } from './json.ts'

/** Who shows a field: every server, or newer servers alone and not before the field holds a value, or none. */
export type Visibility = 'shown' | 'newer' | 'hidden'
type Shown = Exclude<Visibility, 'hidden'>
/** Among the parameters of an update, or beside their envelope. */
export type Place = 'parameters' | 'beside'

/** The type that a field of a spec has in bodies and inventories. Memory is a number there, however a spec spells it. */
export type WireValue<Declared> = [Declared] extends [boolean]
  ? boolean
  : [Declared] extends [string]
    ? string
    : [Declared] extends [string | number]
      ? number
      : [Declared] extends [readonly (infer Item)[]]
        ? readonly WireValue<Item>[]
        : string extends keyof Declared
          ? Readonly<Record<string, WireValue<Declared[keyof Declared]>>>
          : Readonly<Record<string, Json>>

/** Gives `undefined` for a value of another type than documented, which then counts as not shown. */
export type Decode<Value> = (shown: unknown) => Value | undefined

type Encoding<Declared, Value> = {
  /** The key in the body of an update, where it is not the name of the field. */
  readonly key?: string
  /** Where it is not among the parameters. */
  readonly place?: Place
  /** The declared value as ZStack takes it. */
  readonly encode: (declared: Declared) => Value
}

type Readable<Declared, Value> = Encoding<Declared, Value> & {
  readonly visibility: Shown
  /** The key in an inventory, where it is not the name of the field. */
  readonly inventoryKey?: string
  readonly decode: Decode<Value>
  /** Whether ZStack holds what is declared. The one value was encoded, the other decoded, and neither is empty. */
  equal(declared: Value, live: Value): boolean
  /** Set where equal values can be worded differently, so that a person's rewording is worth sending once. */
  readonly textual?: true
  /** How people read the value, where its JSON would not do. Of a live value, only what is declared counts. */
  display?(value: Value, declared: Value): string
}

/** What no server shows can be neither decoded nor compared. */
type Hidden<Declared, Value> = Encoding<Declared, Value> & {
  readonly visibility: 'hidden'
  readonly inventoryKey?: never
  readonly decode?: never
  readonly equal?: never
  readonly textual?: never
  readonly display?: never
}

/** The row of a field that has this type in a spec. */
export type Row<Declared> = Readable<Declared, WireValue<Declared>> | Hidden<Declared, WireValue<Declared>>

/** A row whatever its types. It may be given values alone that it encoded or decoded itself. */
type AnyRow = Readable<never, Json> | Hidden<never, Json>

/** A row with nothing left to default. */
export type Field = (Hidden<never, Json> | (Readable<never, Json> & { readonly inventoryKey: string })) & {
  readonly key: string
  readonly place: Place
}

/** What a row leaves out is as usual: the field's own name as key, among the parameters. */
export function withDefaults(name: string, row: AnyRow): Field {
  const sent = { key: name, place: 'parameters' } as const
  return row.visibility === 'hidden' ? { ...sent, ...row } : { ...sent, inventoryKey: name, ...row }
}

const asDeclared = <Value>(declared: Value): Value => declared
const isSame = (declared: Json, live: Json) => declared === live

export const text = (visibility: Shown) => ({ visibility, encode: asDeclared, decode: decodeText, equal: isSame })
export const integer = (visibility: Shown) => ({ visibility, encode: asDeclared, decode: decodeInteger, equal: isSame })
export const flag = (visibility: Shown) => ({ visibility, encode: asDeclared, decode: decodeFlag, equal: isSame })

/** A list in order, or a map; `decode` says of what. Where ZStack keeps a list in no order, override `equal` and `display`. */
export const structure = <Value extends Json>(visibility: Shown, decode: Decode<Value>) => ({
  visibility,
  encode: asDeclared,
  decode,
  equal: sameStructure,
})

export const hidden = (place: Place = 'parameters') => ({ visibility: 'hidden', place, encode: asDeclared }) as const

export function decodeText(shown: unknown): string | undefined {
  return typeof shown === 'string' ? shown : undefined
}

function decodeInteger(shown: unknown): number | undefined {
  return typeof shown === 'number' && Number.isInteger(shown) ? shown : undefined
}

function decodeFlag(shown: unknown): boolean | undefined {
  return typeof shown === 'boolean' ? shown : undefined
}

/** A list is not shown where one of its items is not. */
export function listOf<Item>(decode: Decode<Item>): Decode<readonly Item[]> {
  return (shown) => {
    if (!Array.isArray(shown)) return undefined
    const items = shown.map((item: unknown) => decode(item))
    return items.every((item) => item !== undefined) ? items : undefined
  }
}

/** A map is not shown where one of its values is not. */
export function mapOf<Value>(decode: Decode<Value>): Decode<Readonly<Record<string, Value>>> {
  return (shown) => {
    if (!isMap(shown)) return undefined
    const entries = Object.entries(shown).map(([key, value]) => [key, decode(value)] as const)
    return entries.every(hasValue) ? Object.fromEntries(entries) : undefined
  }
}

function hasValue<Value>(entry: readonly [string, Value | undefined]): entry is readonly [string, Value] {
  return entry[1] !== undefined
}
