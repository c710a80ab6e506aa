/**
 * The standstill of a connection after what repeating makes worse: refused credentials, no session left, a wrong clock.
 *
 *   running ──halt──▶ halted ──(after a wait)──▶ due ──one request──▶ trying
 *   trying ──success──▶ running        trying ──halt──▶ halted        trying ──(no word)──▶ due
 */
import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import { failurePolicy, type Failure } from '../decide/failure.ts'
import type { ConnectionEvent } from '../reconcile/ports.ts'

type State =
  | { readonly at: 'running' }
  | { readonly at: 'halted' | 'due' | 'trying'; readonly failure: Failure; readonly attempt: number }

export interface AuthBreaker {
  /** Why no new request may be sent now. */
  refuse(): Failure | undefined
  /** Why not even a request under way may log in. */
  halted(): Failure | undefined
  /** A request is sent; hand what this returns to {@link succeeded}. */
  begin(): number
  /** Only a request begun since the halt ends it: an answer to an older one tells nothing. */
  succeeded(begun: number): void
  /** Many requests that fail alike halt once. */
  halt(failure: Failure): void
  /** The cause may be gone: new credentials, say. */
  resume(): void
  trouble(): Failure | undefined
  close(): void
}

/** A try that ended without a word, in an outage for instance, is offered again. */
const tryMs = 60_000

export function createAuthBreaker(clock: Clock, onEvent: (change: ConnectionEvent) => void): AuthBreaker {
  let state: State = { at: 'running' }
  let halts = 0
  let isClosed = false
  let cancelTimer: () => void = () => undefined

  function wait(ms: number, failure: Failure, attempt: number) {
    cancelTimer()
    if (isClosed) return
    cancelTimer = clock.after(ms, () => {
      state = { at: 'due', failure, attempt }
      onEvent('trial')
    })
  }

  function resume() {
    if (state.at === 'running') return
    cancelTimer()
    state = { at: 'running' }
    onEvent('closed')
  }

  return {
    refuse: () => (state.at === 'halted' || state.at === 'trying' ? state.failure : undefined),
    halted: () => (state.at === 'halted' ? state.failure : undefined),
    begin() {
      if (state.at === 'due') {
        state = { ...state, at: 'trying' }
        wait(tryMs, state.failure, state.attempt)
      }
      return halts
    },
    succeeded(begun) {
      if (begun === halts) resume()
    },
    halt(failure) {
      if (state.at === 'halted' && !isWorse(failure, state.failure)) return
      const attempt = state.at === 'running' ? 0 : state.attempt + 1
      const pauseMs = isSlow(failure) ? backoff(limits.sessionRetry, attempt, () => 1) : limits.credentialsPauseMs
      state = { at: 'halted', failure, attempt }
      halts++
      wait(pauseMs, failure, attempt)
      onEvent('open')
    },
    resume,
    trouble: () => (state.at === 'running' ? undefined : state.failure),
    close() {
      isClosed = true
      cancelTimer()
    },
  }
}

const isSlow = ({ kind }: Failure) => failurePolicy[kind].retry === 'slowly'
const isWorse = (failure: Failure, than: Failure) => isSlow(than) && !isSlow(failure)
