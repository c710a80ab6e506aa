/** Arbitrary specs, inventories and outcomes, and a ZStack that takes an update. */
import * as fc from 'fast-check'
import { fieldNames, type FieldName, type Spec } from '../../src/api/modelservice.ts'
import { assess, reassess, type Observation } from '../../src/decide/assess.ts'
import { failurePolicy, type FailureKind } from '../../src/decide/failure.ts'
import { desiredOf, fields } from '../../src/api/fields.ts'
import { isEmpty, type Json } from '../../src/api/json.ts'
import type { Outcome, Comparison } from '../../src/decide/outcome.ts'
import type { Patch } from '../../src/decide/plan.ts'
import { uid, uuid, type Declared, type LiveValues } from './decide-inputs.ts'

const text = fc.oneof(fc.constantFrom('', 'a', 'A', 'a ', 'x'.repeat(70)), fc.string({ unit: 'binary', maxLength: 80 }))
/** As much as the shortest columns hold. */
const short = fc.oneof(fc.constantFrom('', 'a', 'A', 'a '), fc.string({ unit: 'binary', maxLength: 32 }))
const frameworks = fc.constantFrom('vLLM', 'llama.cpp', 'LlamaCpp', 'sentence_transformers', 'SentenceTransformers')
const yaml = fc.oneof(
  fc.constantFrom('a: 1\n', 'a:   1 # why', '"a": 1', 'b: 2', 'a: [', 'a: [\r\n', 'a: &a [*a]', '- 1\n- 1', '\n'),
  text,
)
const uuids = fc.constantFrom('a'.repeat(32), 'B'.repeat(32), 'c1'.repeat(16))
const strings = fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), text, { maxKeys: 3 })
const image = fc.record(
  {
    cpuArchitecture: fc.constantFrom('x86_64', 'aarch64', 'X86_64', 'AARCH64'),
    vmImageUuid: uuids,
    dockerImage: text,
    name: fc.constantFrom('', 'one', 'other'),
    acceleratorType: fc.constantFrom('NVIDIA', 'AMD'),
    imageNamePattern: text,
  },
  { requiredKeys: ['cpuArchitecture'] },
)
const whole = fc.integer({ min: 0, max: 2_147_483_647 })

const values: { readonly [Field in FieldName]: fc.Arbitrary<NonNullable<Spec[Field]>> } = {
  name: text,
  description: text,
  yaml,
  requestCpu: fc.oneof(fc.constantFrom(0, 4, 8), whole),
  requestMemory: fc.oneof(
    fc.constantFrom('16Gi', '1.5Gi', '2e9', '0'),
    fc.integer({ min: 2 ** 20, max: Number.MAX_SAFE_INTEGER }),
  ),
  gpuComputeCapability: short,
  startCommand: text,
  pythonVersion: short,
  type: short,
  framework: fc.oneof(frameworks, text),
  source: short,
  containerCommand: text,
  containerArgs: text,
  supportDistributed: fc.boolean(),
  architectureImages: fc.array(image, { maxLength: 3 }),
  vendorToSpecUuidsMap: fc.dictionary(fc.constantFrom('NVIDIA', 'AMD'), fc.array(uuids, { maxLength: 3 })),
  environmentParameters: strings,
  startupParameters: strings,
  inferenceParams: strings,
  serviceName: text,
  serviceLivez: text,
  serviceReadyz: text,
  serviceInstallPath: text,
  serviceStartCommand: text,
  servicePorts: fc.array(fc.integer({ min: 1, max: 65535 }), { maxLength: 3 }),
  serviceBootupTime: whole,
  systemTags: fc.array(text, { maxLength: 2 }),
  userTags: fc.array(text, { maxLength: 2 }),
}

/** Any valid spec, with or without each field. */
export const specs: fc.Arbitrary<Declared> = fc.record(values, { requiredKeys: [] })

export type Server = { readonly isOld: boolean }
export const servers: fc.Arbitrary<Server> = fc.record({ isOld: fc.boolean() })

