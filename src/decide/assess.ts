/** Observation against declaration: what differs, what was never sent, what cannot be read back. */
import { hash } from 'node:crypto'
import type { FieldName } from '../api/modelservice.ts'
import { fields, type Desired, type Sources } from '../api/fields.ts'
import { canonical, isEmpty, type Json } from '../api/json.ts'

/** What ZStack showed of one model service. Empty values are left out, as ZStack itself does. */
export type Live = {
  readonly values: ReadonlyMap<FieldName, Json>
  readonly modelCenterUuid?: string
  readonly system?: boolean
}

/** What one read, or the answer to an update, shows. */
export type Observation = {
  readonly live: Live
  /** Fields that this server is known to show, if need be from other services: only then is an absent one empty. */
  readonly shows: ReadonlySet<FieldName>
}

export type Difference = {
  readonly field: FieldName
  readonly desired: Json
  readonly live: Json | undefined
  /** Set where the declared value comes from elsewhere: what people read instead. */
  readonly label?: string
  /** Set where the live value may come from elsewhere, now or from before. */
  readonly isLiveConcealed?: true
}

/**
 * Salted hash by field of each declared value that is, or once was, in effect. Of a value that comes from elsewhere, the
 * hash is of where it comes from.
 */
export type Hashes = Readonly<Partial<Record<FieldName, string>>>

export type Assessment = {
  /** Fields read other than declared, with both values. */
  readonly differences: readonly Difference[]
  /** Fields whose value ZStack never accepted and does not show, and texts equal in meaning that a person reworded. */
  readonly unsent: readonly FieldName[]
  /** Declared fields that ZStack does not show. */
  readonly unverifiable: readonly FieldName[]
  /** The hash of every declared value now. */
  readonly declared: Hashes
  /** What to remember: hashes of the values in effect now, and of those that were until something drifted. */
  readonly accepted: Hashes
  /** Fields that were in effect as declared now, and differ: drift rather than a change of the spec. */
  readonly drifted: ReadonlySet<FieldName>
  /** Which fields have values from elsewhere. */
  readonly sources: Sources
  /** Fields of which ZStack may hold such a value, those that had one before among them: nothing of it is shown. */
  readonly concealed: ReadonlySet<FieldName>
}

/** What a comparison may be told beside what is compared. */
export type ComparisonOptions = {
  /** By default {@link isEqual}. */
  readonly equality?: Equality
  /** By default none: every value stands in the spec itself. */
  readonly sources?: Sources
}

const noSources: Sources = new Map()
const readableFields = (Object.keys(fields) as FieldName[]).filter((field) => fields[field].visibility !== 'hidden')

/**
 * Compares what is declared with what was observed.
 * @param accepted hashes remembered from before, of the same `owner`
 * @param owner whose values these are: the object and the service that it speaks for, which salt the hashes. A hash of
 *   another owner's matches nothing, so an object that turns to another ZStack sends its write-only fields there too.
 */
export function assess(
  desired: Desired,
  observation: Observation,
  accepted: Hashes,
  owner: string,
  { equality = isEqual, sources = noSources }: ComparisonOptions = {},
): Assessment {
  return compare(desired, observation, accepted, hashesOf(desired, sources, owner), { equality, sources })
}

