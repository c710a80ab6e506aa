/**
 * The circuit breaker of a connection: in an outage nothing is sent but one small query at a time.
 *
 *   closed ──(a read, a log-in or an update fails)──▶ doubted ──(probes fail in a row)──▶ open ──(after a wait)──▶ probe again
 *   doubted, open ──(a probe or any other read succeeds)──▶ closed
 *
 * A read that fails may fail for the sake of the services it asks for. A probe asks for none, so it alone tells whether
 * the connection is to blame, and its failure is the only one that the circuit repeats to others. An update that fails is
 * the trouble of its object; it too is reason enough to probe, and no more than that. Looks at jobs are not even that.
 */
import { steadyBackoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import type { ConnectionEvent } from '../reconcile/ports.ts'
import { isOutage, type Failure, type Result } from '../decide/failure.ts'

type State =
  | { readonly at: 'closed' }
  | { readonly at: 'doubted' }
  | { readonly at: 'open'; readonly failure: Failure; readonly attempt: number }

export interface Circuit {
  /** Why a request must not be sent now. */
  refuse(): Failure | undefined
  /** A read has succeeded. */
  readSucceeded(): void
  /** A request has failed: probes show whether the connection is to blame. */
  doubt(): void
  /** Whether the connection works; while that is in doubt, it waits for the probes. */
  isWorking(): Promise<boolean>
  currentFailure(): Failure | undefined
  close(): void
}

export type CircuitOptions = {
  readonly clock: Clock
  readonly random: () => number
  /** Sends a small query about no service. It may reject, if the connection is closed for instance. */
  readonly probe: () => Promise<Result<unknown>>
  readonly onEvent: (event: ConnectionEvent) => void
}

export function createCircuit({ clock, random, probe, onEvent }: CircuitOptions): Circuit {
  let state: State = { at: 'closed' }
  let isOver = false
  let cancelTimer: () => void = () => undefined
  let settled: Promise<void> = Promise.resolve()

  /** Probes until the doubt is settled. */
  async function settleDoubt() {
    const began = clock.monotonic()
    // The request that raised the doubt was the first failure.
    for (let failures = 2; isDoubted(); failures++) {
      const failure = await outageShownByProbe()
      if (!isDoubted()) return
      if (!failure) close()
      else if (failures >= limits.failuresToOpenCircuit || clock.monotonic() - began >= limits.outageMs) open(failure)
    }
  }

  const isDoubted = () => state.at === 'doubted'

  function open(failure: Failure) {
    state = { at: 'open', failure, attempt: 0 }
    onEvent('heldBack')
    probeLater(0)
  }

  function probeLater(attempt: number) {
    cancelTimer = clock.after(steadyBackoff(limits.probe, attempt, random), () => void probeAgain(attempt))
  }

  async function probeAgain(attempt: number) {
    const failure = await outageShownByProbe()
    if (state.at !== 'open') return
    if (!failure) {
      close()
      return
    }
    state = { at: 'open', failure, attempt: attempt + 1 }
    probeLater(attempt + 1)
  }

  /** Whoever refuses a request answers, so that is no outage; refused credentials are the concern of the other breaker. */
  async function outageShownByProbe(): Promise<Failure | undefined> {
    try {
      const answer = await probe()
      return answer.ok || !isOutage(answer.failure) ? undefined : answer.failure
    } catch {
      // The connection is being closed, or this process leads no more: nothing is sent any more.
      return undefined
    }
  }

  function close() {
    cancelTimer()
    const wasOpen = state.at === 'open'
    state = { at: 'closed' }
    if (wasOpen) onEvent('restored')
  }

  return {
    refuse: () => (state.at === 'open' ? state.failure : undefined),
    readSucceeded: close,
    doubt() {
      if (state.at !== 'closed' || isOver) return
      state = { at: 'doubted' }
      settled = settleDoubt()
    },
    async isWorking() {
      await settled
      return state.at === 'closed'
    },
    currentFailure: () => (state.at === 'open' ? state.failure : undefined),
    close() {
      isOver = true
      state = { at: 'closed' }
      cancelTimer()
    },
  }
}