/** What ZStack shows after an update: only what this server shows, nothing empty, images and uuids its own way. */
export function take(server: Server, before: LiveValues, patch: Patch): LiveValues {
  const entries = Object.entries({ ...before, ...patch }) as [FieldName, Json][]
  const kept = entries.filter(([field, value]) => isShownBy(server, field) && !isEmpty(value))
  return Object.fromEntries(kept.map(([field, value]) => [field, served(field, value)]))
}

function isShownBy({ isOld }: Server, field: FieldName): boolean {
  const { visibility } = fields[field]
  return visibility === 'shown' || (visibility === 'newer' && !isOld)
}

function served(field: FieldName, value: Json): Json {
  if (field === 'architectureImages')
    return (value as readonly Readonly<Record<string, Json>>[])
      .map(({ cpuArchitecture, ...rest }, i) => ({
        ...rest,
        cpuArchitecture: (cpuArchitecture as string).toLowerCase(),
        uuid: String(i).repeat(32),
        createDate: 'Nov 25, 2025 11:51:50 AM',
      }))
      .reverse()
  if (field === 'vendorToSpecUuidsMap')
    return Object.fromEntries(
      Object.entries(value as Readonly<Record<string, readonly string[]>>)
        .map(([vendor, list]) => [vendor, [...list].reverse()] as const)
        .reverse(),
    )
  return value
}

/** A read by an operator that knows of each field that this server shows. */
export function read(server: Server, live: LiveValues): Observation {
  return {
    live: { values: new Map(Object.entries(live) as [FieldName, Json][]) },
    shows: new Set(fieldNames.filter((field) => fields[field].visibility === 'newer' && isShownBy(server, field))),
  }
}

/** A spec, and a service that holds what some other spec declared. */
export const encounters = fc
  .record({ spec: specs, other: specs, server: servers })
  .map(({ spec, other, server }) => ({ spec, server, live: take(server, {}, Object.fromEntries(encoded(other))) }))

const anySeen: fc.Arbitrary<Comparison> = encounters.map(({ spec, server, live }) => {
  const observation = read(server, live)
  return { observation, assessment: assess(encoded(spec), observation, {}, uid) }
})

const seenEqual: fc.Arbitrary<Comparison> = encounters.map(({ spec, server, live }) => {
  const desired = encoded(spec)
  const observation = read(server, take(server, live, Object.fromEntries(desired)))
  return { observation, assessment: reassess(desired, observation, {}, [...desired.keys()], uid) }
})

const seenOther = anySeen.filter(({ assessment }) => assessment.differences.length > 0)
const seenLeft = anySeen.filter(({ assessment }) => assessment.differences.length + assessment.unsent.length > 0)
const failureKinds = Object.keys(failurePolicy) as FailureKind[]
const failure = fc.record({
  kind: fc.constantFrom(...failureKinds),
  message: fc.constantFrom('it fails', 'y'.repeat(3000)),
})

/** Any outcome a pass can end with. */
export const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant<Outcome>({ kind: 'initializing' }),
  fc.constantFrom<Outcome>(
    { kind: 'invalid', reason: 'InvalidSpec', issues: ['spec.name: no text'] },
    { kind: 'invalid', reason: 'UnknownPolicy', issues: ['spec.policy: unknown'] },
    { kind: 'conflict', uuid, winner: 'default/older' },
    { kind: 'missing', uuid },
  ),
  seenEqual.map((seen): Outcome => ({ kind: 'inSync', comparison: seen })),
  seenOther.map((seen): Outcome => ({ kind: 'drifted', comparison: seen, policy: 'Observe' })),
  seenLeft.map((seen): Outcome => ({ kind: 'suspended', comparison: seen })),
  anySeen.map((seen): Outcome => ({ kind: 'updating', comparison: seen })),
  anySeen.map((seen): Outcome => ({ kind: 'awaitingJob', comparison: seen, afterMs: 200 })),
  seenOther.map((seen): Outcome => ({ kind: 'ineffective', comparison: seen, retryInMs: 3_600_000 })),
  fc.record({ kind: fc.constant('failed' as const), failure, stale: fc.boolean() }),
  fc.record({ kind: fc.constant('failed' as const), failure, seen: anySeen, stale: fc.boolean() }),
)

export function encoded(spec: Declared) {
  return desiredOf({ uuid, ...spec })
}
