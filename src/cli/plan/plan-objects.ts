/** What the operator would send for each of many objects, by the operator's own decision. Nothing is sent. */
import { desiredOf, fields, type Desired } from '../../api/fields.ts'
import { parse, statusOf, type FieldName, type ParsedSpec, type StoredModelService } from '../../api/modelservice.ts'
import { reconcileRequestedAt } from '../../api/names.ts'
import { timestamp } from '../../api/time.ts'
import { isEqual, type Observation } from '../../decide/assess.ts'
import { decide, type Decision } from '../../decide/decide.ts'
import type { Failure } from '../../decide/failure.ts'
import { restoreHold } from '../../decide/hold.ts'
import type { Outcome } from '../../decide/outcome.ts'
import { referencesOf, resolve, type Declaration, type ReadReferenced } from '../../decide/resolve.ts'
import { hashesIn, statusAt } from '../../decide/status.ts'
import { suspensionMessage, suspensionOf, type Suspension } from '../../decide/suspension.ts'
import { createClaims } from '../../reconcile/claims.ts'
import { ownerOf } from '../../reconcile/context.ts'
import type { Inventory } from '../../reconcile/ports.ts'
import type { PlannedChange, PlannedObject } from './planned.ts'

/** An object to plan for: stored in the cluster, or as it would be stored. */
export type PlanSubject = {
  readonly source: string | undefined
  readonly object: StoredModelService
  /** What the API server would say instead of storing it, finding by finding. */
  readonly refusal?: readonly string[]
}

export type PlanOptions = {
  readonly inventory: Inventory
  readonly endpoint: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly signal: AbortSignal
  /** What the Secrets and ConfigMaps hold that specs refer to; nothing where no cluster was asked. */
  readonly references?: ReadReferenced
  /** Objects of the cluster that are not planned for, and may speak for the same services. */
  readonly others?: readonly StoredModelService[]
  /** Told how many of the services are read, as that goes on. */
  readonly onRead?: (count: number) => void
}

const noReferences: ReadReferenced = () => undefined

export async function planObjects(
  subjects: readonly PlanSubject[],
  options: PlanOptions,
): Promise<readonly PlannedObject[]> {
  const { endpoint, now, references = noReferences, others = [] } = options
  const claims = createClaims()
  const connection = { name: 'default', endpoint }
  for (const object of others) claims.note(otherKey(object), object, connection)
  const judged = subjects.map((subject) => ({ subject, parsed: parse(subject.object) }))
  for (const [index, { subject, parsed }] of judged.entries())
    if (subject.refusal === undefined && parsed.ok)
      claims.note(claimKey(subject, index), born(subject.object, now), connection)
  const uuids = judged.flatMap(({ subject, parsed }) =>
    subject.refusal === undefined && parsed.ok ? [parsed.spec.uuid] : [],
  )
  const failures = await readAll([...new Set(uuids)], options)
  return judged.map(({ subject, parsed }, index) => {
    if (subject.refusal !== undefined) return plannedOf(subject, 'refused', { message: subject.refusal.join('; ') })
    if (!parsed.ok) return plannedOf(subject, 'refused', { message: parsed.issues.join('; ') })
    const { spec } = parsed
    const winner = claims.winner(endpoint, spec.uuid)
    if (winner !== undefined && winner !== claimKey(subject, index))
      return plannedOf(subject, 'conflict', {
        message: `${nameOfClaimant(winner, subjects)} speaks for ${spec.uuid} too; delete one of the two`,
      })
    const failure = failures.get(spec.uuid)
    const cached = options.inventory.cached(spec.uuid)
    if (failure || !cached) return plannedOf(subject, 'failed', { message: failure?.message ?? 'it was not read' })
    if (!cached.observation)
      return plannedOf(subject, 'missing', {
        message: `ZStack at ${endpoint} shows this account no model service ${spec.uuid}; check spec.uuid and the account`,
      })
    const forbidden = forbiddenMessage(spec, subject.object.metadata.namespace, references)
    if (forbidden !== undefined) return plannedOf(subject, 'failed', { message: forbidden })
    const resolution = resolve(spec, subject.object.metadata.namespace, references)
    if (resolution.kind === 'unresolved') return plannedOf(subject, 'failed', { message: resolution.issues.join('; ') })
    const declaration = resolution.kind === 'resolved' ? resolution.declaration : declaredWithout(spec)
    return planOne(subject, spec, declaration, cached.observation, options)
  })
}

