/** Requests to one ZStack: authenticated, limited in number, stopped while they cannot succeed. */
import { withTimeout, type Clock } from '../clock.ts'
import { failurePolicy, ok, err, type Result, type Failure, type FailureKind } from '../decide/failure.ts'
import type { Json } from '../api/json.ts'
import { limits } from '../limits.ts'
import { signature } from './accesskey.ts'
import { createCircuit } from './circuit.ts'
import type { ConnectionEvent } from '../reconcile/ports.ts'
import type { CredentialsSource, VersionedCredentials } from './credentials.ts'
import { failureOf } from './failures.ts'
import type { Http } from './http.ts'
import { createSemaphore } from './semaphore.ts'
import { createAuthBreaker } from './auth-breaker.ts'
import { createSession, type Session } from './session.ts'

export type Call = {
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly body?: Json
  readonly writes: boolean
  /** What the call is about, for the breaker. */
  readonly target: string
  readonly secrets: readonly string[]
  /** Asked immediately before it is sent, however long it waited for its turn. */
  readonly isWanted?: (() => boolean) | undefined
}

/** Nobody wanted the call any more when its turn came: nothing was sent. */
export class Withdrawn extends Error {
  override readonly name = 'Withdrawn'
}

export type Reply = { readonly status: number; readonly json: unknown }

export interface Client {
  call(call: Call, signal: AbortSignal): Promise<Result<Reply>>
  currentFailure(): Failure | undefined
  close(): Promise<void>
}

export type ClientOptions = {
  readonly http: Http
  readonly endpoint: string
  readonly credentials: CredentialsSource
  readonly maxInFlight: number
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (change: ConnectionEvent) => void
}

type Login = { readonly revised: VersionedCredentials; readonly session: Session | undefined }

const logOutLimitMs = 3_000

