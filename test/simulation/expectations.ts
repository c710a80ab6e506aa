/** How every object must stand once the trouble is over, by what ZStack really holds. */
import { parse, statusOf, type FieldName, type Spec } from '../../src/api/modelservice.ts'
import { reconcileRequestedAt } from '../../src/api/names.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { fields, type Desired } from '../../src/api/fields.ts'
import { isEmpty } from '../../src/api/json.ts'
import type { Judge } from './judge.ts'
import { winnerOf } from './judge.ts'
import { keyOf, type Objects, type Stored } from './objects.ts'
import { declaredBy, type Sources } from './sources.ts'
import { isSuspended } from './suspension.ts'
import { isSame, type Service, type Services } from './services.ts'

export type Ended = {
  readonly objects: Objects
  readonly sources: Sources
  readonly services: Services
  readonly judge: Judge
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Fields that this ZStack never shows though others do. */
  readonly hides: readonly FieldName[]
}

/** What is not as it should be, one sentence an object. */
export function faults(world: Ended): readonly string[] {
  return world.objects.all().flatMap((object) => {
    const fault = object.metadata.deletionTimestamp === undefined ? faultOf(object, world) : undefined
    return fault === undefined ? [] : [`${keyOf(object)}: ${fault}`]
  })
}

function faultOf(object: Stored, world: Ended): string | undefined {
  const { generation, annotations, uid } = object.metadata
  const status = statusOf(object)
  const ready = conditionOf(status, 'Ready')
  const summary = `${ready?.status} ${ready?.reason}`
  const must = (...expected: string[]) =>
    expected.includes(summary) ? undefined : `is ${summary}, not ${expected.join(' or ')}`
  if (status?.observedGeneration !== generation) return `generation ${generation} was not looked at`
  const parsed = parse(object)
  if (!parsed.ok) return must(`False ${parsed.reason}`)
  const { spec } = parsed
  if (winnerOf(world.objects.all(), spec.uuid) !== object) return must('False UUIDConflict')
  const desired = declaredBy(spec, object.metadata.namespace, (key) => world.sources.read(key))
  if (!desired) return must('False ReferenceNotFound')
  const token = annotations?.[reconcileRequestedAt]
  if (token !== undefined && status.lastHandledReconcileAt !== token) return `request ${token} was not dealt with`
  const service = world.services.get(spec.uuid)
  if (!service) return must('False NotFound')
  const differing = differences(desired, service)
  const { visible, unclear } = visibilityIn(world)
  const shown = differing.filter(visible)
  // Nobody can read what is hidden: it is right if it was sent, unless fate or another object undid that unseen.
  const isOwn = world.judge.writerOf(spec.uuid) === uid
  const hidden = differing.filter((field) => !visible(field) && !unclear(field) && isOwn && !service.unsure.has(field))
  // A process may know from earlier that a field is shown which no service holds any more.
  const known = differing.filter((field) => visible(field) || unclear(field))
  const isHalted = isSuspended(object, world.now)
  const wrong = must(...expected(spec, isHalted, shown, hidden), ...expected(spec, isHalted, known, hidden))
  return wrong === undefined
    ? neverApplied(spec, isHalted, desired, shown, service)
    : `${wrong}; differs in ${differing.join()}`
}

/** A field that only newer servers show counts as shown once some service holds a value of it; before, nobody can tell. */
function visibilityIn({ objects, services, hides }: Ended) {
  const looked = objects.all().flatMap(({ spec }) => services.get((spec as { uuid: string }).uuid) ?? [])
  const isHeld = (field: FieldName) => looked.some(({ values }) => !isEmpty(values[field]))
  const isNewer = (field: FieldName) => fields[field].visibility === 'newer' && !hides.includes(field)
  return {
    visible: (field: FieldName) => fields[field].visibility === 'shown' || (isNewer(field) && isHeld(field)),
    unclear: (field: FieldName) => isNewer(field) && !isHeld(field),
  }
}

function expected(
  { policy }: Spec,
  isHalted: boolean,
  shown: readonly FieldName[],
  hidden: readonly FieldName[],
): string[] {
  const differs = shown.length > 0
  if (policy === 'Observe') return [differs ? 'True DriftDetected' : 'True InSync']
  // ApplyChanges tells drift from a change of the spec by what was once in effect.
  const drifted = differs && policy === 'ApplyChanges' ? ['True DriftDetected'] : []
  if (isHalted) return differs ? ['Unknown Suspended', ...drifted] : ['Unknown Suspended', 'True InSync']
  return hidden.length > 0 ? ['sent'] : differs ? drifted : ['True InSync']
}

/** Under ApplyChanges only what was once in effect may differ. */
function neverApplied(
  { policy }: Spec,
  isHalted: boolean,
  desired: Desired,
  shown: readonly FieldName[],
  service: Service,
) {
  if (policy !== 'ApplyChanges' || isHalted) return undefined
  const never = shown.filter((field) => {
    const wanted = desired.get(field)!
    return service.held.get(field)?.some((value) => isSame(field, wanted, value)) !== true && !isEmpty(wanted)
  })
  return never.length === 0 ? undefined : `never applied ${never.join()}`
}

function differences(desired: Desired, { values }: Service): FieldName[] {
  return [...desired].filter(([field, value]) => !isSame(field, value, values[field])).map(([field]) => field)
}
