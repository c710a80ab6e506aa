/** Log-ins of a simulated ZStack: one account that may be disabled, a ceiling, an end. */
import { createHash } from 'node:crypto'
import { apiError, ok, type Answer } from '../support/zstack/answers.ts'
import type { Time } from './time.ts'

export interface Sessions {
  logIn(body: unknown): Answer
  logOut(uuid: string): Answer
  isOpen(uuid: string): boolean
  /** As a restart of the node does. */
  dropAll(): void
  /** Others take every place, for so long. */
  fill(forMs: number): void
  /** Nobody may use the account for so long; its sessions end. */
  disable(forMs: number): void
  isDisabled(): boolean
  enable(): void
  /** A person logs in to the same account. */
  logInElsewhere(): void
  /** Every session uuid that was ever given: a secret. */
  readonly given: readonly string[]
}

export const account = { name: 'operator', password: 'pa55word-that-nobody-may-read' } as const
export const digest = createHash('sha512').update(account.password).digest('hex')

export type SessionLimits = {
  readonly max: number
  readonly lifeMs: number
  /** A log-in ends the other sessions of the account. */
  readonly isUnique: boolean
}

export function createSessions(time: Time, limits: SessionLimits): Sessions {
  const open = new Map<string, number>()
  const given: string[] = []
  let fullUntil = -1
  let disabledUntil = -1
  const alive = () => {
    for (const [uuid, until] of open) if (until <= time.now()) open.delete(uuid)
    return open
  }
  return {
    logIn(body) {
      const { logInByAccount: wanted } = body as { logInByAccount: { accountName: string; password: string } }
      if (wanted.accountName !== account.name || wanted.password !== digest)
        return apiError('ID.1000', 'wrong account name or password')
      if (time.now() < disabledUntil) return apiError('ID.1007', 'the account is disabled')
      if (limits.isUnique) open.clear()
      if (alive().size >= limits.max || time.now() < fullUntil) return apiError('ID.1006', 'Login sessions hit limit')
      const uuid = `5e55${String(given.length).padStart(28, '0')}`
      given.push(uuid)
      open.set(uuid, time.now() + limits.lifeMs)
      return ok({ inventory: { uuid, accountUuid: '0'.repeat(32) } })
    },
    logOut(uuid) {
      open.delete(uuid)
      return ok({})
    },
    isOpen: (uuid) => alive().has(uuid),
    dropAll() {
      open.clear()
      fullUntil = -1
    },
    fill(forMs) {
      fullUntil = time.now() + forMs
    },
    disable(forMs) {
      open.clear()
      disabledUntil = time.now() + forMs
    },
    isDisabled: () => time.now() < disabledUntil,
    enable() {
      disabledUntil = -1
    },
    logInElsewhere() {
      if (limits.isUnique) open.clear()
    },
    given,
  }
}
