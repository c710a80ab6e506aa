/** What a call passes on its way to ZStack; client.ts has the order. Each part wraps the sender that comes after it. */
import { isMap } from '../api/json.ts'
import { err, failurePolicy, ok, stopsConnection, type Failure, type Result } from '../decide/failure.ts'
import type { Semaphore } from '../semaphore.ts'
import type { AuthBreaker } from './auth-breaker.ts'
import type { Authenticator } from './authenticator.ts'
import { Withdrawn, type Call, type Reply, type SendCall } from './call.ts'
import type { Circuit } from './circuit.ts'
import { failureOf } from './failures.ts'
import type { Http } from './http.ts'

export type Middleware = (next: SendCall) => SendCall

/** The first middleware gets a call first. */
export function compose(middleware: readonly Middleware[], send: SendCall): SendCall {
  return middleware.reduceRight((next, wrap) => wrap(next), send)
}

/** Limits how many calls are under way at once: reads and all others apart, so that updates that hang stop no poll. */
export function limitInFlight(reads: Semaphore, others: Semaphore): Middleware {
  return (next) => (call, signal) =>
    (call.kind === 'query' ? reads : others)(() => {
      signal.throwIfAborted()
      return next(call, signal)
    }, call.turn)
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
    else if (stopsAll(reply.failure, call)) authBreaker.halt(reply.failure)
    else if (reply.failure.isUnsent) authBreaker.notSent(begun)
    return reply
  }
}

/** A query may be forbidden for the sake of one service that it asks for, so that a probe must be forbidden as well. */
function stopsAll({ kind }: Failure, call: Call): boolean {
  return stopsConnection(kind) && (kind !== 'readPermission' || call.kind === 'probe')
}

/** Whether the failure may be that of the connection; of queries every failure may, unless it stops the connection. */
function isDoubtful(failure: Failure, call: Call): boolean {
  if (stopsAll(failure, call)) return false
  // A call that the circuit let pass and that was not sent all the same found no session.
  if (call.kind === 'query' || failure.isUnsent === true) return true
  return call.kind === 'update' && failurePolicy[failure.kind].scope === 'connection'
}

/** Sends nothing in an outage. */
export function breakOnOutage(circuit: Circuit): Middleware {
  return (next) => async (call, signal) => {
    const refused = circuit.refuse()
    if (refused) return err(unsent(refused))
    const reply = await next(call, signal)
    if (reply.ok && call.kind === 'query') circuit.readSucceeded()
    else if (!reply.ok && isDoubtful(reply.failure, call)) circuit.doubt()
    return reply
  }
}

/**
 * Adds what proves who is asking, and sends the call a second time if that was out of date. What ZStack says of session
 * or credentials in answer to a call about some service may be true of that one alone: a probe, which is about none,
 * decides. Credentials that were never accepted are not tried twice, for that may lock the account.
 */
export function authenticate(authenticator: Authenticator, probe: Call): Middleware {
  return (next) => {
    async function attempt(call: Call, signal: AbortSignal): Promise<Attempt> {
      const authentication = await authenticator.authenticate(call, signal)
      if (!authentication.ok) return { reply: err(unsent(authentication.failure)), repeat: false }
      const { headers, secrets, judge, isInUse, accepted, isProven } = authentication.value
      const reply = await next({ ...call, headers, secrets: [...call.secrets, ...secrets] }, signal)
      if (reply.ok) accepted()
      if (reply.ok) return { reply, repeat: false }
      const { failure } = reply
      if (call.kind === 'probe' || (call.kind === 'query' && !isProven())) {
        const judged = judge(failure)
        return { reply: err(judged.failure), repeat: judged.repeat }
      }
      if (!speaksOfAccount(failure, call)) return { reply, repeat: false }
      const probed = isInUse() ? await send(probe, signal) : ok(undefined)
      if (!probed.ok) return { reply: err(probed.failure), repeat: false }
      return { reply: err(ofService(failure, call)), repeat: !isInUse() }
    }
    async function send(call: Call, signal: AbortSignal): Promise<Result<Reply>> {
      const first = await attempt(call, signal)
      return first.repeat ? (await attempt(call, signal)).reply : first.reply
    }
    return send
  }
}

/** What became of a call with one authentication, and whether it deserves another try with a new one. */
type Attempt = { readonly reply: Result<Reply>; readonly repeat: boolean }

/** The right to query, which `breakOnOutage` asks a probe about, is not that of a session. */
function speaksOfAccount({ kind }: Failure, call: Call): boolean {
  return kind === 'sessionLost' || (stopsConnection(kind) && !(kind === 'readPermission' && call.kind === 'query'))
}

/** ZStack refuses the one request for a reason that is not true of others. */
function ofService({ code, message }: Failure, { kind }: Call): Failure {
  return {
    kind: 'operation',
    ...(code !== undefined && { code }),
    message: `ZStack answers other requests of this account, but not this ${kind}: ${message}`,
  }
}

/** The end of the way: one HTTP request. */
export function sendOver(http: Http, endpoint: string, credentialsPlace?: string): SendCall {
  return async ({ method, path, headers = {}, body, kind, secrets, isWanted }, signal) => {
    if (isWanted?.() === false) throw new Withdrawn()
    const answer = await http.send({ method, path, headers, ...(body !== undefined && { body }) }, signal)
    const failure = failureOf(answer, { endpoint, asks: kind === 'probe' ? 'query' : kind, secrets, credentialsPlace })
    if (failure) return err(failure)
    if (answer.kind === 'unanswered') throw new Error('no answer, and no failure either')
    if ((kind === 'query' || kind === 'probe') && !isList(answer.json)) return err(noList(endpoint))
    return ok({ status: answer.status, json: answer.json })
  }
}

const isList = (json: unknown) => isMap(json) && Array.isArray(json.inventories)

/** A page of something else may be JSON too. */
function noList(endpoint: string): Failure {
  return {
    kind: 'protocol',
    message: `ZStack at ${endpoint} answered a query without a list of inventories; is ZSTACK_ENDPOINT the management node?`,
  }
}

/** The same failure, of a call that was not sent: ZStack cannot have carried it out. */
function unsent(failure: Failure): Failure {
  return { ...failure, ambiguous: false, isUnsent: true }
}
