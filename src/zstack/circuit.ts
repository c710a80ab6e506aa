/**
 * The circuit breaker of a connection: in an outage it lets one request at a time try, rather than those of all objects.
 *
 *   closed ──(failures of several targets, no success between)──▶ open ──(after a wait)──▶ trial
 *   trial ──success──▶ closed        trial ──failure──▶ open, for longer
 */
import { steadyBackoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import type { ConnectionEvent } from '../reconcile/ports.ts'
import type { Failure } from '../decide/failure.ts'

type State =
  | { readonly at: 'closed'; readonly failing: Set<string> }
  | { readonly at: 'open'; readonly failure: Failure; readonly attempt: number }
  | { readonly at: 'trial'; readonly failure: Failure; readonly attempt: number; readonly taken: boolean }

export interface Circuit {
  /** Why a request must not be sent now; if it may, the caller sends it and passes the result to {@link record}. */
  refuse(): Failure | undefined
  /** `target` is what the request was about: failures about a single target never open the circuit. */
  record(target: string, failure: Failure | undefined): void
  currentFailure(): Failure | undefined
  close(): void
}

/** If no request uses a trial for so long, or the one that does gets no answer, the next request may be the trial. */
const trialOfferMs = 5_000

export function createCircuit(clock: Clock, random: () => number, onEvent: (change: ConnectionEvent) => void): Circuit {
  let state: State = { at: 'closed', failing: new Set() }
  let isOver = false
  let cancelTimer: () => void = () => undefined

  function open(failure: Failure, attempt: number) {
    state = { at: 'open', failure, attempt }
    onEvent('heldBack')
    later(steadyBackoff(limits.probe, attempt, random), () => offerTrial(failure, attempt))
  }
  function offerTrial(failure: Failure, attempt: number) {
    state = { at: 'trial', failure, attempt, taken: false }
    later(trialOfferMs, () => offerTrial(failure, attempt))
    onEvent('probe')
  }
  function later(ms: number, callback: () => void) {
    cancelTimer()
    // A request under way may end after the close; it must leave no timer behind.
    if (!isOver) cancelTimer = clock.after(ms, callback)
  }

  return {
    refuse() {
      if (state.at === 'closed') return undefined
      if (state.at === 'open' || state.taken) return { ...state.failure, ambiguous: false }
      state = { ...state, taken: true }
      return undefined
    },
    record(target, failure) {
      if (failure === undefined) {
        cancelTimer()
        const wasClosed = state.at === 'closed'
        state = { at: 'closed', failing: new Set() }
        if (!wasClosed) onEvent('restored')
      } else if (state.at === 'closed') {
        state.failing.add(target)
        if (state.failing.size >= limits.failuresToOpenCircuit) open(failure, 0)
      } else if (state.at === 'trial') {
        open(failure, state.attempt + 1)
      }
    },
    currentFailure: () => (state.at === 'closed' ? undefined : state.failure),
    close() {
      isOver = true
      cancelTimer()
    },
  }
}
