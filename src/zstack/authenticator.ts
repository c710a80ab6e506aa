/**
 * Proves to ZStack who is asking: with a session of an account, or with the signature of an access key. It reads the
 * credentials from their source again and again, and takes changed ones into use without a restart.
 */
import { withTimeout, type Clock } from '../clock.ts'
import { ok, err, stopsConnection, type Failure, type Result } from '../decide/failure.ts'
import { limits } from '../limits.ts'
import { signature, type AccessKey } from './accesskey.ts'
import type { AuthBreaker } from './auth-breaker.ts'
import type { Credentials, CredentialsSource, VersionedCredentials } from './credentials.ts'
import type { Http } from './http.ts'
import { createSession, type Session } from './session.ts'

export type Authentication = {
  readonly headers: Readonly<Record<string, string>>
  /** Texts that no message may hold. */
  readonly secrets: readonly string[]
  /** What the failure of a request with these headers means for them. */
  readonly judge: (failure: Failure) => Judgement
  /** Whether the same session, or the same key, is still in use. */
  readonly isInUse: () => boolean
  /** A request with it was answered. */
  readonly accepted: () => void
  /** Whether ZStack has accepted it before, so that it may refuse one request and no other. */
  readonly isProven: () => boolean
}

export type Judgement = {
  readonly failure: Failure
  /** Whether the same request may succeed with another authentication, and should be sent once more. */
  readonly repeat: boolean
}

export interface Authenticator {
  authenticate(
    request: { readonly method: string; readonly path: string },
    signal: AbortSignal,
  ): Promise<Result<Authentication>>
  /** Gives the session back, if there is one; the next request that needs one logs in. */
  logOut(): Promise<void>
  /** Logs out for good; every session that is still being given back is waited for. */
  close(): Promise<void>
}

export type AuthenticatorOptions = {
  readonly http: Http
  readonly endpoint: string
  readonly credentials: CredentialsSource
  /** Asked before each log-in. A failed log-in or a session conflict halts it, changed credentials resume it. */
  readonly authBreaker: Pick<AuthBreaker, 'refuseLogIn' | 'halt' | 'resume'>
  readonly clock: Clock
}

/** The credentials in use. Those of an account have a session, which logs in when it is first needed. */
type InUse = { readonly version: string } & (
  | { readonly kind: 'account'; readonly name: string; readonly session: Session }
  | { readonly kind: 'accessKey'; readonly key: AccessKey; isProven: boolean }
)

