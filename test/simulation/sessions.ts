/** Log-ins of a simulated ZStack: one account, a ceiling, an end. */
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
  /** Every session uuid that was ever given: a secret. */
  readonly given: readonly string[]
}

export const account = { name: 'operator', password: 'pa55word-that-nobody-may-read' } as const
export const digest = createHash('sha512').update(account.password).digest('hex')

export function createSessions(time: Time, limits: { readonly most: number; readonly lifeMs: number }): Sessions {
  const open = new Map<string, number>()
  const given: string[] = []
  let fullUntil = -1
  const alive = () => {
    for (const [uuid, until] of open) if (until <= time.now()) open.delete(uuid)
    return open
  }
  return {
    logIn(body) {
      const { logInByAccount: wanted } = body as { logInByAccount: { accountName: string; password: string } }
      if (wanted.accountName !== account.name || wanted.password !== digest)
        return apiError('ID.1000', 'wrong account name or password')
      if (alive().size >= limits.most || time.now() < fullUntil) return apiError('ID.1006', 'Login sessions hit limit')
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
    given,
  }
}
