/** What people declare in simulated worlds: few values per field, so that they meet again, and secrets that show. */
import { fieldNames, type FieldName } from '../../src/api/modelservice.ts'
import { bytes } from '../../src/api/quantity.ts'
import type { Json } from '../../src/api/json.ts'
import type { Chance } from './chance.ts'
import type { Values } from './services.ts'

/** Stands in every value that nobody but ZStack may read. */
export const hush = 'hu5h'

const secret = [`${hush}-one`, `${hush}-"two"`]
const secrets = [{ KEY: `${hush}-one` }, { KEY: `${hush}-two`, OTHER: `${hush}\nthree` }, {}]
const word = ['one', 'two', '']

/** Values of a spec; `undefined` declares the field no more. */
const declared: Readonly<Record<FieldName, readonly Json[]>> = {
  name: ['model', 'renamed'],
  description: word,
  yaml: ['a: 1\n', 'a:  1 # why\n', 'b: [2\n', 'b: 2\n'],
  requestCpu: [0, 4, 6, 8],
  requestMemory: ['16Gi', 17_179_869_184, '8Gi', 0],
  gpuComputeCapability: ['7.5', '8.0'],
  startCommand: word,
  pythonVersion: ['3.10', '3.12'],
  type: ['Endpoint', 'Other'],
  framework: ['llama.cpp', 'LlamaCpp', ''],
  source: word,
  containerCommand: word,
  containerArgs: word,
  supportDistributed: [true, false],
  architectureImages: [
    [{ cpuArchitecture: 'X86_64', dockerImage: 'one' }],
    [
      { cpuArchitecture: 'aarch64', dockerImage: 'one' },
      { cpuArchitecture: 'x86_64', dockerImage: 'two', vmImageUuid: 'c'.repeat(32) },
    ],
    [
      { cpuArchitecture: 'x86_64', name: 'plain', acceleratorType: 'NVIDIA', imageNamePattern: 'one-*' },
      { cpuArchitecture: 'x86_64', name: 'other', acceleratorType: 'AMD', imageNamePattern: '*' },
    ],
    [],
  ],
  vendorToSpecUuidsMap: [{ NVIDIA: ['d'.repeat(32), 'e'.repeat(32)] }, { NVIDIA: ['e'.repeat(32)] }, {}],
  environmentParameters: secrets,
  startupParameters: secrets,
  inferenceParams: secrets,
  serviceName: secret,
  serviceLivez: secret,
  serviceReadyz: secret,
  serviceInstallPath: secret,
  serviceStartCommand: secret,
  servicePorts: [[80], [80, 443], []],
  serviceBootupTime: [30, 60],
  systemTags: [[`${hush}-tag`], []],
  userTags: [[`${hush}-tag`], [`${hush}-tag`, `${hush}-more`]],
}

/** Fields that most schedules are about; the others come up now and then. */
const usual: readonly FieldName[] = ['requestCpu', 'description', 'yaml', 'requestMemory', 'environmentParameters']
const shown = fieldNames.filter((field) => !declared[field].some((value) => JSON.stringify(value).includes(hush)))
const drifting = shown.filter((field) => !['servicePorts', 'serviceBootupTime'].includes(field))

export type Edit = { readonly field: string; readonly value: unknown }

/** An edit of one declared field. */
export function anyEdit(chance: Chance): Edit {
  const field = chance.percent(60) ? chance.pick(usual) : chance.pick(fieldNames)
  return { field, value: chance.percent(12) ? undefined : chance.pick(declared[field]) }
}

/** An edit of what rules over the others: policy, suspend, or something that no schema allows. */
export function anyRule(chance: Chance): Edit {
  switch (chance.whole(0, 9)) {
    case 0:
      return { field: 'requestCpu', value: chance.pick([-1, '4', 1.5]) }
    case 1:
      return { field: 'policy', value: chance.pick(['Guess', 7]) }
    case 2:
    case 3:
    case 4:
      return { field: 'suspend', value: true }
    case 5:
      return { field: 'suspend', value: chance.pick([false, undefined]) }
    default:
      return { field: 'policy', value: chance.pick(['Enforce', 'ApplyChanges', 'ApplyChanges', 'Observe', undefined]) }
  }
}

/** A spec for that uuid with a few fields. */
export function anySpec(uuid: string, chance: Chance): Record<string, unknown> {
  const edits = Array.from({ length: chance.whole(1, 4) }, () => anyEdit(chance))
  const rules = chance.percent(30) ? [anyRule(chance)] : []
  return apply({ uuid, requestCpu: 4 }, [...edits, ...rules])
}

export function apply(spec: unknown, edits: readonly Edit[]): Record<string, unknown> {
  const edited = new Map(Object.entries(spec as Record<string, unknown>))
  for (const { field, value } of edits) {
    if (value === undefined) edited.delete(field)
    else edited.set(field, value)
  }
  return Object.fromEntries(edited)
}

/** What somebody else may put into a field that is shown. */
export function anyDrift(chance: Chance): Values {
  const field = chance.percent(70) ? chance.pick(['requestCpu', 'description', 'yaml'] as const) : chance.pick(drifting)
  return { [field]: wired(field, chance.pick(declared[field])) }
}

/** What a service holds before anybody declares anything. */
export function anyService(chance: Chance): Values {
  const fields = shown.filter(() => chance.percent(40))
  return Object.fromEntries(fields.map((field) => [field, wired(field, chance.pick(declared[field]))]))
}

function wired(field: FieldName, value: Json): Json {
  return field === 'requestMemory' ? (bytes(value as string | number) ?? 0) : value
}
