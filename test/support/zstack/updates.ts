import { plain, Refused } from './answers.ts'
import type { BodyShape } from './moods.ts'
import { isTagField, TAG_TYPES } from './tags.ts'

type Kind = 'string' | 'int' | 'long' | 'boolean' | 'images' | 'texts' | 'specs' | 'ints' | 'strings'

/** Every field an update may carry: its type on the wire, and whether the inventory ever shows it. */
const FIELDS: Readonly<Record<string, { kind: Kind; shown: boolean }>> = {
  name: { kind: 'string', shown: true },
  description: { kind: 'string', shown: true },
  yaml: { kind: 'string', shown: true },
  requestCpu: { kind: 'int', shown: true },
  requestMemory: { kind: 'long', shown: true },
  gpuComputeCapability: { kind: 'string', shown: true },
  startCommand: { kind: 'string', shown: true },
  pythonVersion: { kind: 'string', shown: true },
  type: { kind: 'string', shown: true },
  framework: { kind: 'string', shown: true },
  source: { kind: 'string', shown: true },
  containerCommand: { kind: 'string', shown: true },
  containerArgs: { kind: 'string', shown: true },
  supportDistributed: { kind: 'boolean', shown: true },
  architectureImages: { kind: 'images', shown: true },
  vendorToSpecUuidsMap: { kind: 'specs', shown: true },
  environmentParameters: { kind: 'texts', shown: false },
  startupParameters: { kind: 'texts', shown: false },
  inferenceParams: { kind: 'texts', shown: false },
  serviceName: { kind: 'string', shown: false },
  serviceLivez: { kind: 'string', shown: false },
  serviceReadyz: { kind: 'string', shown: false },
  serviceInstallPath: { kind: 'string', shown: false },
  serviceStartCommand: { kind: 'string', shown: false },
  servicePorts: { kind: 'ints', shown: false },
  serviceBootupTime: { kind: 'int', shown: false },
}

const ACTION = 'updateModelService'
/** What an update may say of an image. */
export const IMAGE_KEYS = [
  'cpuArchitecture',
  'vmImageUuid',
  'dockerImage',
  'name',
  'acceleratorType',
  'imageNamePattern',
] as const
const INT_MAX = 2 ** 31 - 1

/** True for the values that an update sets and no read ever shows. */
export function isWriteOnly(field: string): boolean {
  return FIELDS[field]?.shown === false || isTagField(field)
}

/** Where the parameters of an update are in its body, and what stands beside them. */
export type Action = { readonly inner: Record<string, unknown>; readonly outer: Record<string, unknown> }

/** Finds the action in the body as a server of this shape does. Throws Refused where that server would refuse. */
export function actionOf(body: unknown, shape: BodyShape, path: string): Action {
  const outer = isObject(body) ? body : {}
  if (shape === 'envelope' && !Object.hasOwn(outer, ACTION)) {
    throw new Refused(plain(400, `the body doesn't contain action mapping to the URL[${path}]`))
  }
  const inner = shape === 'flat' ? outer : (outer[ACTION] ?? {})
  if (!isObject(inner)) throw new Refused(plain(400, `field[${ACTION}] must be an object`))
  return { inner, outer }
}

/**
 * The fields that an update really sets: known, present and not null. None at all is an accepted update that changes
 * nothing. Throws Refused for a value of the wrong type.
 */
export function argumentsOf({ inner, outer }: Action): Readonly<Record<string, unknown>> {
  const given: Record<string, unknown> = {}
  for (const [field, { kind }] of Object.entries(FIELDS)) take(given, inner, field, kind)
  for (const tag of Object.keys(TAG_TYPES)) take(given, outer, tag, 'strings')
  return given
}

function take(into: Record<string, unknown>, from: Record<string, unknown>, field: string, kind: Kind): void {
  const value = from[field] ?? undefined
  if (value === undefined) return
  const check = CHECKS[kind]
  if (!check.holds(value)) {
    throw new Refused(plain(400, `field[${field}] must be ${check.wanted}, but was [${JSON.stringify(value)}]`))
  }
  into[field] = value
}

const CHECKS: Readonly<Record<Kind, { wanted: string; holds: (value: unknown) => boolean }>> = {
  string: { wanted: 'a string', holds: isString },
  int: { wanted: 'an integer', holds: isInt },
  long: { wanted: 'a whole number', holds: Number.isSafeInteger },
  boolean: { wanted: 'true or false', holds: (value) => typeof value === 'boolean' },
  images: { wanted: `a list of {${IMAGE_KEYS.join(', ')}}`, holds: listOf(isImage) },
  texts: { wanted: 'a map of strings', holds: mapOf(isString) },
  specs: { wanted: 'a map of lists of uuids', holds: mapOf(listOf(isString)) },
  ints: { wanted: 'a list of integers', holds: listOf(isInt) },
  strings: { wanted: 'a list of strings', holds: listOf(isString) },
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isInt(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= INT_MAX
}

function isImage(value: unknown): boolean {
  if (!isObject(value)) return false
  return IMAGE_KEYS.every((key) => isString(value[key] ?? ''))
}

function listOf(holds: (value: unknown) => boolean) {
  return (value: unknown) => Array.isArray(value) && value.every(holds)
}

function mapOf(holds: (value: unknown) => boolean) {
  return (value: unknown) => isObject(value) && Object.values(value).every(holds)
}
