/** What bystanders of lasting faults are promised, looked at at every moment while the faults last. */
import { parse, statusOf, type FieldName, type StoredModelService } from '../../src/api/modelservice.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { fields } from '../../src/api/fields.ts'
import type { Reason } from '../../src/api/reasons.ts'
import type { Status } from '../../src/api/status.ts'
import { startMs } from './lasting-schedule.ts'
import { keyOf, type Objects } from './objects.ts'
import { isSame, type Services, type Values } from './services.ts'
import { wordOf } from './service-faults.ts'
import { declaredBy, type Sources } from './sources.ts'
import type { Time } from './time.ts'

export const violationKinds = [
  'late edit',
  'late drift',
  'untrue InSync',
  'old generation',
  'false trouble',
  'words of others',
  'needless update',
  'update beside a job',
  'too many updates',
  'too many queries',
  'too many status writes',
  'too many events',
  'repeated log line',
  'silent trouble',
  'update without its source',
  'status of another endpoint',
  'slow stop',
  'session left open',
  'lease kept',
  'end of the process',
  'does not settle',
  'secret',
] as const
export type ViolationKind = (typeof violationKinds)[number]
export type Violation = { readonly kind: ViolationKind; readonly at: number; readonly what: string }

/** The limits of what is promised; times are milliseconds of virtual time. */
export type Promises = {
  /** From an edit until its update is at ZStack, the way there and that of the watch included. */
  readonly editMs: number
  /** From drift until ZStack holds again what is declared. */
  readonly driftMs: number
  /** How long a status may say what is not true of ZStack. */
  readonly untrueMs: number
  /** From an edit until a status speaks of the new generation. */
  readonly observedMs: number
  /** Beside two for each update. */
  readonly queriesAMinute: number
  /** Of all objects within ten minutes. */
  readonly eventsInAll: number
  readonly judgedFromMs: number
}

/**
 * Updates of one object within ten minutes and within an hour, if nothing changes: a backoff of 1 s, doubled up to 5
 * minutes, of which a quarter is jitter, makes no more.
 */
export const maxUpdatesInTenMinutes = 12
export const maxUpdatesInAnHour = 24
const maxEventsInTenMinutes = 10
/** Of a connection in trouble: when it begins and when it ends, and if it comes again. */
const maxConnectionLines = 5
/** At this many times what is promised, the rest need not be seen. */
const flood = 10

const tenMinutes = 600_000
const anHour = 3_600_000

export type BystanderJudgeOptions = {
  readonly time: Time
  readonly objects: Objects
  readonly sources: Pick<Sources, 'read'>
  readonly services: Services
  readonly endpoint: string
  readonly promises: Promises
  /** The bystanders, by key; all other objects are bounded in what they cost and what is said of them. */
  readonly bystanders: ReadonlySet<string>
  /** How much longer the service of a bystander takes. */
  readonly slowMs: (key: string) => number
  /** Objects whose status somebody else writes. */
  readonly contested: ReadonlySet<string>
  /** Objects that refer to what cannot be had from some moment on. */
  readonly unresolved: ReadonlySet<string>
  readonly unresolvedFromMs: number
  /** From then on each of them says so. */
  readonly unresolvedToldFromMs: number
  readonly isJobRunning: (uuid: string) => boolean
  readonly report: (violation: Violation) => void
}

export interface BystanderJudge {
  /** An object was edited or made anew. Where `isTold`, a status has to speak of it at once. */
  edited(key: string, isTold: boolean): void
  /** What an object refers to was changed: that is worth an update, and what tells of it. */
  sourceChanged(key: string): void
  /** Somebody changed the service of a bystander. */
  drifted(key: string): void
  /** An update with these values is about to be carried out, or refused, by ZStack. */
  arrived(uuid: string, values: Values): void
  queried(): void
  /** The operator writes a status. */
  wroteStatus(key: string, status: unknown): void
  recordsEvent(key: string, message: string): void
  logs(level: number, about: string, message: string): void
  /** Looks at all that takes time; call it often. */
  look(): void
  /** From now on nothing is promised but the bounds of what the operator sends. */
  endOfBystanders(): void
  /** Whether something happens so often that to go on would take for ever. */
  isFlooded(): boolean
}

