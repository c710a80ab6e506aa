/** What must never happen in a simulated world, looked at whenever a process does something. */
import { isDeepStrictEqual } from 'node:util'
import { parse, type FieldName } from '../../src/api/modelservice.ts'
import { failurePolicy } from '../../src/decide/failure.ts'
import { desiredOf } from '../../src/api/fields.ts'
import type { Json } from '../../src/api/json.ts'
import { saysNoAction } from '../../src/zstack/bodyshape.ts'
import { failureOf } from '../../src/zstack/failures.ts'
import type { HttpAnswer, HttpRequest } from '../../src/zstack/http.ts'
import { keyOf, type Objects, type Stored } from './objects.ts'
import { createObservations } from './observations.ts'
import type { Time } from './time.ts'
import type { View } from './watching.ts'
import type { Order } from './zstack.ts'

/** A process as the judge knows it. */
export type Suspect = { readonly name: string; readonly identity: string; readonly view: View }

export type JudgeOptions = {
  readonly time: Time
  readonly objects: Objects
  readonly elects: boolean
  /** Whether a process may be shown the past, its own earlier status included. */
  readonly showsPast: boolean
  readonly blame: (what: string) => void
}

export interface Judge {
  /** An update is about to leave a process. */
  updating(suspect: Suspect, request: HttpRequest): void
  /** The job that an update became got its answer. */
  concluded(suspect: Suspect, uuid: string, answer: HttpAnswer | undefined, order: Order): void
  /** An update got its answer, or none. */
  updated(suspect: Suspect, request: HttpRequest, answer: HttpAnswer | undefined, order: Order | undefined): void
  /** A read was answered, or not: the updates before it are not judged by what one that went wrong would have shown. */
  queried(suspect: Suspect, answer: HttpAnswer | undefined): void
  /** A log-in was answered. */
  loggedIn(suspect: Suspect, answer: HttpAnswer): void
  /** The object that wrote a service last. */
  writerOf(uuid: string): string | undefined
}

type Verdict = { readonly at: number; readonly kind: 'in vain' | 'refused' | 'refused for a while' }
/** Updates of one difference in a row. */
type Row = {
  readonly subject: string
  verdicts: Verdict[]
  readonly lives: Set<string>
  /** Updates of which the operator could not learn that they were in vain. */
  uncounted: number
}
/** The last update of a service by a process. */
type Try = {
  readonly body: unknown
  /** The object, the fields, and what the process was shown of them. */
  readonly about: string
  readonly request: string | undefined
  /** The same as the one before, in the other of the two bodies: only both together are a try. */
  readonly isSecond: boolean
  verdict?: Verdict
}

const fuse = 3
/** A little less than the limits that the operator keeps, for a request takes time to arrive. */
const standsMs = { 'in vain': 3_400_000, refused: 3_400_000, 'refused for a while': 570_000 } as const
const lockOutMs = 1_740_000
/** No backoff is that fast. */
const mostPerMinute = 40

