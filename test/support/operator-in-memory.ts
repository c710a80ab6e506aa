import { createClaims } from '../../src/reconcile/claims.ts'
import type { Patch } from '../../src/decide/plan.ts'
import type { Inventory } from '../../src/reconcile/ports.ts'
import { createPoller } from '../../src/reconcile/poll.ts'
import { createReconciler } from '../../src/reconcile/reconcile.ts'
import { isRelevantChange, priorityOf } from '../../src/reconcile/predicates.ts'
import { runController } from '../../src/kube/controller.ts'
import { createQueue } from '../../src/kube/queue.ts'
import { createCapturedLog } from './captured-log.ts'
import { createManualClock } from './clock.ts'
import { createFleet, type OnFleetChange } from './fleet.ts'
import { connectionsTo, createFakeInventory } from './inventory.ts'
import { endpoint, staleAfterMs } from './reconciler.ts'

/** `isAlone`: no other update of that service is on its way. */
export type OnUpdate = (uuid: string, patch: Patch, isAlone: boolean) => void

/** Queue, workers, poller and reconciler between objects in memory and a scripted ZStack, on a clock that a test moves. */
export function startOperatorInMemory({ onUpdate }: { readonly onUpdate: OnUpdate }) {
  const clock = createManualClock()
  const inventory = createFakeInventory({ clock })
  let tell: OnFleetChange = () => undefined
  const fleet = createFleet((key, before, after) => tell(key, before, after))
  let life = begin()

  function begin() {
    const claims = createClaims()
    const queue = createQueue({ clock, random: () => 0.5 })
    const { log } = createCapturedLog()
    const end = new AbortController()
    const onTheirWay = new Set<string>()
    const watched: Inventory = {
      ...inventory,
      async update(uuid, patch, signal, isWanted) {
        onUpdate(uuid, patch, !onTheirWay.has(uuid))
        onTheirWay.add(uuid)
        return await inventory.update(uuid, patch, signal, isWanted).finally(() => onTheirWay.delete(uuid))
      },
    }
    const connections = connectionsTo(watched, endpoint)
    const [connection] = connections.all()
    if (!connection) throw new Error('no connection')
    const quiet = { recordEvent: () => undefined, onUpdate: () => undefined, mayRestoreStatus: () => true }
    const parts = { claims, clock, staleAfterMs }
    const reconciler = createReconciler({ ...parts, ...quiet, connections, objects: fleet })
    const poller = createPoller({
      ...parts,
      connection,
      isSettledOrActive: (key) => reconciler.isSettledOrActive(key),
      enqueue(key, isChanged) {
        // Another observation ends the backoff of an object.
        if (isChanged) queue.forget(key)
        queue[isChanged ? 'wake' : 'add'](key, 'poll')
      },
      random: () => 0.5,
      log,
      intervalMs: 60_000,
    })
    tell = (key, before, after) => {
      for (const other of claims.note(key, after, connection)) queue.add(other, 'change')
      if (isRelevantChange(before, after)) queue.add(key, priorityOf(before, after, connection.endpoint))
    }
    for (const key of fleet.keys()) tell(key, undefined, fleet.get(key))
    const pass = (key: string, context: Parameters<typeof reconciler.reconcile>[1]) =>
      reconciler.reconcile(key, context)
    const ended = Promise.all([
      runController({ queue, pass, workers: 2, clock, log }, end.signal),
      poller.run(end.signal),
    ])
    return {
      claims,
      crash() {
        queue.shutDown()
        end.abort(new Error('the process was killed'))
        return ended
      },
    }
  }

  return {
    clock,
    inventory,
    fleet,
    winner: (uuid: string) => life.claims.winner(endpoint, uuid),
    /** Kills the process at this very moment, whatever is under way, and starts another that knows nothing. */
    restart: () => {
      void life.crash()
      inventory.retain(new Set())
      life = begin()
    },
    stop: () => life.crash(),
  }
}