type Seen = {
  readonly object: StoredModelService
  readonly held: Values | undefined
  readonly status: Status | undefined
  readonly differences: readonly FieldName[]
}

/** Trouble that no bystander has: its own service answers. */
const troubles: ReadonlySet<Reason> = new Set<Reason>([
  'RemoteRejected',
  'NotFound',
  'CredentialsRejected',
  'AccountDisabled',
  'PermissionDenied',
  'QuotaExceeded',
  'TooManySessions',
  'Unreachable',
  'ObservationStale',
  'ConnectionNotFound',
  'SecretNotFound',
  'ReferenceNotFound',
  'UpdateNotEffective',
])

export function createBystanderJudge(options: BystanderJudgeOptions): BystanderJudge {
  const { time, objects, sources, services, endpoint, promises, bystanders, contested, slowMs, isJobRunning } = options
  const { unresolved, unresolvedFromMs, unresolvedToldFromMs, report } = options
  const edits = new Map<string, number>()
  const unobserved = new Map<string, number>()
  const drifts = new Map<string, number>()
  /** Since when something has been untrue, by what it is. */
  const untrue = new Map<string, number>()
  const converged = new Set<string>()
  const lastChange = new Map<string, number>()
  const told = new Set<string>()
  const known = new Map<string, Seen>()
  let isFlooded = false
  const [updates, statusWrites, events, lines] = [1, 2, 3, 4].map(() => createRate(time, tenMinutes)) as [
    ...[Rate, Rate, Rate, Rate],
  ]
  const [hourly, sourceChanges] = [createRate(time, anHour), createRate(time, anHour)]
  const [queries, recentUpdates] = [createRate(time, 60_000), createRate(time, 60_000)]
  let isJudged = true

  const say = (kind: ViolationKind, what: string) => report({ kind, at: time.now(), what })
  /** Once, however long it lasts. */
  function sayOnce(kind: ViolationKind, about: string, what: string) {
    const id = `${kind} ${about}`
    if (told.has(id)) return
    told.add(id)
    say(kind, what)
  }
  const within = (rate: Rate, max: number, kind: ViolationKind, about: string) => {
    const count = rate.count(about)
    if (count > flood * Math.max(max, 2 * maxUpdatesInTenMinutes)) isFlooded = true
    if (count > max)
      sayOnce(kind, about, `${about}: ${count}, more than ${max} within ${rate.windowMs / 60_000} minutes`)
  }

  function declaredFor(object: StoredModelService) {
    const parsed = parse(object)
    if (!parsed.ok) return []
    return [...(declaredBy(parsed.spec, object.metadata.namespace, (key) => sources.read(key)) ?? [])]
  }

  /** Neither an object nor what a service holds is ever changed in place, so that what was found of both stands. */
  function seen(key: string): Seen | undefined {
    const object = objects.get(key)
    if (!object) return undefined
    const held = services.get((object.spec as { uuid: string }).uuid)?.values
    const before = known.get(key)
    if (before?.object === object && before.held === held) return before
    const desired = declaredFor(object)
    const differences = desired.flatMap(([field, wanted]) => (isSame(field, wanted, held?.[field]) ? [] : [field]))
    const now = { object, held, status: statusOf(object), differences }
    known.set(key, now)
    return now
  }

  /** What lasts for longer than it may is told once. */
  function judgeTruth(kind: 'untrue InSync' | 'false trouble', key: string, isUntrue: boolean, what: () => string) {
    const id = `${kind} ${key}`
    if (!isUntrue) {
      untrue.delete(id)
      told.delete(id)
      return
    }
    const since = untrue.get(id) ?? time.now()
    untrue.set(id, since)
    const lasted = time.now() - since
    if (lasted > promises.untrueMs + slowMs(key)) sayOnce(kind, key, `${key} has said ${what()} for ${seconds(lasted)}`)
  }

  function lookAt(key: string) {
    const found = seen(key)
    if (!found) return
    const { object, status, differences } = found
    const shown = differences.filter((field) => fields[field].visibility !== 'hidden')
    const isDone = differences.length === 0
    if (isDone) drifts.delete(key)
    if (isDone && !edits.has(key)) converged.add(key)
    const edited = edits.get(key)
    if (edited !== undefined && time.now() - edited > promises.editMs + slowMs(key))
      sayOnce(
        'late edit',
        `${key} ${edited}`,
        `an edit of ${key} is not at ZStack ${seconds(time.now() - edited)} later`,
      )
    const drifted = drifts.get(key)
    if (drifted !== undefined && time.now() - drifted > promises.driftMs + slowMs(key))
      sayOnce('late drift', `${key} ${drifted}`, `drift of ${key} stands ${seconds(time.now() - drifted)} later`)
    if (contested.has(key)) return
    const ready = conditionOf(status, 'Ready')
    const claims = ready?.status === 'True' && ready.observedGeneration === object.metadata.generation
    judgeTruth('untrue InSync', key, claims && shown.length > 0, () => `True while ${shown.join()} differs`)
    const trouble = troubleIn(status)
    judgeTruth('false trouble', key, trouble !== undefined, () => `${trouble}`)
  }

  function lookAtGeneration(key: string, since: number) {
    const found = seen(key)
    const isObserved = found === undefined || found.status?.observedGeneration === found.object.metadata.generation
    if (isObserved) unobserved.delete(key)
    else if (time.now() - since > promises.observedMs + slowMs(key))
      sayOnce(
        'old generation',
        `${key} ${since}`,
        `${key} says nothing of its edit ${seconds(time.now() - since)} later`,
      )
  }

  function lookAtEndpoint(key: string) {
    const status = seen(key)?.status
    const isOther = status?.connection !== undefined && status.connection.endpoint !== endpoint
    if (isOther && conditionOf(status, 'Ready')?.status === 'True' && time.now() > promises.editMs)
      sayOnce('status of another endpoint', key, `${key} goes by ${status.connection.endpoint}`)
  }

  function lookAtReference(key: string) {
    const reason = conditionOf(seen(key)?.status, 'Ready')?.reason
    if (reason !== 'ReferenceNotFound' && !contested.has(key))
      sayOnce('silent trouble', key, `${key} says ${reason} while what it refers to cannot be had`)
  }

  /** What was edited or drifted begins its tries anew. */
  const seriesOf = (key: string) => (lastChange.has(key) ? 2 : 1)

  /** No object is told what ZStack said about another one. */
  function listen(key: string, text: string) {
    const own = (objects.get(key)?.spec as { uuid?: string } | undefined)?.uuid
    const word = text.match(/word[0-9a-f]{8}x/g)?.find((one) => own === undefined || one !== wordOf(own))
    if (word !== undefined) sayOnce('words of others', key, `${key} is told ${word}: ${text.slice(0, 400)}`)
  }

  return {
    edited(key, isTold) {
      if (bystanders.has(key)) edits.set(key, time.now())
      if (isTold && !contested.has(key)) unobserved.set(key, time.now())
      lastChange.set(key, time.now())
    },
    sourceChanged: (key) => sourceChanges.add(key),
    drifted(key) {
      if ((seen(key)?.differences.length ?? 0) > 0) drifts.set(key, time.now())
      lastChange.set(key, time.now())
    },
    arrived(uuid, values) {
      const claimants = objects.all().filter(({ spec }) => (spec as { uuid: string }).uuid === uuid)
      // The next owner of a service knows nothing of a job that the former one began.
      const isOwnJob = !claimants.some((object) => slowMs(keyOf(object)) > 0)
      if (isOwnJob && isJobRunning(uuid)) say('update beside a job', `an update of ${uuid} leaves while its job runs`)
      for (const object of claimants) {
        const key = keyOf(object)
        const held = services.get(uuid)?.values ?? {}
        const names = Object.keys(values) as FieldName[]
        const isNeedless = names.every((field) => isSame(field, values[field] ?? null, held[field]))
        const isQuiet = time.now() - (lastChange.get(key) ?? 0) > promises.driftMs + 5_000
        if (bystanders.has(key) && !contested.has(key) && isJudged && converged.has(key) && isNeedless && isQuiet)
          sayOnce('needless update', key, `${key} is sent ${names.join()}, which ZStack holds already`)
        const left = declaredFor(object).filter(([field]) => field in held || field in values)
        if (left.every(([field, wanted]) => isSame(field, wanted, values[field] ?? held[field]))) edits.delete(key)
      }
      const missing = claimants.find((object) => unresolved.has(keyOf(object)))
      if (missing && time.now() > unresolvedFromMs)
        sayOnce('update without its source', uuid, `${keyOf(missing)} is sent ${Object.keys(values).join()}`)
      for (const rate of [updates, hourly]) rate.add(uuid)
      recentUpdates.add('')
      const series = Math.max(1, ...claimants.map((object) => seriesOf(keyOf(object))))
      const changes = Math.max(0, ...claimants.map((object) => sourceChanges.count(keyOf(object))))
      within(updates, series * maxUpdatesInTenMinutes + changes, 'too many updates', uuid)
      within(hourly, series * maxUpdatesInAnHour + changes, 'too many updates', uuid)
    },
    queried() {
      queries.add('')
      within(queries, promises.queriesAMinute + 2 * recentUpdates.count(''), 'too many queries', '')
    },
    wroteStatus(key, status) {
      statusWrites.add(key)
      // A try is told when it begins and when it ends, and what others wrote over it is told again.
      const max =
        2 * seriesOf(key) * maxUpdatesInTenMinutes + (contested.has(key) ? 16 : 6) + 2 * sourceChanges.count(key)
      within(statusWrites, max, 'too many status writes', key)
      listen(key, JSON.stringify(status))
    },
    recordsEvent(key, message) {
      listen(key, message)
      events.add(key)
      within(events, maxEventsInTenMinutes + sourceChanges.count(key), 'too many events', key)
      // At the start much is told that was found then.
      if (time.now() < startMs) return
      events.add('all')
      within(events, promises.eventsInAll + sourceChanges.all(), 'too many events', 'all')
    },
    logs(level, about, message) {
      if (level < 40) return
      const line = `${about} ${message}`
      lines.add(line)
      const max = about === '' ? maxConnectionLines : seriesOf(about) * maxUpdatesInTenMinutes + 4
      within(lines, max, 'repeated log line', line)
    },
    look() {
      for (const object of objects.all()) lookAtEndpoint(keyOf(object))
      if (time.now() > unresolvedToldFromMs) for (const key of unresolved) lookAtReference(key)
      if (!isJudged || time.now() < promises.judgedFromMs) return
      for (const key of bystanders) lookAt(key)
      for (const [key, since] of unobserved) lookAtGeneration(key, since)
    },
    endOfBystanders() {
      isJudged = false
    },
    isFlooded: () => isFlooded,
  }
}

function troubleIn(status: Status | undefined): string | undefined {
  const condition = status?.conditions?.find(({ reason }) => troubles.has(reason))
  return condition && `${condition.type}=${condition.status}/${condition.reason}`
}

type Rate = { readonly windowMs: number; add(about: string): void; count(about: string): number; all(): number }

/** How often something happened within a window that moves on. */
function createRate(time: Time, windowMs: number): Rate {
  const moments = new Map<string, number[]>()
  return {
    windowMs,
    add: (about) => void moments.set(about, [...(moments.get(about) ?? []), time.now()]),
    count(about) {
      const recent = (moments.get(about) ?? []).filter((at) => at > time.now() - windowMs)
      moments.set(about, recent)
      return recent.length
    },
    all: () => [...moments.values()].reduce((sum, some) => sum + some.length, 0),
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
