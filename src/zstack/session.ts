/** One session per connection: logged in once for all callers, renewed once, logged out at the end. */
import { createHash } from 'node:crypto'
import { done, failed, type Answer } from '../decide/failure.ts'
import { failureOf } from './failures.ts'
import type { Http } from './http.ts'
import { readSession } from './wire.ts'

export interface Session {
  /** The session's uuid; whoever asks while a log-in is under way waits for that one. */
  current(signal: AbortSignal): Promise<Answer<string>>
  /** ZStack does not know this session any more; ignored if a newer one is in use. */
  expire(uuid: string): void
  logOut(signal: AbortSignal): Promise<void>
}

export function createSession(
  http: Http,
  endpoint: string,
  account: { readonly name: string; readonly password: string },
): Session {
  let session: Promise<Answer<string>> | undefined
  let uuid: string | undefined

  async function logIn(signal: AbortSignal): Promise<Answer<string>> {
    // ZStack wants the SHA-512 of the password in lower-case hex (zstack-api.md, Sessions).
    const password = createHash('sha512').update(account.password).digest('hex')
    const answer = await http.send(
      {
        method: 'PUT',
        path: '/v1/accounts/login',
        headers: {},
        body: { logInByAccount: { accountName: account.name, password } },
      },
      signal,
    )
    const failure = failureOf(answer, { endpoint, writes: false, secrets: [password, account.password] })
    if (failure) return failed(failure)
    const opened = answer.kind === 'answered' ? readSession(answer.json) : undefined
    if (opened !== undefined) return done(opened)
    return failed({ kind: 'protocol', message: `ZStack at ${endpoint} answered the log-in without a session` })
  }

  return {
    async current(signal) {
      // An abort belongs to the caller that made it: the others must not lose the log-in they wait for.
      session ??= logIn(new AbortController().signal).then(
        (answer) => {
          if (answer.ok) uuid = answer.value
          else session = undefined
          return answer
        },
        (error: unknown) => {
          session = undefined
          throw error
        },
      )
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
      const last = uuid
      uuid = undefined
      session = undefined
      if (last === undefined) return
      await http.send(
        { method: 'DELETE', path: `/v1/accounts/sessions/${last}`, headers: { authorization: `OAuth ${last}` } },
        signal,
      )
    },
  }
}
