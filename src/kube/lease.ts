/**
 * Leader election on a Lease, with client-go's semantics: expiry counts from when this process saw the record change,
 * never from times that others wrote. What it does not promise is fencing: a request on the wire when the lease is lost
 * still arrives.
 */
import { steadyBackoff } from '../backoff.ts'
import { limits } from '../limits.ts'
import { createLeaseLock, type LeaseLock, type LeaseLockOptions } from './lease-lock.ts'
import { retryDelays } from './api-errors.ts'

export type LeaseOptions = Omit<LeaseLockOptions, 'durationMs' | 'limitMs'> & {
  readonly random: () => number
  /** Told after each try to get the lease why the API server refuses it, or nothing where it does not. */
  readonly onProblem?: (problem: string | undefined) => void
}

export interface Leadership {
  /** Aborted once the lease is lost: whatever writes must stop at once. */
  readonly lost: AbortSignal
  /** Whether writing is safe at this very moment; unlike `lost` it needs no timer to fire, so it holds in a process that was stopped. */
  isHeld(): boolean
  /** Gives the lease up, so that another takes over without waiting for its end. */
  release(): Promise<void>
}

/** Spread of the tries of those who wait: none looks later than the retry says. */
const retryJitter = 0.2
/** Of each request by itself, so that one that hangs cannot use up the renew deadline. */
const limitMs = limits.lease.renewDeadlineMs / 2

/** Waits until this process holds the lease. Resolves to nothing only when aborted. */
export async function acquireLease(options: LeaseOptions, signal: AbortSignal): Promise<Leadership | undefined> {
  const { clock, random, log, namespace, name, onProblem } = options
  const lock = createLeaseLock({ ...options, limitMs, durationMs: limits.lease.durationMs })
  let isLogged = false
  let unreached = 0
  while (!signal.aborted) {
    const started = clock.monotonic()
    const state = await lock.tryAcquireOrRenew(signal)
    onProblem?.(lock.problem())
    unreached = state === 'unreachable' ? unreached + 1 : 0
    if (state === 'held') {
      log.info({ lease: `${namespace}/${name}` }, 'leading')
      return lead(options, lock, started)
    }
    if (!isLogged && state === 'others') {
      log.info({ lease: `${namespace}/${name}`, holder: lock.holder() }, 'another process leads; waiting')
      isLogged = true
    }
    // As quick as the watch: the first edit after an outage waits for nothing but the lease.
    const retryMs =
      unreached > 0
        ? steadyBackoff(retryDelays.unreachable, unreached - 1, random)
        : limits.lease.retryMs * (1 - retryJitter * random())
    await clock.sleep(Math.min(retryMs, lock.othersEndMs() ?? retryMs), signal)
  }
  return undefined
}

function lead({ clock, log }: LeaseOptions, lock: LeaseLock, acquiredAt: number): Leadership {
  const lost = new AbortController()
  const released = new AbortController()
  const over = AbortSignal.any([lost.signal, released.signal])
  let renewedAt = acquiredAt
  let cancelDeadline = lapseAt(acquiredAt)
  const isHeld = () => !over.aborted && clock.monotonic() - renewedAt < limits.lease.renewDeadlineMs

  /** The lease is lost at its deadline even while a renewal is under way: no answer may come before that. */
  function lapseAt(renewed: number) {
    const left = renewed + limits.lease.renewDeadlineMs - clock.monotonic()
    return clock.after(left, () => lost.abort(new Error('the lease was not renewed in time')))
  }

  async function keep() {
    for (;;) {
      await clock.sleep(limits.lease.retryMs, over)
      if (!isHeld()) return
      const started = clock.monotonic()
      const state = await lock.tryAcquireOrRenew(over)
      if (!isHeld()) return
      if (state === 'others') {
        lost.abort(new Error('another process took the lease'))
        return
      }
      if (state !== 'held') continue
      renewedAt = started
      cancelDeadline()
      cancelDeadline = lapseAt(started)
    }
  }
  const kept = keep().catch((error: unknown) => {
    log.error({ err: error }, 'leader election failed')
    lost.abort(error)
  })
  over.addEventListener('abort', () => cancelDeadline())
  return {
    lost: lost.signal,
    isHeld,
    async release() {
      const wasHeld = isHeld()
      released.abort()
      await kept
      if (wasHeld) await lock.release()
    },
  }
}
