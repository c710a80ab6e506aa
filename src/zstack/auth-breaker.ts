/**
 * The breaker for authentication. It stops a connection after a failure that more requests make worse or cannot mend:
 * refused credentials (tries too many lock the account), no session left, clocks too far apart.
 *
 *   running ──halt──▶ halted ──(after a wait)──▶ due ──one request──▶ trying
 *   trying ──success──▶ running        trying ──halt──▶ halted        trying ──(no result)──▶ due
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
  /** Why a request that is already under way may not log in. */
  refuseLogIn(): Failure | undefined
  /** Notes that a request is being sent; pass what this returns to {@link succeeded} or {@link notSent}. */
  begin(): number
  /** Ends the halt, if the request began after it: the answer to an older request proves nothing. */
  succeeded(begun: number): void
  /** The request was held back by somebody else. If it was the one try that is allowed, the next request may take it. */
  notSent(begun: number): void
  /**
   * Stops the connection. Requests that fail alike at the same time count as one. The wait grows with `attempt`: by
   * default the number of halts since the last success.
   */
  halt(failure: Failure, attempt?: number): void
  /** Ends the halt because its cause may be gone, for instance after a change of the credentials. */
  resume(): void
  currentFailure(): Failure | undefined
  close(): void
}

/** If the one try has no result for so long, in an outage for instance, another request may try. */
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
      onEvent('probe')
    })
  }

  function resume() {
    if (state.at === 'running') return
    cancelTimer()
    state = { at: 'running' }
    onEvent('restored')
  }

  return {
    refuse: () => (state.at === 'halted' || state.at === 'trying' ? state.failure : undefined),
    refuseLogIn: () => (state.at === 'halted' ? state.failure : undefined),
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
    notSent(begun) {
      if (begun !== halts || state.at !== 'trying') return
      cancelTimer()
      state = { ...state, at: 'due' }
    },
    halt(failure, attempt = state.at === 'running' ? 0 : state.attempt + 1) {
      if (state.at === 'halted' && !isWorse(failure, state.failure)) return
      const waitMs = isSlow(failure) ? backoff(limits.sessionRetry, attempt, () => 1) : limits.credentialsPauseMs
      state = { at: 'halted', failure, attempt }
      halts++
      wait(waitMs, failure, attempt)
      onEvent('heldBack')
    },
    resume,
    currentFailure: () => (state.at === 'running' ? undefined : state.failure),
    close() {
      isClosed = true
      cancelTimer()
    },
  }
}

const isSlow = ({ kind }: Failure) => failurePolicy[kind].retry === 'slowly'
const isWorse = (failure: Failure, than: Failure) => isSlow(than) && !isSlow(failure)
