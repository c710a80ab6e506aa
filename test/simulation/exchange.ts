/** One request and its answer over a network that may lose either. */
import type { Process } from './process.ts'
import type { Time } from './time.ts'

export type Fate = {
  /** Milliseconds to the other side, and back. */
  readonly there: number
  readonly back: number
  /** What becomes of it: `refused` at the door, `lost` or `reset` on the way there, `unheard` or `cut` on the way back. */
  readonly end: 'whole' | 'refused' | 'lost' | 'reset' | 'unheard' | 'cut'
}

export type Silence = 'refused' | 'reset' | 'timeout'

export type Exchange<A> = {
  readonly time: Time
  readonly process: Process
  readonly fate: Fate
  readonly limitMs: number
  readonly signal: AbortSignal
  /** The other side's work, at the moment the request gets there. */
  readonly arrive: () => A
  /** The answer is in the hands of the process. */
  readonly delivered?: (answer: A) => void
  readonly failed: (silence: Silence) => Error
}

/** A request on its way arrives though nobody waits for its answer any more. */
export function exchange<A>(options: Exchange<A>): Promise<A> {
  const { time, process, fate, limitMs, signal, arrive, delivered, failed } = options
  const { there, back, end } = fate
  return new Promise<A>((resolve, reject) => {
    let isOver = false
    const finish = (settle: () => void) => {
      if (isOver) return
      isOver = true
      cancel()
      signal.removeEventListener('abort', giveUp)
      settle()
    }
    const fail = (silence: Silence) => () => finish(() => reject(failed(silence)))
    const giveUp = () => finish(() => reject(signal.reason as Error))
    const cancel = process.clock.after(limitMs, fail('timeout'))
    if (signal.aborted) {
      giveUp()
      return
    }
    signal.addEventListener('abort', giveUp, { once: true })
    const comeBack = (ms: number, settle: () => void) => void time.after(ms, () => process.reach(settle))
    if (end === 'refused') {
      comeBack(there, fail('refused'))
      return
    }
    time.after(there, () => {
      if (end === 'lost') return
      if (end === 'reset') {
        comeBack(back, fail('reset'))
        return
      }
      const answer = arrive()
      if (end === 'unheard') return
      if (end === 'cut') comeBack(back, fail('reset'))
      else
        comeBack(back, () => {
          if (isOver) return
          delivered?.(answer)
          finish(() => resolve(answer))
        })
    })
  })
}
