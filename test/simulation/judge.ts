/** What must never happen in a simulated world, looked at whenever a process does something. */
import { isDeepStrictEqual } from 'node:util'
import { parse, statusOf, type FieldName } from '../../src/api/modelservice.ts'
import { failurePolicy } from '../../src/decide/failure.ts'
import type { Json } from '../../src/api/json.ts'
import { saysNoAction } from '../../src/zstack/bodyshape.ts'
import { failureOf } from '../../src/zstack/failures.ts'
import type { HttpAnswer, HttpRequest } from '../../src/zstack/http.ts'
import { keyOf, type Objects, type Stored } from './objects.ts'
import { createObservations } from './observations.ts'
import type { Process } from './process.ts'
import { declaredBy } from './sources.ts'
import { isSuspended } from './suspension.ts'
import type { Time } from './time.ts'
import type { View } from './watching.ts'
import type { Order, ZStack } from './zstack.ts'

/** A process as the judge knows it. */
export type Sender = {
  readonly name: string
  readonly identity: string
  readonly process: Pick<Process, 'clock'>
  readonly view: View
}

export type JudgeOptions = {
  readonly time: Time
  readonly objects: Objects
  readonly zstack: Pick<ZStack, 'runningSince'>
  readonly elects: boolean
  /** Whether a process may be shown the past, its own earlier status included. */
  readonly showsPast: boolean
  /** Is given each violation, as a sentence. */
  readonly report: (violation: string) => void
}

export interface Judge {
  /** An update is about to leave a process. */
  updating(sender: Sender, request: HttpRequest): void
  /** The job that an update became got its answer. */
  concluded(sender: Sender, uuid: string, answer: HttpAnswer | undefined, order: Order): void
  /** An update got its answer, or none. */
  updated(sender: Sender, request: HttpRequest, answer: HttpAnswer | undefined, order: Order | undefined): void
  /** A process that asked after a job got an answer, or none. */
  askedAfter(sender: Sender, request: HttpRequest, answer: HttpAnswer | undefined): void
  /** A read was answered, or not: the updates before it are not judged by what one that went wrong would have shown. */
  queried(sender: Sender, answer: HttpAnswer | undefined): void
  /** A log-in was answered. */
  loggedIn(sender: Sender, answer: HttpAnswer): void
  /** The object that wrote a service last. */
  writerOf(uuid: string): string | undefined
}

type UpdateResult = { readonly at: number; readonly kind: 'ineffective' | 'refused' | 'refused for a while' }
/** Updates of one difference, one after the other. */
type Series = {
  readonly subject: string
  results: UpdateResult[]
  readonly processes: Set<string>
  /** Updates of which the operator could not learn that they had no effect. */
  uncounted: number
}
/** The last update of a service by a process. */
type Attempt = {
  readonly body: unknown
  /** The object, the fields, and what the process was shown of them. */
  readonly about: string
  readonly request: string | undefined
  /** The same as the one before, in the other of the two bodies: only both together are a try. */
  readonly isSecond: boolean
  result?: UpdateResult
}

/** The promise itself, stated apart from the number in the code that is judged. */
const maxIneffectiveUpdates = 3
/** A little less than the limits that the operator keeps, for a request takes time to arrive. */
const holdMs = { ineffective: 3_400_000, refused: 3_400_000, 'refused for a while': 570_000 } as const
const credentialsPauseMs = 1_740_000
/**
 * So long after it began, a job is not given up yet: the operator gives one up after ten minutes, and the clocks of two
 * processes differ by four at most.
 */
const minJobMs = 300_000
/**
 * Tries of one difference by one process in a minute: a backoff of 1 s that doubles, of which a quarter is jitter, makes no
 * more. Each may go out in two bodies.
 */
const maxTriesAMinute = 7

