/** What is wrong with single services of a simulated ZStack for good, while all others are served as they should be. */
import type { HttpRequest } from '../../src/zstack/http.ts'
import { apiError, plain, type Answer } from '../support/zstack/answers.ts'
import { firewallPage } from '../support/zstack/faults.ts'
import type { Chance } from './chance.ts'
import type { Time } from './time.ts'
import type { ZStackOperation } from './trouble.ts'

/** How a request is answered in place of being carried out; `slow` ones are carried out, late. */
export const faultAnswers = [
  'SYS.1000',
  'nested SYS.1000',
  'firewall',
  '401 page',
  '502 page',
  '504',
  'hang',
  'slow',
] as const

export type ServiceFault = {
  /** Updates of the services, queries that ask for any of them, or the jobs of their updates. */
  readonly on: 'update' | 'query' | 'job' | 'any'
  /** All services, where it is absent. */
  readonly uuids?: readonly string[]
  readonly how: (typeof faultAnswers)[number] | 'ID.1002'
  /** So many of a hundred requests; all, where it is absent. */
  readonly percent?: number
  readonly fromMs?: number
}

/** What the answers to queries leave out. */
export type Omission =
  | { readonly how: 'cut'; readonly services: number }
  /** One answer alone, the first after that moment. */
  | { readonly how: 'leave out'; readonly uuids: readonly string[]; readonly at: number }

export type Met = { readonly hangs?: true; readonly slowMs?: number; readonly answer?: Answer }

export interface ServiceFaults {
  /** What becomes of a request; it is carried out where this is undefined, or holds no answer and does not hang. */
  meets(operation: ZStackOperation, request: HttpRequest): Met | undefined
  /** The error that the job of an update ends in. */
  failedJob(uuid: string): Answer | undefined
  /** What the answer to a query shows of what it should show. */
  shown<T extends { readonly uuid?: unknown }>(inventories: readonly T[]): readonly T[]
}

/** The time that a slow update takes to arrive. */
export const slowUpdateMs = 3_000

/** A word that ZStack says of this service alone. */
export const wordOf = (uuid: string) => `word${uuid.slice(0, 8)}x`

export function createServiceFaults(
  time: Time,
  chance: Chance,
  faults: readonly ServiceFault[],
  omissions: readonly Omission[],
): ServiceFaults {
  const leftOut = new Set<Omission>()

  function find(operation: ZStackOperation, uuids: readonly string[]) {
    for (const fault of faults) {
      if (time.now() < (fault.fromMs ?? 0) || (fault.on !== 'any' && fault.on !== operation)) continue
      const uuid = fault.uuids ? uuids.find((one) => fault.uuids?.includes(one)) : ''
      if (uuid !== undefined && chance.percent(fault.percent ?? 100)) return { how: fault.how, uuid }
    }
    return undefined
  }

  return {
    meets(operation, request) {
      const found = operation === 'job' ? find('job', []) : find(operation, uuidsOf(operation, request))
      if (!found) return undefined
      const { how, uuid } = found
      if (how === 'hang') return { hangs: true }
      return how === 'slow' ? { slowMs: slowUpdateMs } : { answer: answerOf(how, uuid) }
    },
    failedJob(uuid) {
      const fault = faults.find(({ on, uuids }) => on === 'job' && uuids?.includes(uuid))
      return fault && apiError('SYS.1000', `the job failed, ${wordOf(uuid)}`)
    },
    shown(inventories) {
      let left = inventories
      for (const omission of omissions)
        if (omission.how === 'cut') left = left.slice(0, omission.services)
        else if (omission.at <= time.now() && !leftOut.has(omission)) {
          const rest = left.filter(({ uuid }) => !omission.uuids.includes(uuid as string))
          if (rest.length < left.length) leftOut.add(omission)
          left = rest
        }
      return left
    },
  }
}

function answerOf(how: Exclude<ServiceFault['how'], 'hang' | 'slow'>, uuid: string): Answer {
  const details = uuid === '' ? 'the node is in trouble' : `cannot do that, ${wordOf(uuid)}`
  switch (how) {
    case 'SYS.1000':
    case 'ID.1002':
      return apiError(how, details)
    case 'nested SYS.1000':
      return apiError('SYS.1006', details, 'SYS.1000')
    case 'firewall':
      return { status: firewallPage.status, body: firewallPage.body, contentType: 'text/html' }
    case '401 page':
      return { status: 401, body: '<html><body>401 Authorization Required</body></html>', contentType: 'text/html' }
    case '502 page':
      return { status: 502, body: '<html><body>502 Bad Gateway</body></html>', contentType: 'text/html' }
    case '504':
      return plain(504, '')
  }
}

function uuidsOf(operation: ZStackOperation, { path }: HttpRequest): readonly string[] {
  if (operation === 'query') return (/q=uuid\?=([0-9a-f,]*)/.exec(path)?.[1] ?? '').split(',')
  return operation === 'update' ? [path.slice(path.lastIndexOf('/') + 1)] : []
}