export function createJudge({ time, objects, elects, showsPast, blame }: JudgeOptions): Judge {
  const observations = createObservations()
  const rows = new Map<string, Row>()
  const tries = new Map<string, Try>()
  /** Updates that ended, however often the end of their job is looked at. */
  const concluded = new WeakSet<Order>()
  const sent = new Map<string, number[]>()
  /** For which objects a process has updates of a service on their way. */
  const underWay = new Map<string, Map<HttpRequest, string | undefined>>()
  const refusedLogIns = new Map<string, number>()
  const writers = new Map<string, string>()

  function guiltOf({ identity }: Suspect, uuid: string, patch: Patch, winner: Stored | undefined) {
    if (elects && objects.lease()?.spec?.holderIdentity !== identity) return 'does not lead'
    if (!winner) return 'was shown nobody who speaks for it'
    const parsed = parse(winner)
    if (!parsed.ok) return `was shown an invalid ${keyOf(winner)}`
    const { spec } = parsed
    if (spec.suspend) return `was shown that ${keyOf(winner)} is suspended`
    if (spec.policy === 'Observe') return `was shown that ${keyOf(winner)} observes`
    const desired = desiredOf(spec)
    for (const [field, value] of Object.entries(patch) as [FieldName, Json][]) {
      if (!desired.has(field)) return `was shown no ${field} in ${keyOf(winner)}`
      if (!isDeepStrictEqual(desired.get(field), value))
        return `was shown another ${field} in ${keyOf(winner)}: ${JSON.stringify(desired.get(field))}`
    }
    return Object.keys(patch).length === 0 ? 'sends nothing' : undefined
  }

  function fuseOf(suspect: Suspect, uuid: string, winner: Stored, body: unknown): string | undefined {
    const { uid, generation } = winner.metadata
    const parsed = parse(winner)
    const differences = parsed.ok ? observations.differences(suspect, uuid, desiredOf(parsed.spec)) : []
    const about = JSON.stringify([uid, generation, differences, patchOf(body)])
    const first = firstOf(tries.get(laneOf(suspect, uuid)), body, about)
    const request = first ? first.request : observations.request(suspect, uid)
    tries.set(laneOf(suspect, uuid), { body, about, request, isSecond: first !== undefined })
    const subject = JSON.stringify([about, request])
    const before = rows.get(uuid)
    const row: Row = before?.subject === subject ? before : { subject, verdicts: [], lives: new Set(), uncounted: 0 }
    rows.set(uuid, row)
    row.lives.add(suspect.name)
    row.verdicts = row.verdicts.filter(
      (verdict) => verdict !== first?.verdict && time.now() - verdict.at < standsMs[verdict.kind],
    )
    const count = (kind: Verdict['kind']) => row.verdicts.filter((verdict) => verdict.kind === kind).length
    // A crash may lose what the last update of a process taught it; a look into the past, all of it.
    const lost = row.lives.size - 1
    const most = fuse + lost * (showsPast ? fuse : 1) + row.uncounted
    if (count('in vain') >= most) return `${most} updates of the same difference were in vain`
    if (count('refused') > lost) return 'the same update was refused before'
    if (count('refused for a while') > lost) return 'the same update was refused a moment ago'
    return undefined
  }

  function paceOf(uuid: string): string | undefined {
    const recent = (sent.get(uuid) ?? []).filter((at) => time.now() - at < 60_000)
    sent.set(uuid, [...recent, time.now()])
    return recent.length >= mostPerMinute ? `${recent.length} updates went before it within a minute` : undefined
  }

  function conclude(suspect: Suspect, uuid: string, answer: HttpAnswer | undefined, order: Order | undefined) {
    observations.answered(suspect, answer)
    const kind = answer && kindOf(answer, order)
    const last = tries.get(laneOf(suspect, uuid))
    if (!kind || !last || (order && concluded.has(order))) return
    if (order) concluded.add(order)
    last.verdict = { at: time.now(), kind }
    rows.get(uuid)?.verdicts.push(last.verdict)
  }

  return {
    updating(suspect, request) {
      const { body } = request
      const uuid = uuidOf(request)
      const patch = patchOf(body)
      const winner = winnerOf([...suspect.view.objects.values()], uuid)
      const others = underWay.get(laneOf(suspect, uuid)) ?? new Map<HttpRequest, string | undefined>()
      const isSecond = [...others.values()].includes(winner?.metadata.uid)
      underWay.set(laneOf(suspect, uuid), others.set(request, winner?.metadata.uid))
      const guilt =
        (isSecond ? 'has another one under way' : undefined) ??
        guiltOf(suspect, uuid, patch, winner) ??
        (winner && fuseOf(suspect, uuid, winner, body)) ??
        paceOf(uuid)
      if (guilt !== undefined)
        blame(`${suspect.name} sends ${JSON.stringify(patch)} for ${uuid.slice(0, 4)}, but ${guilt}`)
      if (winner) writers.set(uuid, winner.metadata.uid)
    },
    updated(suspect, request, answer, order) {
      const uuid = uuidOf(request)
      underWay.get(laneOf(suspect, uuid))?.delete(request)
      conclude(suspect, uuid, answer, order)
    },
    concluded: conclude,
    queried(suspect, answer) {
      observations.queried(suspect, answer)
      if (answer?.kind === 'answered' && answer.status === 200 && answer.json !== undefined) return
      for (const row of rows.values()) row.uncounted += 1
    },
    loggedIn({ name }, answer) {
      const failure = failureOf(answer, { endpoint: '', writes: false, secrets: [] })
      if (failure?.kind !== 'credentials' && failure?.kind !== 'accountDisabled') return
      const before = refusedLogIns.get(name)
      if (before !== undefined && time.now() - before < lockOutMs)
        blame(`${name} logs in again ${(time.now() - before) / 1000} s after its credentials were refused`)
      refusedLogIns.set(name, time.now())
    },
    writerOf: (uuid) => writers.get(uuid),
  }
}

const uuidOf = ({ path }: HttpRequest) => path.slice(path.lastIndexOf('/') + 1)
const laneOf = ({ name }: Suspect, uuid: string) => `${name} ${uuid}`

/** What an answer says of the update it is to, if it says anything. */
function kindOf(answer: HttpAnswer, order: Order | undefined): Verdict['kind'] | undefined {
  const failure = failureOf(answer, { endpoint: '', writes: true, secrets: [] })
  if (!failure) return order?.hadEffect === false ? 'in vain' : undefined
  // Which body a server takes is not said of the update, nor is what ails the connection.
  if (saysNoAction(failure.message) || failurePolicy[failure.kind].scope === 'connection') return undefined
  return failurePolicy[failure.kind].retry === 'slowly' ? 'refused for a while' : 'refused'
}

/** The first half of a try, of which this body is the second; what is refused is not tried in the other. */
function firstOf(last: Try | undefined, body: unknown, about: string): Try | undefined {
  const isSecond =
    last?.isSecond === false &&
    (last.verdict === undefined || last.verdict.kind === 'in vain') &&
    last.about === about &&
    !isDeepStrictEqual(last.body, body)
  return isSecond ? last : undefined
}

type Patch = Readonly<Record<string, Json>>

/** The fields of an update in either shape. */
function patchOf(body: unknown): Patch {
  const { updateModelService, ...rest } = body as { updateModelService?: Patch } & Patch
  return { ...updateModelService, ...rest }
}

/** The oldest object that speaks for a uuid and is not being deleted. */
export function winnerOf(all: readonly Stored[], uuid: string): Stored | undefined {
  const age = ({ metadata }: Stored) => metadata.creationTimestamp
  return all
    .filter(
      ({ spec, metadata }) => (spec as { uuid?: unknown }).uuid === uuid && metadata.deletionTimestamp === undefined,
    )
    .sort((one, other) =>
      age(one) === age(other) ? (keyOf(one) < keyOf(other) ? -1 : 1) : age(one) < age(other) ? -1 : 1,
    )[0]
}
