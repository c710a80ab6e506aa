/** Requests to one ZStack: authenticated, limited in number, stopped while they cannot succeed. */
import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { cures, done, failed, type Answer, type Failure } from '../decide/failure.ts'
import type { Json } from '../decide/fields.ts'
import { signature } from './accesskey.ts'
import { createCircuit, type CircuitChange } from './circuit.ts'
import type { CredentialsSource, Revised } from './credentials.ts'
import { failureOf } from './failures.ts'
import type { Http } from './http.ts'
import { createLimit } from './limit.ts'
import { createSession, type Session } from './session.ts'

export type Call = {
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly body?: Json
  readonly writes: boolean
  /** What the call is about, for the breaker. */
  readonly target: string
  readonly secrets: readonly string[]
}

export type Reply = { readonly status: number; readonly json: unknown }

export interface Client {
  call(call: Call, signal: AbortSignal): Promise<Answer<Reply>>
  trouble(): Failure | undefined
  close(): Promise<void>
}

export type ClientOptions = {
  readonly http: Http
  readonly endpoint: string
  readonly credentials: CredentialsSource
  readonly maxInFlight: number
  readonly clock: Clock
  readonly random: () => number
  readonly onChange: (change: CircuitChange) => void
}

/** No request goes out until then: each would fail alike, and a refused log-in counts towards a lock-out. */
type Stop = { readonly failure: Failure; readonly until: number; readonly attempt: number }

/** A locked account hurts more than half an hour of waiting (design.md, Failures). */
const credentialsPauseMs = 30 * 60_000
const slowPauses = { firstMs: 60_000, mostMs: 600_000 } as const
/** How soon a changed Secret is noticed; the kubelet itself takes up to a minute to mount it. */
const credentialsCheckMs = 5_000
const logOutLimitMs = 3_000

export function createClient({
  http,
  endpoint,
  credentials,
  maxInFlight,
  clock,
  random,
  onChange,
}: ClientOptions): Client {
  const limit = createLimit(maxInFlight)
  const circuits = { read: createCircuit(clock, random, onChange), write: createCircuit(clock, random, onChange) }
  let loaded: Answer<Revised> | undefined
  let login: { readonly revised: Revised; readonly session: Session | undefined } | undefined
  let stop: Stop | undefined
  let cancelResume: () => void = () => undefined
  let cancelCheck: () => void = () => undefined
  if (credentials.canChange) scheduleCheck()

  async function attempt(call: Call, signal: AbortSignal): Promise<Answer<Reply>> {
    loaded ??= await credentials.read()
    if (!loaded.ok) return loaded
    const { session, revised } = use(loaded.value)
    if (revised.credentials.kind === 'accessKey')
      return send(call, signature(revised.credentials, call.method, call.path, new Date(clock.now())), signal)
    if (!session) throw new Error('an account without a session')
    let reply = await withSession(call, session, signal)
    if (!reply.ok && reply.failure.kind === 'session') reply = await withSession(call, session, signal)
    return reply
  }

  async function withSession(call: Call, session: Session, signal: AbortSignal): Promise<Answer<Reply>> {
    const uuid = await session.current(signal)
    if (!uuid.ok) return uuid
    const reply = await send(
      { ...call, secrets: [...call.secrets, uuid.value] },
      { authorization: `OAuth ${uuid.value}` },
      signal,
    )
    if (!reply.ok && reply.failure.kind === 'session') session.expire(uuid.value)
    return reply
  }

  async function send(call: Call, headers: Record<string, string>, signal: AbortSignal): Promise<Answer<Reply>> {
    const { method, path, body } = call
    const answer = await http.send({ method, path, headers, ...(body !== undefined && { body }) }, signal)
    const failure = failureOf(answer, { endpoint, writes: call.writes, secrets: call.secrets })
    if (failure) return failed(failure)
    if (answer.kind === 'unanswered') throw new Error('silence without a failure')
    return done({ status: answer.status, json: answer.json })
  }

  /** Takes new credentials into use; the session of the old ones is given back. */
  function use(revised: Revised) {
    if (login?.revised.revision === revised.revision) return login
    const old = login?.session
    const session =
      revised.credentials.kind === 'account' ? createSession(http, endpoint, revised.credentials) : undefined
    login = { revised, session }
    void old?.logOut(AbortSignal.timeout(logOutLimitMs)).catch(() => undefined)
    return login
  }

  function halt(failure: Failure) {
    const { retry } = cures[failure.kind]
    const times = stop ? stop.attempt + 1 : 0
    const pause = retry === 'slowly' ? backoff(slowPauses, times, () => 1) : credentialsPauseMs
    stop = { failure, until: clock.monotonic() + pause, attempt: times }
    cancelResume()
    cancelResume = clock.after(pause, () => onChange('trial'))
    onChange('open')
  }

  function resume() {
    cancelResume()
    if (!stop) return
    stop = undefined
    onChange('closed')
  }

  function scheduleCheck() {
    cancelCheck = clock.after(credentialsCheckMs, () => {
      void credentials.read().then((answer) => {
        const isNew = answer.ok && (loaded?.ok !== true || answer.value.revision !== loaded.value.revision)
        loaded = answer
        if (isNew) resume()
        scheduleCheck()
      })
    })
  }

  return {
    call: (call, signal) =>
      limit(async () => {
        signal.throwIfAborted()
        const circuit = circuits[call.writes ? 'write' : 'read']
        const refused = stop && clock.monotonic() < stop.until ? stop.failure : circuit.refuse()
        if (refused) return failed({ ...refused, ambiguous: false })
        const answer = await attempt(call, signal)
        if (answer.ok) {
          circuit.record(call.target, undefined)
          resume()
          return answer
        }
        const failure = asConnectionSees(answer.failure, login?.revised.credentials.kind, endpoint)
        const { scope, retry } = cures[failure.kind]
        if (scope === 'connection' && retry !== 'backOff') halt(failure)
        else circuit.record(call.target, scope === 'connection' ? failure : undefined)
        return failed(failure)
      }),
    trouble: () =>
      (stop && clock.monotonic() < stop.until ? stop.failure : undefined) ??
      circuits.read.trouble() ??
      circuits.write.trouble(),
    async close() {
      cancelResume()
      cancelCheck()
      circuits.read.close()
      circuits.write.close()
      await login?.session?.logOut(AbortSignal.timeout(logOutLimitMs)).catch(() => undefined)
      await http.close()
    },
  }
}

/** An access key has no session that could be renewed: a refusal of it is a refusal of the key. */
function asConnectionSees(failure: Failure, kind: string | undefined, endpoint: string): Failure {
  if (failure.kind !== 'session' || kind !== 'accessKey') return failure
  return {
    ...failure,
    kind: 'credentials',
    message: `ZStack at ${endpoint} does not accept the access key; correct the Secret`,
  }
}
