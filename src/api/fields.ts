/** One row per field that a spec can declare: how it looks on the wire, whether ZStack shows it, and when two values are equal. */
import type { FieldName, Spec } from './modelservice.ts'
import { bytes } from './quantity.ts'
import { sameDocument } from './document.ts'
import { canonical, isEmpty, isList, isMap, sameStructure, type Json } from './json.ts'

/**
 * What the inventory tells of a field (`zstack-api.md`): `shown` always; `newer` only by newer servers, and not before
 * it holds a value; `hidden` never.
 */
export type Visibility = 'shown' | 'newer' | 'hidden'

export type Field = {
  readonly visibility: Visibility
  /** Whether equal values can be worded differently, so that a person's rewording is worth sending. */
  readonly textual?: boolean
  /** The value of a spec as the wire wants it. */
  readonly encode: (declared: never) => Json
  /** Whether ZStack holds what is declared; never asked of hidden fields. */
  readonly equal: (declared: Json, live: Json) => boolean
  /** The value without what does not count: where present, equal values have the same normalize. */
  readonly normalize?: (value: Json) => Json
}

const asIs = (value: Json): Json => value
const exactly = (a: Json, b: Json) => a === b
const text = (visibility: Visibility): Field => ({ visibility, encode: asIs, equal: exactly })
const structure = (visibility: Visibility): Field => ({ visibility, encode: asIs, equal: sameStructure })
const normalized = (visibility: Visibility, normalize: (value: Json) => Json): Field => ({
  visibility,
  encode: asIs,
  equal: (a, b) => sameStructure(normalize(a), normalize(b)),
  normalize,
})

export const fields: Readonly<Record<FieldName, Field>> = {
  name: text('shown'),
  description: text('shown'),
  yaml: {
    ...text('shown'),
    textual: true,
    equal: (declared, live) => typeof declared === 'string' && typeof live === 'string' && sameDocument(declared, live),
  },
  requestCpu: text('shown'),
  requestMemory: { ...text('shown'), encode: (declared: string | number) => bytes(declared) ?? null },
  gpuComputeCapability: text('shown'),
  startCommand: text('shown'),
  pythonVersion: text('shown'),
  type: text('shown'),
  framework: text('newer'),
  source: text('newer'),
  containerCommand: text('newer'),
  containerArgs: text('newer'),
  supportDistributed: text('shown'),
  architectureImages: normalized('shown', imagesByArchitecture),
  vendorToSpecUuidsMap: normalized('newer', uuidsByVendor),
  environmentParameters: structure('hidden'),
  startupParameters: structure('hidden'),
  inferenceParams: structure('hidden'),
  serviceName: text('hidden'),
  serviceLivez: text('hidden'),
  serviceReadyz: text('hidden'),
  serviceInstallPath: text('hidden'),
  serviceStartCommand: text('hidden'),
  servicePorts: structure('hidden'),
  serviceBootupTime: text('hidden'),
  systemTags: structure('hidden'),
  userTags: structure('hidden'),
}

/** The declared fields as wire values, in the order of the table above. An absent field stays absent: it is not managed. */
export type Desired = ReadonlyMap<FieldName, Json>

export function desiredOf(spec: Spec): Desired {
  const desired = new Map<FieldName, Json>()
  for (const name of Object.keys(fields) as FieldName[]) {
    const declared = spec[name]
    if (declared !== undefined) desired.set(name, fields[name].encode(declared as never))
  }
  return desired
}

/** Images by architecture, case folded, in any order; keys that the server adds, and makes anew each time, do not count. */
function imagesByArchitecture(images: Json): Json {
  if (!isList(images)) return images
  const plain = images.map((image): Json => {
    if (!isMap(image)) return image
    const { cpuArchitecture, vmImageUuid, dockerImage } = image
    return {
      cpuArchitecture: folded(cpuArchitecture ?? ''),
      ...(!isEmpty(vmImageUuid) && { vmImageUuid: folded(vmImageUuid ?? '') }),
      ...(!isEmpty(dockerImage) && { dockerImage: dockerImage ?? '' }),
    }
  })
  return plain.sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
}

/** Lists of uuids are sets: the server keeps no order. */
function uuidsByVendor(vendors: Json): Json {
  if (!isMap(vendors)) return vendors
  const asSet = (uuids: Json): Json => (isList(uuids) ? [...new Set(uuids.map(folded))].sort() : uuids)
  return Object.fromEntries(Object.entries(vendors).map(([vendor, uuids]) => [vendor, asSet(uuids)]))
}

function folded(value: Json): Json {
  return typeof value === 'string' ? value.toLowerCase() : value
}
