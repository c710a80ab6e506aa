/**
 * The breaker of a connection: in an outage one request probes, instead of every object retrying.
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
  /** Why a request must not be sent now; otherwise the caller sends it and tells {@link record} how it went. */
  refuse(): Failure | undefined
  /** `target` is what the request was about: one broken service must not cut off all the others. */
  record(target: string, failure: Failure | undefined): void
  trouble(): Failure | undefined
  close(): void
}

/** A trial that nobody takes, or that is never answered, is offered again. */
const trialOfferMs = 5_000

export function createCircuit(clock: Clock, random: () => number, onEvent: (change: ConnectionEvent) => void): Circuit {
  let state: State = { at: 'closed', failing: new Set() }
  let isOver = false
  let cancelTimer: () => void = () => undefined

  function open(failure: Failure, attempt: number) {
    state = { at: 'open', failure, attempt }
    onEvent('open')
    later(steadyBackoff(limits.probe, attempt, random), () => offerTrial(failure, attempt))
  }
  function offerTrial(failure: Failure, attempt: number) {
    state = { at: 'trial', failure, attempt, taken: false }
    later(trialOfferMs, () => offerTrial(failure, attempt))
    onEvent('trial')
  }
  function later(ms: number, callback: () => void) {
    cancelTimer()
    // Requests under way may still end after the close, and must leave no timer behind.
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
        if (!wasClosed) onEvent('closed')
      } else if (state.at === 'closed') {
        state.failing.add(target)
        if (state.failing.size >= limits.failuresToOpenCircuit) open(failure, 0)
      } else if (state.at === 'trial') {
        open(failure, state.attempt + 1)
      }
    },
    trouble: () => (state.at === 'closed' ? undefined : state.failure),
    close() {
      isOver = true
      cancelTimer()
    },
  }
}
