import { createHash } from 'node:crypto'
import { apiError, ok, type Answer } from './answers.ts'
import { namedUuid, newUuid, wireDate } from './model.ts'
import type { Moods } from './moods.ts'
import { isObject } from './updates.ts'

// The uuid that every ZStack installation gives its admin account.
const ADMIN_UUID = '36c27e8ff05c4780bf6d2fa65700f22e'

export type AccountState = 'enabled' | 'disabled'

/** The accounts of the node and who is logged in. */
export interface Sessions {
  /** Adds the account or changes its password; sessions already open stay open. */
  setAccount(name: string, password: string): void
  /** A disabled account cannot log in, and disabling one ends its sessions. Throws for an unknown account. */
  setAccountState(name: string, state: AccountState): void
  /** Whether it is an account that may not be used; access keys belong to `admin`. */
  isDisabled(name: string): boolean
  /** Answers a log-in body. */
  logIn(body: unknown): Answer
  logOut(uuid: string): Answer
  isOpen(uuid: string): boolean
  dropAll(): void
  /** How many sessions are open now. */
  open(): number
  /** How many were ever opened. */
  opened(): number
}

export function createSessions(moods: () => Moods): Sessions {
  const digests = new Map<string, string>()
  const disabled = new Set<string>()
  const sessions = new Map<string, { account: string; expires: number }>()
  let opened = 0

  function openOf(account?: string): number {
    const now = Date.now()
    let count = 0
    for (const [uuid, session] of sessions) {
      if (session.expires <= now) sessions.delete(uuid)
      else if (account === undefined || session.account === account) count += 1
    }
    return count
  }

  function endAllOf(account: string): void {
    for (const [uuid, session] of sessions) if (session.account === account) sessions.delete(uuid)
  }

  function start(account: string): Answer {
    const uuid = newUuid()
    const now = Date.now()
    const expires = now + moods().sessionTtlMillis
    sessions.set(uuid, { account, expires })
    opened += 1
    const accountUuid = account === 'admin' ? ADMIN_UUID : namedUuid(account)
    const dates = { expiredDate: wireDate(expires), createDate: wireDate(now) }
    return ok({ inventory: { uuid, accountUuid, userUuid: accountUuid, ...dates } })
  }

  return {
    setAccount(name, password) {
      digests.set(name, createHash('sha512').update(password).digest('hex'))
    },
    setAccountState(name, state) {
      if (!digests.has(name)) throw new Error(`the simulator has no account ${name}`)
      if (state === 'enabled') disabled.delete(name)
      else {
        disabled.add(name)
        endAllOf(name)
      }
    },
    isDisabled: (name) => disabled.has(name),
    logIn(body) {
      const credentials = isObject(body) ? body.logInByAccount : undefined
      const { accountName, password } = isObject(credentials) ? credentials : {}
      if (typeof accountName !== 'string' || typeof password !== 'string') {
        return apiError('SYS.1007', 'field[accountName, password] of message[APILogInByAccountMsg] cannot be null')
      }
      if (digests.get(accountName) !== password) return apiError('ID.1000', 'wrong account name or password')
      if (disabled.has(accountName)) return apiError('ID.1007', `the account[${accountName}] is disabled`)
      if (moods().uniqueSessions) endAllOf(accountName)
      if (openOf(accountName) >= moods().maxSessions) {
        return apiError('ID.1006', `Login sessions hit limit of max allowed concurrent login sessions`)
      }
      return start(accountName)
    },
    logOut(uuid) {
      sessions.delete(uuid)
      return ok({})
    },
    isOpen(uuid) {
      const session = sessions.get(uuid)
      return session !== undefined && session.expires > Date.now()
    },
    dropAll: () => sessions.clear(),
    open: () => openOf(),
    opened: () => opened,
  }
}