/** Why nobody can tell the caller what would be sent, if it is for want of the caller's own rights, not the operator's. */
function forbiddenMessage(spec: ParsedSpec, namespace: string, references: ReadReferenced): string | undefined {
  const refs = referencesOf(spec, namespace).map((ref) => ({ ref, read: references(ref) }))
  const forbidden = refs.filter(({ read }) => read?.kind === 'forbidden')
  const [first] = forbidden
  if (first?.read?.kind !== 'forbidden') return undefined
  const names = new Set(forbidden.map(({ ref }) => `${ref.kind} ${ref.name}`))
  const who = first.read.user ?? 'this account'
  return `not planned, for ${who} may not get ${[...names].join(', ')} in namespace ${namespace}, where values of the spec come from; ask as somebody who may, or plan the manifest with -f alone, which leaves these fields out`
}

type PlannedDeclaration = Declaration & {
  /** Why some fields are left out, if so. */
  readonly unknown?: string
}

const fieldsFrom = ['yaml', 'environmentParameters', 'startupParameters', 'inferenceParams'] as const

/** What stands in the spec itself: without a cluster nobody knows the values that it takes from elsewhere. */
function declaredWithout(spec: ParsedSpec): PlannedDeclaration {
  const left = fieldsFrom.filter((field) => spec[`${field}From`] !== undefined)
  const own = { ...spec, ...Object.fromEntries(left.map((field) => [field, undefined])) }
  const unknown = `not compared, for the values come from Secrets or ConfigMaps: ${left.join(', ')}`
  return { desired: desiredOf(own), sources: new Map(), unknown }
}

/** Two objects of one name may be among the files, so the place in the list tells them apart. */
function claimKey({ object: { metadata } }: PlanSubject, index: number): string {
  return `${metadata.namespace}/${metadata.name}#${String(index).padStart(6, '0')}`
}

const otherKey = ({ metadata }: StoredModelService) => `${metadata.namespace}/${metadata.name}`

/** An object that is not stored yet would be stored now, and so is younger than all that are. */
function born(object: StoredModelService, now: number): StoredModelService {
  const { metadata } = object
  return metadata.creationTimestamp === ''
    ? { ...object, metadata: { ...metadata, creationTimestamp: timestamp(now) } }
    : object
}

function nameOfClaimant(key: string, subjects: readonly PlanSubject[]): string {
  const mark = key.lastIndexOf('#')
  return mark === -1 ? key : nameOf(subjects[Number(key.slice(mark + 1))])
}

function nameOf(subject: PlanSubject | undefined): string {
  const { namespace = '', name = '' } = subject?.object.metadata ?? {}
  const full = namespace === '' ? name : `${namespace}/${name}`
  return subject?.source === undefined ? full : `${full} (${subject.source})`
}

/** Reads as a poll does, a hundred services a query. Returns what could not be read. */
async function readAll(
  uuids: readonly string[],
  { inventory, signal, onRead }: PlanOptions,
): Promise<ReadonlyMap<string, Failure>> {
  const failures = new Map<string, Failure>()
  let count = 0
  await inventory.refresh(uuids, signal, (refreshed) => {
    if (refreshed.kind === 'unreadable') failures.set(refreshed.uuid, refreshed.failure)
    else if (refreshed.kind === 'failed') for (const uuid of refreshed.uuids) failures.set(uuid, refreshed.failure)
    else onRead?.((count += refreshed.uuids.length))
  })
  return failures
}

