/** One session per connection: logged in once for all callers, renewed once, logged out at the end. */
import { createHash } from 'node:crypto'
import type { Secret } from '../secret.ts'
import { ok, err, type Result, type Failure } from '../decide/failure.ts'
import { failureOf } from './failures.ts'
import type { Http } from './http.ts'
import { readSession } from './wire.ts'

export interface Session {
  /** The session's uuid; whoever asks while a log-in is under way waits for that one. */
  current(signal: AbortSignal): Promise<Result<string>>
  /** ZStack does not know this session any more; ignored if a newer one is in use. */
  expire(uuid: string): void
  /** Ends the session for good, one that is just being opened too. */
  logOut(signal: AbortSignal): Promise<void>
}

/** Asked before each log-in and told at once of each that failed: tries too many lock an account. */
export type LogInGate = {
  readonly refuse: () => Failure | undefined
  readonly failed: (failure: Failure) => void
}

const openGate: LogInGate = { refuse: () => undefined, failed: () => undefined }

export function createSession(
  http: Http,
  endpoint: string,
  account: { readonly name: string; readonly password: Secret },
  gate: LogInGate = openGate,
): Session {
  let session: Promise<Result<string>> | undefined
  let uuid: string | undefined
  let isOver = false

  async function logIn(): Promise<Result<string>> {
    // ZStack wants the SHA-512 of the password in lower-case hex (zstack-api.md, Sessions).
    const password = createHash('sha512').update(account.password.reveal()).digest('hex')
    const answer = await http.send(
      {
        method: 'PUT',
        path: '/v1/accounts/login',
        headers: {},
        body: { logInByAccount: { accountName: account.name, password } },
      },
      // An abort belongs to the caller that made it: the others must not lose the log-in they wait for.
      new AbortController().signal,
    )
    const failure = failureOf(answer, { endpoint, writes: false, secrets: [password, account.password.reveal()] })
    if (failure) return err(failure)
    const opened = answer.kind === 'answered' ? readSession(answer.json) : undefined
    if (opened !== undefined) return ok(opened)
    return err({ kind: 'protocol', message: `ZStack at ${endpoint} answered the log-in without a session` })
  }

  async function open(): Promise<Result<string>> {
    try {
      const answer = await logIn()
      if (answer.ok) uuid = answer.value
      else {
        session = undefined
        gate.failed(answer.failure)
      }
      return answer
    } catch (error) {
      session = undefined
      throw error
    }
  }

  return {
    async current(signal) {
      if (isOver) return err({ kind: 'session', message: `the operator has logged out of ZStack at ${endpoint}` })
      const refused = session ? undefined : gate.refuse()
      if (refused) return err(refused)
      session ??= open()
      const answer = await session
      signal.throwIfAborted()
      return answer
    },
    expire(expired) {
      if (expired !== uuid) return
      uuid = undefined
      session = undefined
    },
    async logOut(signal) {
      isOver = true
      const answer = await unlessAborted(session, signal)
      if (answer?.ok !== true) return
      const headers = { authorization: `OAuth ${answer.value}` }
      await http.send({ method: 'DELETE', path: `/v1/accounts/sessions/${answer.value}`, headers }, signal)
    },
  }
}

/** What the log-in gave, or nothing where it failed or takes too long. */
function unlessAborted<T>(pending: Promise<T> | undefined, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve) => {
    if (!pending || signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
    pending?.then(resolve, () => resolve(undefined))
  })
}
