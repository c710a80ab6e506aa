import { isDeepStrictEqual } from 'node:util'
import { defaultConnection, type FieldName } from '../../src/api/modelservice.ts'
import type { Clock } from '../../src/clock.ts'
import { ok, err, type Result, type Failure } from '../../src/decide/failure.ts'
import { fields } from '../../src/api/fields.ts'
import { isEmpty, type Json } from '../../src/api/json.ts'
import type { Patch } from '../../src/decide/plan.ts'
import type {
  UpdateOutcome,
  Connection,
  Connections,
  Inventory,
  JobRef,
  CachedObservation,
} from '../../src/reconcile/ports.ts'

export type InventoryCall =
  | { readonly kind: 'read'; readonly uuid: string }
  | { readonly kind: 'refresh'; readonly uuids: readonly string[] }
  | { readonly kind: 'update'; readonly uuid: string; readonly patch: Patch }
  | { readonly kind: 'job'; readonly uuid: string; readonly job: JobRef }

/** How the next call of a kind goes instead. */
export type Script =
  /** `carriedOut`: the failure hides that the update took place. */
  | { readonly fails: Failure; readonly carriedOut?: boolean }
  /** A refresh in which this service cannot be read, and all others can. */
  | { readonly spoils: string; readonly because: Failure }
  /** An update that is accepted and changes nothing. */
  | { readonly ineffective: true }
  /** An update that becomes a job, or a job that goes on as another; it ends when {@link FakeInventory.endJobs} says so. */
  | { readonly job: true }
  /** A job that nobody wants any more when the rest of its work is to be sent. */
  | { readonly withdrawn: true }
  /** Nothing comes back before this resolves. */
  | { readonly after: Promise<unknown> }
  /** An update that does not leave before this resolves. */
  | { readonly queuedFor: Promise<unknown> }

export interface FakeInventory extends Inventory {
  readonly calls: readonly InventoryCall[]
  updates(): readonly Patch[]
  /** Puts a service into ZStack or changes it there, unseen as yet; null takes a value away. */
  place(uuid: string, change?: Patch): void
  remove(uuid: string): void
  /** What ZStack holds, write-only fields included. */
  held(uuid: string): Patch | undefined
  /** Scripts for the next calls of that kind, first come first served. */
  next(kind: InventoryCall['kind'], ...scripts: Script[]): void
  endJobs(end?: 'done' | 'expired' | { readonly fails: Failure }): void
  /** Drops the scripts that are left, and ends all jobs well. */
  endFaults(): void
  /** As a new process finds it: knows nothing, and ZStack holds what it held. */
  forget(): void
}

export type FakeInventoryOptions = {
  readonly clock: Pick<Clock, 'monotonic'>
  /** An older server: fields that only newer ones show stay out of sight. */
  readonly isOld?: boolean
  /** No update changes anything. */
  readonly isIneffective?: boolean
}

