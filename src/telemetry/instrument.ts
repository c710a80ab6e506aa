/** Counts and times the requests to ZStack. */
import type { Send } from '../send.ts'
import type { Metrics } from './metrics.ts'

type RequestTarget = { readonly method: string; readonly path: string }

/** The sender of a connection, with its requests counted under the connection's name. */
export function instrumented<R extends RequestTarget, A extends object>(
  send: Send<R, A>,
  metrics: Metrics,
  connection: string,
): Send<R, A> {
  return async (request, signal) => {
    const operation = operationOf(request)
    const started = performance.now()
    let code = 'none'
    try {
      const answer = await send(request, signal)
      if ('status' in answer) code = String(answer.status)
      return answer
    } finally {
      metrics.observeRequest(connection, operation, code, (performance.now() - started) / 1000)
    }
  }
}

function operationOf({ method, path }: RequestTarget): string {
  if (path.startsWith('/v1/accounts/login')) return 'login'
  if (path.startsWith('/v1/accounts/sessions')) return 'logout'
  if (path.startsWith('/v1/api-jobs/')) return 'job'
  return method === 'GET' ? 'query' : 'update'
}