export function createJudge({ time, objects, zstack, elects, showsPast, report }: JudgeOptions): Judge {
  const observations = createObservations()
  const seriesByUuid = new Map<string, Series>()
  const attempts = new Map<string, Attempt>()
  /** Updates that ended, however often the end of their job is looked at. */
  const concluded = new WeakSet<Order>()
  const sent = new Map<string, number[]>()
  /** For which objects a process has updates of a service on their way. */
  const underWay = new Map<string, Map<HttpRequest, string | undefined>>()
  const refusedLogIns = new Map<string, number>()
  /** Jobs of which a process has had another answer than that they run: it may go on without them. */
  const endedJobs = new Set<string>()
  const writers = new Map<string, string>()

  function declaredIn({ view }: Sender, winner: Stored) {
    const parsed = parse(winner)
    return parsed.ok
      ? declaredBy(parsed.spec, winner.metadata.namespace, (key) => view.sources.get(key) ?? 'missing')
      : undefined
  }

  function permissionViolation(sender: Sender, uuid: string, patch: Patch, winner: Stored | undefined) {
    if (elects && objects.lease()?.spec?.holderIdentity !== sender.identity) return 'does not lead'
    if (!winner) return 'was shown nobody who speaks for it'
    const parsed = parse(winner)
    if (!parsed.ok) return `was shown an invalid ${keyOf(winner)}`
    const { spec } = parsed
    if (isSuspended(winner, sender.process.clock.now())) return `was shown that ${keyOf(winner)} is suspended`
    if (spec.policy === 'Observe') return `was shown that ${keyOf(winner)} observes`
    const desired = declaredIn(sender, winner)
    if (!desired) return `was not shown all that ${keyOf(winner)} refers to`
    for (const [field, value] of Object.entries(patch) as [FieldName, Json][]) {
      if (!desired.has(field)) return `was shown no ${field} in ${keyOf(winner)}`
      if (!isDeepStrictEqual(desired.get(field), value))
        return `was shown another ${field} in ${keyOf(winner)}: ${JSON.stringify(desired.get(field))}`
    }
    return Object.keys(patch).length === 0 ? 'sends nothing' : undefined
  }

  function retryViolation(sender: Sender, uuid: string, winner: Stored, body: unknown): string | undefined {
    const { uid, generation } = winner.metadata
    const desired = declaredIn(sender, winner)
    const differences = desired ? observations.differences(sender, uuid, desired) : []
    const about = JSON.stringify([uid, generation, differences, patchOf(body)])
    const first = firstOf(attempts.get(attemptKey(sender, uuid)), body, about)
    const request = first ? first.request : observations.request(sender, uid)
    attempts.set(attemptKey(sender, uuid), { body, about, request, isSecond: first !== undefined })
    const subject = JSON.stringify([about, request])
    const before = seriesByUuid.get(uuid)
    const series: Series =
      before?.subject === subject ? before : { subject, results: [], processes: new Set(), uncounted: 0 }
    seriesByUuid.set(uuid, series)
    series.processes.add(sender.name)
    series.results = series.results.filter(
      (result) => result !== first?.result && time.now() - result.at < holdMs[result.kind],
    )
    const count = (kind: UpdateResult['kind']) => series.results.filter((result) => result.kind === kind).length
    // A crash may lose what the last update of a process taught it; a look into the past, all of it.
    const lost = series.processes.size - 1
    const max = maxIneffectiveUpdates + lost * (showsPast ? maxIneffectiveUpdates : 1) + series.uncounted
    if (count('ineffective') >= max) return `${max} updates of the same difference had no effect`
    if (count('refused') > lost) return 'the same update was refused before'
    if (count('refused for a while') > lost) return 'the same update was refused a moment ago'
    return undefined
  }

  /** A process that found a job in the status of an object follows that job before it sends anything for the object. */
  function jobViolation({ name, view }: Sender, winner: Stored): string | undefined {
    const job = view.firstJobs.get(winner.metadata.uid)
    if (job === undefined || statusOf(winner)?.job?.uuid !== job || endedJobs.has(`${name} ${job}`)) return undefined
    const since = zstack.runningSince(job)
    const isRunning = since !== undefined && time.now() - since < minJobMs
    return isRunning ? `was shown by the status of ${keyOf(winner)} that job ${job} is under way` : undefined
  }

  function rateViolation(sender: Sender, uuid: string): string | undefined {
    const { about, request } = attempts.get(attemptKey(sender, uuid)) ?? {}
    const tries = JSON.stringify([attemptKey(sender, uuid), about, request])
    const recent = (sent.get(tries) ?? []).filter((at) => time.now() - at < 60_000)
    sent.set(tries, [...recent, time.now()])
    const isTooMany = recent.length >= 2 * maxTriesAMinute
    return isTooMany ? `${recent.length} updates for the same reason went before it within a minute` : undefined
  }

  function conclude(sender: Sender, uuid: string, answer: HttpAnswer | undefined, order: Order | undefined) {
    observations.answered(sender, answer)
    const kind = answer && kindOf(answer, order)
    const last = attempts.get(attemptKey(sender, uuid))
    if (!kind || !last || (order && concluded.has(order))) return
    if (order) concluded.add(order)
    last.result = { at: time.now(), kind }
    seriesByUuid.get(uuid)?.results.push(last.result)
  }

  return {
    updating(sender, request) {
      const { body } = request
      const uuid = uuidOf(request)
      const patch = patchOf(body)
      const winner = winnerOf([...sender.view.objects.values()], uuid)
      const others = underWay.get(attemptKey(sender, uuid)) ?? new Map<HttpRequest, string | undefined>()
      const isSecond = [...others.values()].includes(winner?.metadata.uid)
      underWay.set(attemptKey(sender, uuid), others.set(request, winner?.metadata.uid))
      const violation =
        (isSecond ? 'has another one under way' : undefined) ??
        permissionViolation(sender, uuid, patch, winner) ??
        (winner && retryViolation(sender, uuid, winner, body)) ??
        (winner && jobViolation(sender, winner)) ??
        rateViolation(sender, uuid)
      if (violation !== undefined)
        report(`${sender.name} sends ${JSON.stringify(patch)} for ${uuid.slice(0, 4)}, but ${violation}`)
      if (winner) writers.set(uuid, winner.metadata.uid)
    },
    updated(sender, request, answer, order) {
      const uuid = uuidOf(request)
      underWay.get(attemptKey(sender, uuid))?.delete(request)
      conclude(sender, uuid, answer, order)
    },
    concluded: conclude,
    askedAfter({ name }, request, answer) {
      if (answer?.kind === 'answered' && answer.status !== 202) endedJobs.add(`${name} ${uuidOf(request)}`)
    },
    queried(sender, answer) {
      observations.queried(sender, answer)
      if (answer?.kind === 'answered' && answer.status === 200 && answer.json !== undefined) return
      for (const series of seriesByUuid.values()) series.uncounted += 1
    },
    loggedIn({ name }, answer) {
      const failure = failureOf(answer, { endpoint: '', asks: 'logIn', secrets: [] })
      if (failure?.kind !== 'credentials' && failure?.kind !== 'accountDisabled') return
      const before = refusedLogIns.get(name)
      if (before !== undefined && time.now() - before < credentialsPauseMs)
        report(`${name} logs in again ${(time.now() - before) / 1000} s after its credentials were refused`)
      refusedLogIns.set(name, time.now())
    },
    writerOf: (uuid) => writers.get(uuid),
  }
}

const uuidOf = ({ path }: HttpRequest) => path.slice(path.lastIndexOf('/') + 1)
const attemptKey = ({ name }: Sender, uuid: string) => `${name} ${uuid}`

/** What an answer says of the update it is to, if it says anything. */
function kindOf(answer: HttpAnswer, order: Order | undefined): UpdateResult['kind'] | undefined {
  const failure = failureOf(answer, { endpoint: '', asks: 'update', secrets: [] })
  if (!failure) return order?.hadEffect === false ? 'ineffective' : undefined
  // Which body a server takes is not said of the update, nor is what ails the connection.
  if (saysNoAction(failure.message) || failurePolicy[failure.kind].scope === 'connection') return undefined
  return failurePolicy[failure.kind].retry === 'slowly' ? 'refused for a while' : 'refused'
}

/** The first half of a try, of which this body is the second; what is refused is not tried in the other. */
function firstOf(last: Attempt | undefined, body: unknown, about: string): Attempt | undefined {
  const isSecond =
    last?.isSecond === false &&
    (last.result === undefined || last.result.kind === 'ineffective') &&
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
