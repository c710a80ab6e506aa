/**
 * Holds back what only the leader may write. A request may wait for a connection after its sender checked the lease. If
 * the process is paused meanwhile and resumed after the lease has run out, the request would leave before any timer could
 * fire; so the lease is checked again at the moment in which the request is written to its connection.
 */
import type { Dispatcher } from 'undici'
import type { Send } from './send.ts'

/** The request was held back: not a byte of it was sent. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError'

  constructor() {
    super('not the leader any more: nothing is written')
  }
}

/** A request that may be held back. */
export type Guarded = {
  /** Asked when the request is written to its connection; where the answer is no, it fails with {@link NotLeaderError}. */
  readonly maySend?: () => boolean
  /** Changes nothing but sessions, so it leaves whoever leads. */
  readonly isLogIn?: true
}

/** Holds back every PUT but log-ins while `maySend` says no: when it is handed over, and when it is written to its connection. */
export function guarded<R extends Guarded & { readonly method: string }, A>(
  send: Send<R, A>,
  maySend: () => boolean,
): Send<R, A> {
  return async (request, signal) => {
    if (request.method !== 'PUT' || request.isLogIn) return send(request, signal)
    if (!maySend()) throw new NotLeaderError()
    return send({ ...request, maySend }, signal)
  }
}

/**
 * The dispatcher for one guarded request. Its handler forwards each hook by hand, for undici marks its own
 * DecoratorHandler as deprecated.
 */
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
