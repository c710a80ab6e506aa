/**
 * The last look before a request leaves. A request waits for its connection after whoever sent it has asked whether it
 * may; a process that is stopped meanwhile, and woken, would send it before any timer could tell of a lease that is lost.
 */
import type { Dispatcher } from 'undici'
import type { Send } from './send.ts'

/** Held back: not a byte of it was sent. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError'

  constructor() {
    super('not the leader any more: nothing is written')
  }
}

/** A request that must not leave at any time. */
export type Guarded = {
  /** Asked in the moment in which the request is written to its connection; if it may not, that is a {@link NotLeaderError}. */
  readonly maySend?: () => boolean
}

/** Holds back every PUT that may not leave, first when it is sent, last when it is written to its connection. */
export function guarded<R extends Guarded & { readonly method: string }, A>(
  send: Send<R, A>,
  maySend: () => boolean,
): Send<R, A> {
  return async (request, signal) => {
    if (request.method !== 'PUT') return send(request, signal)
    if (!maySend()) throw new NotLeaderError()
    return send({ ...request, maySend }, signal)
  }
}

/** The dispatcher for one request that {@link Guarded} speaks of. */
export function guardedDispatcher(dispatcher: Dispatcher, { maySend }: Guarded): Dispatcher {
  if (!maySend) return dispatcher
  return dispatcher.compose(
    (dispatch) => (options, handler) =>
      dispatch(options, {
        onRequestStart(controller, context) {
          handler.onRequestStart?.(controller, context)
          if (!maySend()) controller.abort(new NotLeaderError())
        },
        onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
        onResponseStart: (...args) => handler.onResponseStart?.(...args),
        onResponseData: (...args) => handler.onResponseData?.(...args),
        onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
        onResponseError: (...args) => handler.onResponseError?.(...args),
      }),
  )
}