export function createClient({
  http,
  endpoint,
  credentials,
  maxInFlight,
  clock,
  random,
  onEvent,
}: ClientOptions): Client {
  const limit = createSemaphore(maxInFlight)
  const circuits = { read: createCircuit(clock, random, onEvent), write: createCircuit(clock, random, onEvent) }
  const pause = createAuthBreaker(clock, onEvent)
  const leaving = new Set<Promise<void>>()
  let loaded: Promise<Result<VersionedCredentials>> | undefined
  let login: Login | undefined
  let isClosed = false
  let cancelCheck: () => void = () => undefined
  if (credentials.canChange) scheduleCheck()

  async function attempt(call: Call, signal: AbortSignal): Promise<Result<Reply>> {
    const first = await attemptOnce(call, signal)
    return first.again ? (await attemptOnce(call, signal)).reply : first.reply
  }

  /** `again`: the session was gone, or the credentials were replaced meanwhile, which says nothing of the new ones. */
  async function attemptOnce(call: Call, signal: AbortSignal): Promise<{ reply: Result<Reply>; again: boolean }> {
    const answer = await (loaded ??= credentials.read())
    if (!answer.ok) return { reply: answer, again: false }
    const used = use(answer.value)
    const reply = used.session ? await withSession(call, used.session, signal) : await signed(call, used, signal)
    if (reply.ok) return { reply, again: false }
    const { kind } = reply.failure
    return { reply, again: kind === 'session' || (login !== used && haltsAll(kind)) }
  }

  async function withSession(call: Call, session: Session, signal: AbortSignal): Promise<Result<Reply>> {
    const uuid = await session.current(signal)
    if (!uuid.ok) return uuid
    const reply = await send(call, { authorization: `OAuth ${uuid.value}` }, [uuid.value], signal)
    if (!reply.ok && reply.failure.kind === 'session') session.expire(uuid.value)
    return reply
  }

  async function signed(call: Call, { revised }: Login, signal: AbortSignal): Promise<Result<Reply>> {
    if (revised.credentials.kind !== 'accessKey') throw new Error('an account without a session')
    const key = revised.credentials
    const headers = signature(key, call.method, call.path, new Date(clock.now()))
    const [, digest = ''] = headers.authorization.split(':')
    const reply = await send(call, headers, [key.secret.reveal(), digest], signal)
    return reply.ok ? reply : err(asKeyFails(reply.failure, endpoint))
  }

  async function send(
    call: Call,
    headers: Record<string, string>,
    secrets: readonly string[],
    signal: AbortSignal,
  ): Promise<Result<Reply>> {
    const { method, path, body, writes } = call
    if (call.isWanted?.() === false) throw new Withdrawn('not wanted any more')
    const answer = await http.send({ method, path, headers, ...(body !== undefined && { body }) }, signal)
    const failure = failureOf(answer, { endpoint, writes, secrets: [...call.secrets, ...secrets] })
    if (failure) return err(failure)
    if (answer.kind === 'unanswered') throw new Error('silence without a failure')
    return ok({ status: answer.status, json: answer.json })
  }

  /** Takes new credentials into use; the session of the old ones is given back. */
  function use(revised: VersionedCredentials): Login {
    if (login?.revised.version === revised.version) return login
    const old = login?.session
    const session =
      revised.credentials.kind === 'account'
        ? createSession(http, endpoint, revised.credentials, { refuse: () => pause.halted(), failed: haltFor(revised) })
        : undefined
    login = { revised, session }
    if (old) leave(old)
    return login
  }

  function leave(session: Session) {
    const left = withTimeout(clock, logOutLimitMs, (signal) => session.logOut(signal))
      .catch(() => undefined)
      .finally(() => leaving.delete(left))
    leaving.add(left)
  }

  /** A log-in with credentials that were replaced meanwhile says nothing of the new ones. */
  function haltFor(revised: VersionedCredentials) {
    return (failure: Failure) => {
      if (login?.revised.version === revised.version && haltsAll(failure.kind)) pause.halt(failure)
    }
  }

  function scheduleCheck() {
    cancelCheck = clock.after(limits.credentialsCheckMs, () => void check())
  }

  async function check() {
    const [before, now] = await Promise.all([loaded, credentials.read()])
    if (isClosed) return
    loaded = Promise.resolve(now)
    if (now.ok && (before?.ok !== true || before.value.version !== now.value.version)) {
      if (login) use(now.value)
      pause.resume()
    }
    scheduleCheck()
  }

  return {
    call: (call, signal) =>
      limit(async () => {
        signal.throwIfAborted()
        if (isClosed)
          return err({ kind: 'unavailable', message: `the operator is closing its connection to ${endpoint}` })
        const circuit = circuits[call.writes ? 'write' : 'read']
        const refused = pause.refuse() ?? circuit.refuse()
        if (refused) return err({ ...refused, ambiguous: false, isUnsent: true })
        const begun = pause.begin()
        const answer = await attempt(call, signal)
        if (answer.ok) {
          circuit.record(call.target, undefined)
          pause.succeeded(begun)
          return answer
        }
        const { failure } = answer
        if (haltsAll(failure.kind)) pause.halt(failure)
        else circuit.record(call.target, failurePolicy[failure.kind].scope === 'connection' ? failure : undefined)
        return answer
      }),
    currentFailure: () => pause.trouble() ?? circuits.read.trouble() ?? circuits.write.trouble(),
    async close() {
      isClosed = true
      cancelCheck()
      pause.close()
      circuits.read.close()
      circuits.write.close()
      if (login?.session) leave(login.session)
      await Promise.all(leaving)
      await http.close()
    },
  }
}

/** Whether no request can succeed until something changes, rather than until ZStack is back. */
function haltsAll(kind: FailureKind): boolean {
  const { scope, retry } = failurePolicy[kind]
  return scope === 'connection' && retry !== 'backOff'
}

/** An access key has no session that could be renewed: a refusal of it is a refusal of the key. */
function asKeyFails(failure: Failure, endpoint: string): Failure {
  if (failure.kind !== 'session') return failure
  return {
    ...failure,
    kind: 'credentials',
    message: `ZStack at ${endpoint} does not accept the access key; correct the Secret`,
  }
}
