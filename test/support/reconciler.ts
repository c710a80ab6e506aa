import { setImmediate } from 'node:timers/promises'
import { defaultConnection } from '../../src/api/modelservice.ts'
import type { Condition } from '../../src/api/status.ts'
import type { ObjectEvent } from '../../src/decide/events.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { createClaims, type Claims } from '../../src/reconcile/claims.ts'
import type { Connections } from '../../src/reconcile/ports.ts'
import { createReconciler, type Reconciler } from '../../src/reconcile/reconcile.ts'
import type { UpdateResult } from '../../src/reconcile/ports.ts'
import { createStopwatch } from '../../src/reconcile/stopwatch.ts'
import { isRelevantChange } from '../../src/reconcile/predicates.ts'
import type { Requeue } from '../../src/requeue.ts'
import type { Failure } from '../../src/decide/failure.ts'
import { createCapturedLog, type CapturedLog } from './captured-log.ts'
import { createManualClock, type ManualClock } from './clock.ts'
import { createFleet, keyOf, type Fleet } from './fleet.ts'
import { connectionsTo, createFakeInventory, type FakeInventory, type FakeInventoryOptions } from './inventory.ts'

/** A reconciler between objects in memory and a scripted ZStack; nothing but passes and the clock moves it. */
export interface Rig extends CapturedLog {
  readonly clock: ManualClock
  readonly inventory: FakeInventory
  readonly connections: Connections & { trouble: Failure | undefined }
  readonly fleet: Fleet
  readonly claims: Claims
  readonly reconciler: Reconciler
  /** Recorded events, as `name: Reason message`. */
  readonly announced: readonly string[]
  /** Updates by what became of them. */
  readonly counted: readonly UpdateResult[]
  /** What converged, by cause and seconds: `SpecChanged 3`. */
  readonly converged: readonly string[]
  /** Whether status that somebody else wrote over may be written again. */
  readonly foreignStatus: { mayBeAnswered: boolean }
  /** One pass over an object, to its end. */
  readonly pass: (name: string) => Promise<Requeue>
  /** So many, one after the other, while time stands still. */
  readonly passes: (name: string, count: number) => Promise<Requeue>
  /** Begins a pass and lets all settle that needs no time. */
  readonly begin: (name: string, signal?: AbortSignal) => Promise<{ readonly ended: Promise<Requeue> }>
  /** A new process: everything but what Kubernetes and ZStack hold is gone. */
  readonly restart: () => void
  readonly condition: (name: string, type: Condition['type']) => Condition | undefined
  /** Ready as people read it: `True InSync`. */
  readonly ready: (name: string) => string
}

export const endpoint = 'http://zstack.example/zstack'
export const staleAfterMs = 300_000
export const uuid = 'a'.repeat(32)

export const outage: Failure = { kind: 'unavailable', message: 'ZStack does not answer' }
/** No answer came, and the update may have been carried out. */
export const lost: Failure = { ...outage, ambiguous: true }
export const refusal: Failure = { kind: 'rejected', code: 'SYS.1007', message: 'ZStack refuses the update' }

export function createRig(options: Partial<FakeInventoryOptions> = {}): Rig {
  const clock = createManualClock()
  const { log, entries } = createCapturedLog()
  const inventory = createFakeInventory({ clock, ...options })
  const connections = connectionsTo(inventory, endpoint)
  const announced: string[] = []
  const counted: UpdateResult[] = []
  let claims = createClaims()
  const converged: string[] = []
  const foreignStatus = { mayBeAnswered: true }
  const stopwatch = createStopwatch(clock, (cause, seconds) => converged.push(`${cause} ${seconds}`))
  const fleet = createFleet((key, before, after) => {
    claims.note(key, after, { name: defaultConnection, endpoint })
    if (isRelevantChange(before, after)) stopwatch.changed(key)
  })
  let reconciler = start()

  function start(): Reconciler {
    const recordEvent = ({ metadata }: { metadata: { name: string } }, { reason, message }: ObjectEvent) =>
      void announced.push(`${metadata.name}: ${reason} ${message}`)
    const onUpdate = (result: UpdateResult) => void counted.push(result)
    return createReconciler({
      objects: fleet,
      claims,
      connections,
      recordEvent,
      onUpdate,
      mayRestoreStatus: () => foreignStatus.mayBeAnswered,
      stopwatch,
      clock,
      staleAfterMs,
    })
  }

  const pass = (name: string, signal = new AbortController().signal) =>
    reconciler.reconcile(keyOf(name), { log, signal })

  return {
    clock,
    log,
    entries,
    inventory,
    connections,
    fleet,
    announced,
    counted,
    converged,
    foreignStatus,
    get claims() {
      return claims
    },
    get reconciler() {
      return reconciler
    },
    pass: (name) => pass(name),
    async passes(name, count) {
      let result = await pass(name)
      for (let i = 1; i < count; i++) result = await pass(name)
      return result
    },
    async begin(name, signal) {
      const ended = pass(name, signal)
      // Whoever awaits it gets to see a rejection all the same.
      ended.catch(() => undefined)
      await setImmediate()
      return { ended }
    },
    restart() {
      claims = createClaims()
      for (const key of fleet.keys()) claims.note(key, fleet.get(key), { name: defaultConnection, endpoint })
      inventory.forget()
      reconciler = start()
    },
    condition: (name, type) => conditionOf(fleet.status(name), type),
    ready(name) {
      const ready = conditionOf(fleet.status(name), 'Ready')
      return ready ? `${ready.status} ${ready.reason}` : 'not there'
    },
  }
}
