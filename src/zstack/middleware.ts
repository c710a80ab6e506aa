/** What a call passes on its way to ZStack; client.ts has the order. Each part wraps the sender that comes after it. */
import { err, ok, failurePolicy, stopsConnection, type Failure } from '../decide/failure.ts'
import type { AuthBreaker } from './auth-breaker.ts'
import type { Authenticator } from './authenticator.ts'
import { Withdrawn, type Call, type SendCall } from './call.ts'
import type { Circuit } from './circuit.ts'
import { failureOf } from './failures.ts'
import type { Http } from './http.ts'
import type { Semaphore } from './semaphore.ts'
import { jobsPath } from './wire.ts'

export type Middleware = (next: SendCall) => SendCall

/** The first middleware gets a call first. */
export function compose(middleware: readonly Middleware[], send: SendCall): SendCall {
  return middleware.reduceRight((next, wrap) => wrap(next), send)
}

/** Limits how many calls are under way at once. */
export function limitInFlight(semaphore: Semaphore): Middleware {
  return (next) => (call, signal) =>
    semaphore(() => {
      signal.throwIfAborted()
      return next(call, signal)
    })
}

/** Answers calls without sending them once `refuse` gives a failure. */
export function refuseIf(refuse: () => Failure | undefined): Middleware {
  return (next) => async (call, signal) => {
    const failure = refuse()
    return failure ? err(failure) : next(call, signal)
  }
}

/** Sends nothing after refused credentials, or while there is no session left, but for a try now and then. */
export function haltOnRefusal(authBreaker: AuthBreaker): Middleware {
  return (next) => async (call, signal) => {
    const refused = authBreaker.refuse()
    if (refused) return err(unsent(refused))
    const begun = authBreaker.begin()
    const reply = await next(call, signal)
    if (reply.ok) authBreaker.succeeded(begun)
    else if (reply.failure.isUnsent) authBreaker.notSent(begun)
    else if (stopsConnection(reply.failure.kind)) authBreaker.halt(reply.failure)
    return reply
  }
}

/** Sends nothing in an outage, but for a trial now and then. Reads and writes fail apart, so each have a circuit. */
export function breakOnOutage(circuits: { readonly read: Circuit; readonly write: Circuit }): Middleware {
  return (next) => async (call, signal) => {
    const circuit = call.writes ? circuits.write : circuits.read
    const refused = circuit.refuse()
    if (refused) return err(unsent(refused))
    const reply = await next(call, signal)
    if (reply.ok) circuit.record(call.target, undefined)
    else if (!stopsConnection(reply.failure.kind)) circuit.record(call.target, outageIn(reply.failure))
    return reply
  }
}

/** Adds what proves who is asking, and sends the call a second time if that was out of date. */
export function authenticate(authenticator: Authenticator): Middleware {
  return (next) => {
    async function attempt(call: Call, signal: AbortSignal) {
      const authentication = await authenticator.authenticate(call, signal)
      if (!authentication.ok) return { reply: authentication, repeat: false }
      const { headers, secrets, judge } = authentication.value
      const reply = await next({ ...call, headers, secrets: [...call.secrets, ...secrets] }, signal)
      if (reply.ok) return { reply, repeat: false }
      const { failure, repeat } = judge(reply.failure)
      return { reply: err(failure), repeat }
    }
    return async (call, signal) => {
      const first = await attempt(call, signal)
      return first.repeat ? (await attempt(call, signal)).reply : first.reply
    }
  }
}

/** The end of the way: one HTTP request. */
export function sendOver(http: Http, endpoint: string): SendCall {
  return async ({ method, path, headers = {}, body, writes, secrets, isWanted }, signal) => {
    if (isWanted?.() === false) throw new Withdrawn()
    const answer = await http.send({ method, path, headers, ...(body !== undefined && { body }) }, signal)
    const failure = failureOf(answer, { endpoint, writes, isJob: path.startsWith(jobsPath), secrets })
    if (failure) return err(failure)
    if (answer.kind === 'unanswered') throw new Error('no answer, and no failure either')
    return ok({ status: answer.status, json: answer.json })
  }
}

/** ZStack's refusal of one request proves that it answers, so it counts as none. */
function outageIn(failure: Failure): Failure | undefined {
  return failurePolicy[failure.kind].scope === 'connection' ? failure : undefined
}

/** The same failure, of a call that was not sent: ZStack cannot have carried it out. */
function unsent(failure: Failure): Failure {
  return { ...failure, ambiguous: false, isUnsent: true }
}
