/**
 * The table of fields: one row for each field that a spec can declare. A row says where the field stands in the body of
 * an update, who shows it, how it is read from an inventory, and when that is what was declared. A new field is a line in
 * `managed` (`modelservice.ts`), a row here, and what `npm run generate` makes of both.
 */
import { sameDocument } from './document.ts'
import { decodeImages, displayImages, encodeImages, sameImages } from './images.ts'
import { canonical, sameStructure, type Json } from './json.ts'
import type { FieldName, Spec } from './modelservice.ts'
import { bytes, spellBytes } from './quantity.ts'
import {
  decodeText,
  flag,
  hidden,
  integer,
  listOf,
  mapOf,
  structure,
  text,
  withDefaults,
  type Field,
  type Row,
} from './row.ts'

export type Rows = { readonly [Name in FieldName]: Row<NonNullable<Spec[Name]>> }

/** The type of each row follows from the schema: a field without a row, or a row that lacks a part, does not compile. */
const rows: Rows = {
  name: text('shown'),
  description: text('shown'),
  yaml: { ...text('shown'), equal: sameDocument, textual: true },
  requestCpu: integer('shown'),
  requestMemory: { ...integer('shown'), encode: wholeBytes, display: spellBytes },
  gpuComputeCapability: text('shown'),
  startCommand: text('shown'),
  pythonVersion: text('shown'),
  type: text('shown'),
  framework: { ...text('newer'), equal: sameFramework },
  source: text('newer'),
  containerCommand: text('newer'),
  containerArgs: text('newer'),
  supportDistributed: flag('shown'),
  architectureImages: {
    visibility: 'shown',
    inventoryKey: 'modelServiceImages',
    encode: encodeImages,
    decode: decodeImages,
    equal: sameImages,
    display: displayImages,
  },
  vendorToSpecUuidsMap: {
    ...structure('newer', mapOf(listOf(decodeText))),
    equal: sameUuids,
    display: displayUuids,
  },
  environmentParameters: hidden(),
  startupParameters: hidden(),
  inferenceParams: hidden(),
  serviceName: hidden(),
  serviceLivez: hidden(),
  serviceReadyz: hidden(),
  serviceInstallPath: hidden(),
  serviceStartCommand: hidden(),
  servicePorts: hidden(),
  serviceBootupTime: hidden(),
  systemTags: hidden('beside'),
  userTags: hidden('beside'),
}

export const fields = Object.fromEntries(
  Object.entries(rows).map(([name, row]) => [name, withDefaults(name, row)]),
) as Readonly<Record<FieldName, Field>>

/** The declared fields as ZStack takes them, in the order of the table. An absent field stays absent: it is not managed. */
export type Desired = ReadonlyMap<FieldName, Json>

/** Where the value of a field comes from, if not from the spec itself. */
export type Source = {
  /** What the value was made from, by uid and resourceVersion: it stands for the value in hashes. */
  readonly identity: Json
  /** What people read in place of the value. */
  readonly label: string
}

/** By field. The values themselves are shown nowhere, and no hash is made of them. */
export type Sources = ReadonlyMap<FieldName, Source>

export function desiredOf(spec: Spec): Desired {
  const desired = new Map<FieldName, Json>()
  for (const name of Object.keys(fields) as FieldName[]) {
    const declared = spec[name]
    if (declared !== undefined) desired.set(name, fields[name].encode(declared as never))
  }
  return desired
}

function wholeBytes(declared: string | number): number {
  const value = bytes(declared)
  if (value === undefined) throw new Error('the spec was not parsed: its memory is no whole number of bytes')
  return value
}

/** An upgrade of ZStack gives these frameworks other names, in its own records too. */
const renamedFrameworks: ReadonlyMap<string, string> = new Map([
  ['llama.cpp', 'LlamaCpp'],
  ['sentence_transformers', 'SentenceTransformers'],
])

function sameFramework(declared: string, live: string): boolean {
  const current = (name: string) => renamedFrameworks.get(name) ?? name
  return current(declared) === current(live)
}

type Vendors = Readonly<Record<string, readonly string[]>>

/** The uuids of a vendor are a set: ZStack keeps them in no order, and writes them in lower case. */
function uuidSets(vendors: Vendors): Vendors {
  const asSet = (uuids: readonly string[]) => [...new Set(uuids.map((uuid) => uuid.toLowerCase()))].sort()
  return Object.fromEntries(Object.entries(vendors).map(([vendor, uuids]) => [vendor, asSet(uuids)]))
}

function sameUuids(declared: Vendors, live: Vendors): boolean {
  return sameStructure(uuidSets(declared), uuidSets(live))
}

function displayUuids(vendors: Vendors): string {
  return canonical(uuidSets(vendors))
}
