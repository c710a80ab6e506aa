/** What the types of rows refuse. `npm run typecheck` judges it: a line that compiles after all is an error there. */
import type { Rows } from '../../src/api/fields.ts'
import { sameStructure } from '../../src/api/json.ts'
import { decodeText, flag, hidden, integer, listOf, mapOf, structure, text, type Row } from '../../src/api/row.ts'

type List = Row<string[]>
type Map = Row<Record<string, string>>

const asIs = (declared: string[]) => declared

export const taken = [
  structure('newer', listOf(decodeText)) satisfies List,
  structure('newer', mapOf(decodeText)) satisfies Map,
  hidden('beside') satisfies List,
  { ...integer('shown'), encode: Number } satisfies Row<string | number>,
]

export const refused = [
  // @ts-expect-error A list that is read as text would be empty for ever.
  text('shown') satisfies List,
  // @ts-expect-error A list with the decoder of a text would be, too.
  { ...structure('shown', listOf(decodeText)), decode: decodeText } satisfies List,
  // @ts-expect-error A list is no map.
  structure('shown', mapOf(decodeText)) satisfies List,
  // @ts-expect-error The items of a list have a type as well.
  structure('shown', listOf(listOf(decodeText))) satisfies List,
  // @ts-expect-error A map is no list.
  structure('shown', listOf(decodeText)) satisfies Map,
  // @ts-expect-error A text is no flag.
  flag('shown') satisfies Row<string>,
  // @ts-expect-error A spec may spell this number as text, which has to be encoded.
  integer('shown') satisfies Row<string | number>,
  // @ts-expect-error What is shown has to be decoded.
  { visibility: 'shown', encode: asIs, equal: sameStructure } satisfies List,
  // @ts-expect-error What is shown has to be compared.
  { visibility: 'shown', encode: asIs, decode: listOf(decodeText) } satisfies List,
  // @ts-expect-error What nobody shows is not compared.
  { ...hidden(), equal: () => true } satisfies List,
  // @ts-expect-error A field that is in the schema has a row.
  {} as Omit<Rows, 'servicePorts'> satisfies Rows,
]
