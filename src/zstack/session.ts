/** A session of one account: logged in once for all callers, renewed when ZStack has ended it, logged out at the end. */
import { createHash } from 'node:crypto'
import { unlessAborted, type Clock } from '../clock.ts'
import { ok, err, type Result, type Failure } from '../decide/failure.ts'
import { limits } from '../limits.ts'
import type { Redacted } from '../redacted.ts'
import { failureOf } from './failures.ts'
import type { Http } from './http.ts'
import { readSession } from './wire.ts'

export interface Session {
  /** The session's uuid. It logs in if there is no session; callers that come meanwhile wait for the same log-in. */
  current(signal: AbortSignal): Promise<Result<string>>
  /**
   * Notes that ZStack does not know this session any more; ignored if a newer one is in use. Returns how many sessions
   * in a row have been lost shortly after their log-in, this one included.
   */
  expire(uuid: string): number
  /** Whether the session of this uuid is the one in use. */
  isOpen(uuid: string): boolean
  /** Ends the session for good. If a log-in is under way, the session that comes of it is ended too. */
  logOut(signal: AbortSignal): Promise<void>
}

/** Guards log-ins, for an account may be locked after too many that fail. */
export type LogInGuard = {
  /** Asked before each log-in: why there may be none now. */
  readonly refuse: () => Failure | undefined
  /** Called with the failure of a log-in before any caller learns of it. */
  readonly onFailure: (failure: Failure) => void
}

export type SessionOptions = {
  readonly http: Http
  readonly endpoint: string
  readonly account: { readonly name: string; readonly password: Redacted }
  readonly clock: Pick<Clock, 'monotonic'>
  readonly guard: LogInGuard
  /** Where the credentials stand, in words. */
  readonly credentialsPlace?: string | undefined
}

export function createSession(options: SessionOptions): Session {
  const { http, endpoint, account, clock, guard, credentialsPlace } = options
  let session: Promise<Result<string>> | undefined
  let opened: { readonly uuid: string; readonly at: number } | undefined
  let earlyLosses = 0
  let isOver = false

  async function logIn(): Promise<Result<string>> {
    // ZStack expects the SHA-512 of the password in lower-case hex (README.md in this folder, Sessions).
    const password = createHash('sha512').update(account.password.reveal()).digest('hex')
    const answer = await http.send(
      {
        method: 'PUT',
        path: '/v1/accounts/login',
        isLogIn: true,
        headers: {},
        body: { logInByAccount: { accountName: account.name, password } },
      },
      // If one caller is aborted, the others still wait for this log-in: so no caller's signal ends it.
      new AbortController().signal,
    )
    const failure = failureOf(answer, {
      endpoint,
      asks: 'logIn',
      secrets: [password, account.password.reveal()],
      credentialsPlace,
    })
    if (failure) return err(failure)
    const uuid = answer.kind === 'answered' ? readSession(answer.json) : undefined
    if (uuid !== undefined) return ok(uuid)
    return err({ kind: 'protocol', message: `ZStack at ${endpoint} answered the log-in without a session` })
  }

  async function open(): Promise<Result<string>> {
    try {
      const answer = await logIn()
      if (answer.ok) opened = { uuid: answer.value, at: clock.monotonic() }
      else {
        session = undefined
        guard.onFailure(answer.failure)
      }
      return answer
    } catch (error) {
      session = undefined
      throw error
    }
  }

  return {
    async current(signal) {
      if (isOver) return err({ kind: 'sessionLost', message: `the operator has logged out of ZStack at ${endpoint}` })
      const refused = session ? undefined : guard.refuse()
      if (refused) return err(refused)
      session ??= open()
      const answer = await session
      signal.throwIfAborted()
      return answer
    },
    expire(uuid) {
      if (opened?.uuid !== uuid) return 0
      const isEarly = clock.monotonic() - opened.at < limits.earlySessionLossMs
      earlyLosses = isEarly ? earlyLosses + 1 : 0
      opened = undefined
      session = undefined
      return earlyLosses
    },
    isOpen: (uuid) => opened?.uuid === uuid,
    async logOut(signal) {
      isOver = true
      if (!session) return
      const answer = await unlessAborted(session, signal).catch(() => undefined)
      if (answer?.ok !== true) return
      const headers = { authorization: `OAuth ${answer.value}` }
      await http.send({ method: 'DELETE', path: `/v1/accounts/sessions/${answer.value}`, headers }, signal)
    },
  }
}