const logOutMs = 3_000

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { http, endpoint, credentials, authBreaker, clock } = options
  const logOuts = new Set<Promise<void>>()
  let loaded: Promise<Result<VersionedCredentials>> | undefined
  let inUse: InUse | undefined
  let isClosed = false
  let cancelCheck: () => void = () => undefined
  if (credentials.canChange) scheduleCheck()

  function scheduleCheck() {
    cancelCheck = clock.after(limits.credentialsCheckMs, () => void check())
  }

  async function check() {
    const [before, now] = await Promise.all([loaded, credentials.read()])
    if (isClosed) return
    loaded = Promise.resolve(now)
    if (now.ok && (before?.ok !== true || before.value.version !== now.value.version)) {
      if (inUse) use(now.value)
      authBreaker.resume()
    }
    scheduleCheck()
  }

  /** Takes credentials into use. If they replace others, the session of those is given back. */
  function use({ credentials: given, version }: VersionedCredentials): InUse {
    if (inUse?.version === version) return inUse
    const replaced = inUse
    inUse = { version, ...open(given, version) }
    if (replaced?.kind === 'account') giveBack(replaced.session)
    return inUse
  }

  function open(given: Credentials, version: string) {
    if (given.kind === 'accessKey') return { kind: given.kind, key: given, isProven: false }
    const guard = {
      refuse: () => authBreaker.refuseLogIn(),
      onFailure: (failure: Failure) => {
        // If the credentials were replaced during the log-in, its failure says nothing of the new ones.
        if (inUse?.version === version && stopsConnection(failure.kind)) authBreaker.halt(failure)
      },
    }
    const session = createSession({ http, endpoint, account: given, clock, guard, credentialsPlace: credentials.place })
    return { kind: given.kind, name: given.name, session }
  }

  function giveBack(session: Session) {
    const logOut = withTimeout(clock, logOutMs, (signal) => session.logOut(signal))
      .catch(() => undefined)
      .finally(() => logOuts.delete(logOut))
    logOuts.add(logOut)
  }

  async function logOut() {
    const left = inUse
    inUse = undefined
    if (left?.kind === 'account') giveBack(left.session)
    await Promise.all(logOuts)
  }

  async function ofSession(used: InUse & { kind: 'account' }, signal: AbortSignal): Promise<Result<Authentication>> {
    const uuid = await used.session.current(signal)
    if (!uuid.ok) return uuid
    return ok({
      headers: { authorization: `OAuth ${uuid.value}` },
      secrets: [uuid.value],
      judge: (failure) =>
        failure.kind === 'sessionLost'
          ? judgeLoss(used, uuid.value, failure)
          : { failure, repeat: isOfReplaced(used, failure) },
      isInUse: () => inUse === used && used.session.isOpen(uuid.value),
      accepted: () => undefined,
      isProven: () => true,
    })
  }

  /**
   * A session may always expire: one log-in then helps. But if sessions are lost shortly after their log-in, somebody
   * else logs in to the same account, and each log-in of the operator would end a session of theirs.
   */
  function judgeLoss(used: InUse & { kind: 'account' }, uuid: string, failure: Failure): Judgement {
    const earlyLosses = used.session.expire(uuid)
    if (inUse !== used || earlyLosses < limits.earlySessionLosses) return { failure, repeat: true }
    const conflict: Failure = {
      kind: 'sessionConflict',
      message: `ZStack at ${endpoint} ends the sessions of account ${used.name} shortly after their log-in, as it does where another log-in of the account ends them (global setting enable.unique.session); give the operator an access key, or an account of its own`,
    }
    // A log-in that succeeds ends the halt, so the waits grow with the losses.
    authBreaker.halt(conflict, earlyLosses - limits.earlySessionLosses)
    return { failure: conflict, repeat: false }
  }

  function ofKey(
    used: InUse & { kind: 'accessKey' },
    { method, path }: { readonly method: string; readonly path: string },
  ): Authentication {
    const headers = signature(used.key, method, path, new Date(clock.now()))
    const [, digest = ''] = headers.authorization.split(':')
    return {
      headers,
      secrets: [used.key.secret.reveal(), digest],
      judge(judged) {
        const failure = judged.kind === 'sessionLost' ? refusedKey(judged) : judged
        if (stopsConnection(failure.kind)) used.isProven = false
        return { failure, repeat: isOfReplaced(used, failure) }
      },
      isInUse: () => inUse === used,
      accepted: () => void (used.isProven = true),
      isProven: () => used.isProven,
    }
  }

  /** A signature has no session that could be lost: if ZStack says so, it refuses the key. */
  function refusedKey(failure: Failure): Failure {
    return {
      ...failure,
      kind: 'credentials',
      message: `ZStack at ${endpoint} does not accept the access key; correct ${credentials.place ?? 'the Secret'}`,
    }
  }

  /** Whether the failure is about credentials that were replaced meanwhile, so that the new ones deserve a try. */
  function isOfReplaced(used: InUse, { kind }: Failure): boolean {
    return inUse !== used && (kind === 'sessionLost' || stopsConnection(kind))
  }

  return {
    async authenticate(request, signal) {
      for (;;) {
        const loading = (loaded ??= credentials.read())
        const answer = await loading
        if (!answer.ok) return answer
        if (isClosed)
          return err({ kind: 'sessionLost', message: `the operator has logged out of ZStack at ${endpoint}` })
        if (loading !== loaded) continue
        const used = use(answer.value)
        if (used.kind === 'accessKey') return ok(ofKey(used, request))
        const authentication = await ofSession(used, signal)
        if (authentication.ok || !isOfReplaced(used, authentication.failure)) return authentication
      }
    },
    logOut,
    async close() {
      isClosed = true
      cancelCheck()
      await logOut()
    },
  }
}
