/**
 * The last look before a request leaves. A request waits for its connection after whoever sent it has asked whether it
 * may; a process that is stopped meanwhile, and woken, would send it before any timer could tell of a lease that is lost.
 */
import type { Dispatcher } from 'undici'

/** Held back: not a byte of it was sent. */
export class FencedError extends Error {
  override readonly name = 'FencedError'

  constructor() {
    super('not the leader any more: nothing is written')
  }
}

/** A request that must not leave at any time. */
export type Fenced = {
  /** Asked in the moment in which the request is written to its connection; if it may not, that is a {@link FencedError}. */
  readonly mayLeave?: () => boolean
}

type Send<R, A> = (request: R, signal: AbortSignal) => Promise<A>

/** Holds back every PUT that may not leave, first when it is sent, last when it is written to its connection. */
export function fenced<R extends Fenced & { readonly method: string }, A>(
  send: Send<R, A>,
  mayLeave: () => boolean,
): Send<R, A> {
  return async (request, signal) => {
    if (request.method !== 'PUT') return send(request, signal)
    if (!mayLeave()) throw new FencedError()
    return send({ ...request, mayLeave }, signal)
  }
}

/** The dispatcher for one request that {@link Fenced} speaks of. */
export function behindFence(dispatcher: Dispatcher, { mayLeave }: Fenced): Dispatcher {
  if (!mayLeave) return dispatcher
  return dispatcher.compose(
    (dispatch) => (options, handler) =>
      dispatch(options, {
        onRequestStart(controller, context) {
          handler.onRequestStart?.(controller, context)
          if (!mayLeave()) controller.abort(new FencedError())
        },
        onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
        onResponseStart: (...args) => handler.onResponseStart?.(...args),
        onResponseData: (...args) => handler.onResponseData?.(...args),
        onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
        onResponseError: (...args) => handler.onResponseError?.(...args),
      }),
  )
}