/** The port in memory: what it promises and nothing else. */
export function createFakeInventory({ clock, isOld, isIneffective }: FakeInventoryOptions): FakeInventory {
  const calls: InventoryCall[] = []
  const services = new Map<string, Map<FieldName, Json>>()
  const known = new Map<string, CachedObservation>()
  const shows = new Set<FieldName>()
  const scripts: Record<InventoryCall['kind'], Script[]> = { read: [], refresh: [], update: [], job: [] }
  const jobs = new Map<string, { carryOut: () => void; end?: 'done' | 'expired' | { readonly fails: Failure } }>()
  let started = 0

  const isShown = (field: FieldName) =>
    fields[field].visibility === 'shown' || (fields[field].visibility === 'newer' && isOld !== true)

  function look(uuid: string): boolean {
    const before = known.get(uuid)
    const held = services.get(uuid)
    const values = new Map([...(held ?? [])].filter(([field, value]) => isShown(field) && !isEmpty(value)))
    for (const field of values.keys()) if (fields[field].visibility === 'newer') shows.add(field)
    const live = held && { values }
    const isSame = before !== undefined && isDeepStrictEqual(before.observation?.live, live)
    const seen = isSame ? before.observation : live && { live, shows }
    known.set(uuid, { observation: seen, at: clock.monotonic() })
    return before !== undefined && !isSame
  }

  function place(uuid: string, change: Patch = {}) {
    const held = services.get(uuid) ?? new Map<FieldName, Json>()
    for (const [field, value] of Object.entries(change) as [FieldName, Json][]) held.set(field, structuredClone(value))
    services.set(uuid, held)
  }

  function endJobs(end: 'done' | 'expired' | { readonly fails: Failure } = 'done') {
    for (const job of jobs.values()) job.end ??= end
  }

  function start(carryOut: () => void): Result<UpdateOutcome> {
    const job = { uuid: `job-${started}` }
    started += 1
    jobs.set(job.uuid, { carryOut })
    return ok({ kind: 'running', job })
  }

  async function scripted(call: InventoryCall, signal: AbortSignal): Promise<Script | undefined> {
    signal.throwIfAborted()
    calls.push(call)
    const script = scripts[call.kind].shift()
    await (script && 'after' in script ? script.after : undefined)
    signal.throwIfAborted()
    return script
  }

  function accepted(uuid: string): Result<UpdateOutcome> {
    look(uuid)
    return ok({ kind: 'done', observation: known.get(uuid)?.observation })
  }

  return {
    calls,
    updates: () => calls.flatMap((call) => (call.kind === 'update' ? [call.patch] : [])),
    place,
    remove: (uuid) => void services.delete(uuid),
    held: (uuid) => (services.has(uuid) ? Object.fromEntries(services.get(uuid)!) : undefined),
    next: (kind, ...more) => void scripts[kind].push(...more),
    endJobs,
    endFaults() {
      for (const left of Object.values(scripts)) left.length = 0
      endJobs('done')
    },
    forget() {
      known.clear()
      shows.clear()
    },

    cached: (uuid) => known.get(uuid),
    async read(uuid, signal) {
      const script = await scripted({ kind: 'read', uuid }, signal)
      if (script && 'fails' in script) return err(script.fails)
      look(uuid)
      return ok(known.get(uuid)!)
    },
    async refresh(uuids, signal, onRefreshed = () => undefined) {
      const script = await scripted({ kind: 'refresh', uuids }, signal)
      if (script && 'fails' in script) onRefreshed({ kind: 'failed', uuids, failure: script.fails })
      else if (script && 'spoils' in script) {
        const { spoils: uuid, because: failure } = script
        const others = uuids.filter((other) => other !== uuid)
        known.delete(uuid)
        onRefreshed({ kind: 'read', uuids: others, changed: others.filter(look) })
        onRefreshed({ kind: 'unreadable', uuid, failure })
      } else onRefreshed({ kind: 'read', uuids, changed: uuids.filter(look) })
    },
    async update(uuid, patch, signal, { isWanted } = {}) {
      const [first] = scripts.update
      if (first && 'queuedFor' in first) await first.queuedFor
      if (isWanted?.() === false) return ok({ kind: 'withdrawn' })
      const script = await scripted({ kind: 'update', uuid, patch }, signal)
      const isIdle = isIneffective === true || (script !== undefined && 'ineffective' in script)
      const carryOut = () => {
        if (!isIdle && services.has(uuid)) place(uuid, patch)
      }
      if (script && 'fails' in script) {
        if (script.carriedOut === true) carryOut()
        if (script.fails.ambiguous === true) known.delete(uuid)
        return err(script.fails)
      }
      if (!services.has(uuid))
        return err({
          kind: 'rejected',
          code: 'SYS.1003',
          message: 'ZStack refuses the update (SYS.1003: not found)',
        })
      if (script && 'job' in script) {
        known.delete(uuid)
        return start(carryOut)
      }
      carryOut()
      return accepted(uuid)
    },
    async job(uuid, ref, signal) {
      const script = await scripted({ kind: 'job', uuid, job: ref }, signal)
      if (script && 'fails' in script) return err(script.fails)
      const job = jobs.get(ref.uuid)
      // A job unknown to ZStack is one that it has forgotten.
      if (!job) return accepted(uuid)
      if (script && ('job' in script || 'withdrawn' in script)) {
        jobs.delete(ref.uuid)
        return 'job' in script ? start(job.carryOut) : ok({ kind: 'withdrawn' })
      }
      if (job.end === undefined) return ok({ kind: 'running', job: ref })
      jobs.delete(ref.uuid)
      if (typeof job.end === 'object') return err(job.end.fails)
      job.carryOut()
      return accepted(uuid)
    },
    retain(uuids) {
      for (const uuid of known.keys()) if (!uuids.has(uuid)) known.delete(uuid)
    },
  }
}

/** The services that a refresh found changed; it fails where the refresh does. */
export async function refreshed(inventory: Inventory, uuids: readonly string[]): Promise<Result<readonly string[]>> {
  const changed: string[] = []
  let failure: Failure | undefined
  await inventory.refresh(uuids, new AbortController().signal, (part) => {
    if (part.kind === 'read') changed.push(...part.changed)
    else failure = part.failure
  })
  return failure ? err(failure) : ok(changed)
}

/** Connections to one inventory; `trouble` is what a test says it is. */
export function connectionsTo(
  inventory: Inventory,
  endpoint = 'http://zstack.example/zstack',
): Connections & { trouble: Failure | undefined } {
  const connection: Connection = {
    kind: 'Environment',
    name: defaultConnection,
    endpoint,
    inventory,
    currentFailure: () => connections.trouble,
    subscribe: () => undefined,
    check: () => Promise.resolve(connections.trouble ? err(connections.trouble) : ok(undefined)),
    logOut: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  const connections: Connections & { trouble: Failure | undefined } = {
    trouble: undefined,
    get: () => ok(connection),
    all: () => [connection],
    close: () => Promise.resolve(),
  }
  return connections
}
