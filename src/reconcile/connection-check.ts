/**
 * Checks a connection at the start, before there is any object, and again whenever it may work again. Until it has worked
 * once in this process, its trouble keeps the pod from being ready: a roll-out with a wrong password stops there, with the
 * former pods still at work.
 */
import { untilAborted, type Clock } from '../clock.ts'
import { progressOf, type Failure, type Result } from '../decide/failure.ts'
import { limits } from '../limits.ts'
import type { Connection } from './ports.ts'

export type ConnectionCheckOptions = {
  readonly connection: Connection
  readonly isLeader: () => boolean
  readonly onChecked: (result: Result<void>) => void
  readonly clock: Clock
}

export interface ConnectionCheck {
  /** Checks until aborted. */
  run(signal: AbortSignal): Promise<void>
  /** Why the pod should not be ready for the sake of the connection. */
  problem(): string | undefined
}

export function createConnectionCheck({
  connection,
  isLeader,
  onChecked,
  clock,
}: ConnectionCheckOptions): ConnectionCheck {
  const began = clock.monotonic()
  let hasWorked = false
  let failure: Failure | undefined
  let restored = new AbortController()
  connection.subscribe((event) => {
    if (event === 'restored') restored.abort()
  })

  async function check(signal: AbortSignal) {
    const result = await connection.check(signal)
    if (signal.aborted) return
    failure = result.ok ? undefined : result.failure
    hasWorked ||= result.ok
    if (result.ok) restored = new AbortController()
    onChecked(result)
  }

  /** Until the connection is restored. One that fails may also come back without a word. */
  async function untilDue(signal: AbortSignal) {
    const over = AbortSignal.any([signal, restored.signal])
    if (failure) {
      await clock.sleep(limits.probe.maxMs, over)
      return
    }
    // Sessions may be few, so one that stands by keeps none; one that is about to lead uses it.
    await clock.sleep(limits.lease.durationMs, over)
    if (!over.aborted && !isLeader()) await connection.logOut()
    await untilAborted(over)
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        restored = new AbortController()
        await check(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error
        })
        await untilDue(signal)
      }
    },
    problem() {
      if (hasWorked) return undefined
      if (!failure) return `the connection to ZStack at ${connection.endpoint} is not checked yet`
      const mayPass = progressOf(failure.kind) === 'Reconciling'
      return mayPass && clock.monotonic() - began > limits.startOutageMs ? undefined : failure.message
    },
  }
}
