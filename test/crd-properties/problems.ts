/** What is wrong with the outcome of one value, in words; undefined when it is as expected. */
import { fields } from '../../src/api/fields.ts'
import type { Json } from '../../src/api/json.ts'
import type { FieldName } from '../../src/api/modelservice.ts'
import { conditionIn, type ModelServiceObject, type Scenario } from '../support/scenario.ts'
import type { ValueCase } from './value-case.ts'
import type { Property } from './properties.ts'
import type { Answer } from './environment.ts'

/** What a refusal has to say beside the name of the property. */
const clearMessage =
  /must be|should be|should match|Required value|Duplicate value|Unsupported value|Too long|Too many|unknown field|cannot be changed|no such key|is less than 1 MiB|bytes, less than 1 MiB/i

/** A refusal at apply names the property and tells what is wrong. */
export function refusalProblem({ path }: Property, { status, message }: Answer): string | undefined {
  if (status < 400) return 'was taken'
  if (status >= 500) return `made the API server fail: ${message}`
  const names = path.split(/[^A-Za-z]+/).filter(Boolean)
  if (
    !message.includes(`spec.${names[0] ?? ''}`) ||
    !message.includes(names.at(-1) ?? '') ||
    !clearMessage.test(message)
  )
    return `was refused without a clear message: ${message}`
  return undefined
}

/** A condition of an object that was taken says what is wrong with it. */
export function conditionProblem({ path }: Property, object: ModelServiceObject): string | undefined {
  const ready = conditionIn(object, 'Ready')
  const field = /^[A-Za-z]+/.exec(path)?.[0] ?? path
  return ready?.status === 'False' && ready.message.includes(field)
    ? undefined
    : `is reported by ${JSON.stringify(ready)}`
}

/** ZStack holds what the object says, and the object says so. */
export function appliedProblem(
  field: FieldName,
  tried: ValueCase,
  object: ModelServiceObject,
  zstack: Scenario['zstack'],
) {
  const ready = conditionIn(object, 'Ready')
  if (ready?.status !== 'True' || ready.reason !== 'InSync') return `ends in ${JSON.stringify(ready)}`
  const stored = object.spec[field]
  const declared = 'wire' in tried && stored !== undefined ? tried.wire : stored
  if (declared === undefined) return undefined
  const uuid = String(object.spec.uuid)
  const isHidden = fields[field].visibility === 'hidden'
  const [want, is] = [declared, isHidden ? zstack.hidden(uuid)[field] : shown(field, zstack.read(uuid) ?? {})].map(
    (value) => (field === 'architectureImages' ? imagesAs(declared as Images, value) : plain(field, value)),
  )
  return want === is ? undefined : `is stored as ${String(is).slice(0, 200)}, not ${String(want).slice(0, 200)}`
}

function shown(field: FieldName, inventory: Readonly<Record<string, unknown>>): unknown {
  return inventory[field === 'architectureImages' ? 'modelServiceImages' : field]
}

type Images = readonly Readonly<Record<string, string>>[]

/** Images in no order, the case of the architecture folded, and of each what is declared of one of them. */
function imagesAs(declared: Images, value: unknown): string {
  const keys = ['vmImageUuid', 'dockerImage', 'name', 'acceleratorType', 'imageNamePattern'].filter((key) =>
    declared.some((image) => key in image),
  )
  const texts = ((value ?? []) as Images).map((image) =>
    JSON.stringify([image.cpuArchitecture?.toLowerCase(), ...keys.map((key) => image[key] ?? '')]),
  )
  return texts.sort().join(' ')
}

/** As text, without what the server does not keep: empty values, the order of keys, and that and the case of sets. */
function plain(field: FieldName, value: unknown): string {
  const text = JSON.stringify(value, (_, part: Json) => {
    if (field === 'vendorToSpecUuidsMap' && Array.isArray(part)) return listed(part)
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  }) as string | undefined
  return text === undefined || text === '{}' || text === '[]' ? '""' : text
}

function listed(parts: readonly unknown[]): string {
  return [...new Set(parts.map((part) => JSON.stringify(part)))].sort().join(' ')
}