function planOne(
  subject: PlanSubject,
  spec: ParsedSpec,
  { desired, sources, unknown }: PlannedDeclaration,
  observation: Observation,
  { endpoint, now }: PlanOptions,
): PlannedObject {
  const { metadata } = subject.object
  const previous = statusAt(endpoint, statusOf(subject.object))
  const token = metadata.annotations?.[reconcileRequestedAt]
  const { policy } = spec
  const suspension = suspensionOf(subject.object, now)
  const decision = decide(desired, observation, {
    generation: metadata.generation,
    owner: ownerOf(subject.object, endpoint, spec.uuid),
    sources,
    hashes: hashesIn(previous),
    hold: restoreHold(previous, now),
    equality: isEqual,
    policy,
    suspend: suspension !== undefined,
    requested: token !== undefined && token !== previous?.lastHandledReconcileAt,
    now,
  })
  const { next, comparison } = decision
  const { unverifiable, concealed } = comparison.assessment
  const note = unknown === undefined ? {} : { message: unknown }
  if (next.kind === 'update') {
    const changes = (Object.keys(next.patch) as FieldName[]).map((field) =>
      changeOf(field, desired, observation, concealed),
    )
    return plannedOf(subject, 'update', { changes, cause: next.cause, unverifiable, ...note })
  }
  const { differences, unsent } = comparison.assessment
  const due = policy === 'Observe' ? [] : unsent
  const differing = [...differences.map(({ field }) => field), ...due].map((field) =>
    changeOf(field, desired, observation, concealed),
  )
  return plannedOf(subject, resultOf(next.outcome), {
    changes: next.outcome.kind === 'inSync' ? [] : differing,
    unverifiable,
    ...note,
    ...messageOf(decision, next.outcome, suspension),
  })
}

function changeOf(
  field: FieldName,
  desired: Desired,
  { live }: Observation,
  concealed: ReadonlySet<FieldName>,
): PlannedChange {
  const isWriteOnly = fields[field].visibility === 'hidden'
  return {
    field,
    isWriteOnly,
    isConcealed: concealed.has(field),
    desired: desired.get(field) ?? null,
    live: live.values.get(field),
  }
}

function resultOf({ kind }: Outcome): PlannedObject['result'] {
  switch (kind) {
    case 'inSync':
      return 'same'
    case 'drifted':
      return 'left'
    case 'suspended':
      return 'suspended'
    case 'ineffective':
    case 'failed':
      return 'held'
    default:
      throw new Error(`a plan that ends in ${kind}`)
  }
}

function messageOf(
  { hold }: Decision,
  outcome: Outcome,
  suspension: Suspension | undefined,
): { readonly message?: string } {
  switch (outcome.kind) {
    case 'drifted':
      return { message: `policy ${outcome.policy} leaves it` }
    case 'suspended':
      return suspension ? { message: suspensionMessage(suspension) } : {}
    case 'failed':
      return { message: `would be refused: ${outcome.failure.message}${untilText(hold?.until)}` }
    case 'ineffective':
      return {
        message: `ZStack accepted ${hold?.attempts ?? 0} updates of this without effect${untilText(hold?.until)}`,
      }
    default:
      return {}
  }
}

const untilText = (until: number | undefined) =>
  until === undefined ? '' : `; the operator tries again at ${new Date(until).toISOString()}`

function plannedOf(
  { source, object }: PlanSubject,
  result: PlannedObject['result'],
  rest: Partial<PlannedObject>,
): PlannedObject {
  const { namespace, name } = object.metadata
  const { uuid, policy } = (object.spec ?? {}) as { readonly uuid?: unknown; readonly policy?: unknown }
  return {
    namespace: namespace === '' ? undefined : namespace,
    name,
    source,
    uuid: typeof uuid === 'string' ? uuid : undefined,
    policy: typeof policy === 'string' ? policy : undefined,
    result,
    changes: [],
    cause: undefined,
    unverifiable: [],
    message: undefined,
    ...rest,
  }
}