function compare(
  desired: Desired,
  observation: Observation,
  accepted: Hashes,
  declared: Hashes,
  { equality, sources }: Required<ComparisonOptions>,
): Assessment {
  const differences: Difference[] = []
  const unsent: FieldName[] = []
  const unverifiable: FieldName[] = []
  const drifted = new Set<FieldName>()
  const remembered: Partial<Record<FieldName, string>> = {}
  const concealed = new Set(sources.keys())
  for (const field of readableFields) {
    if (!isOfSource(accepted[field])) continue
    concealed.add(field)
    remembered[field] = sourceMark
  }
  for (const [field, value] of desired) {
    const current = declared[field] ?? ''
    const before = accepted[field]
    const live = observation.live.values.get(field)
    if (!isShown(field, observation)) {
      unverifiable.push(field)
      if (before === current) remembered[field] = current
      else unsent.push(field)
    } else if (!equality(field, value, live)) {
      const source = sources.get(field)
      differences.push({
        ...{ field, desired: value, live },
        ...(source && { label: source.label }),
        ...(concealed.has(field) && ({ isLiveConcealed: true } as const)),
      })
      if (before === current) {
        remembered[field] = current
        drifted.add(field)
      }
    } else if (isReworded(field, value, live, before, current)) {
      unsent.push(field)
      if (before !== undefined) remembered[field] = before
    } else {
      remembered[field] = current
      if (!sources.has(field)) concealed.delete(field)
    }
  }
  return { differences, unsent, unverifiable, declared, accepted: remembered, drifted, sources, concealed }
}

function isShown(field: FieldName, { live, shows }: Observation): boolean {
  const { visibility } = fields[field]
  return visibility === 'shown' || (visibility === 'newer' && (live.values.has(field) || shows.has(field)))
}

function isReadOtherwise(field: FieldName, desired: Desired, observation: Observation, equality: Equality): boolean {
  const value = desired.get(field)
  return (
    value !== undefined && isShown(field, observation) && !equality(field, value, observation.live.values.get(field))
  )
}

/** Whether ZStack holds what is declared of a field. */
export type Equality = (field: FieldName, desired: Json, live: Json | undefined) => boolean

/** Whether ZStack holds what is declared; what it leaves out is empty. */
export function isEqual(field: FieldName, desired: Json, live: Json | undefined): boolean {
  if (live === undefined || isEmpty(live) || isEmpty(desired)) return isEmpty(live) && isEmpty(desired)
  const row = fields[field]
  return row.visibility !== 'hidden' && row.equal(desired, live)
}

/** An equal text that is worded otherwise is a person's edit only if another wording was in effect before. */
function isReworded(field: FieldName, desired: Json, live: Json | undefined, before: string | undefined, now: string) {
  return fields[field].textual === true && desired !== live && before !== undefined && before !== now
}

/**
 * A value from elsewhere counts by the uid and resourceVersion of what it comes from: a hash of it would let whoever reads
 * status find out whether two objects hold the same secret, or try guesses.
 */
export function hashesOf(desired: Desired, sources: Sources, owner: string): Hashes {
  const hashOf = (field: FieldName, value: Json) => {
    const source = sources.get(field)
    return source ? sourceMark + digest(owner, field, source.identity) : digest(owner, field, value)
  }
  return Object.fromEntries([...desired].map(([field, value]) => [field, hashOf(field, value)]))
}

/**
 * The hash of a value from elsewhere begins with this. It stays when the field gets a value of the spec's own, or none,
 * until ZStack is seen to hold another one: until then nothing of what it shows is told.
 */
const sourceMark = 'source:'

function isOfSource(hash: string | undefined): boolean {
  return hash?.startsWith(sourceMark) === true
}

/** The salt is public, so a value that can be guessed can be guessed from its hash: cut short, it proves nothing. */
function digest(owner: string, field: FieldName, value: Json): string {
  return hash('sha256', `${owner}\n${field}\n${canonical(value)}`, 'base64url').slice(0, 16)
}

/**
 * The same after an update of `sent` was accepted: what cannot be read back counts as in effect, what is still read
 * otherwise does not.
 */
export function reassess(
  desired: Desired,
  observation: Observation,
  accepted: Hashes,
  sent: readonly FieldName[],
  owner: string,
  { equality = isEqual, sources = noSources }: ComparisonOptions = {},
): Assessment {
  const declared = hashesOf(desired, sources, owner)
  const inEffect = sent.filter((field) => !isReadOtherwise(field, desired, observation, equality))
  return compare(desired, observation, { ...accepted, ...pick(declared, inEffect) }, declared, { equality, sources })
}

function pick(hashes: Hashes, names: readonly FieldName[]): Hashes {
  return Object.fromEntries(names.map((name) => [name, hashes[name]]))
}
