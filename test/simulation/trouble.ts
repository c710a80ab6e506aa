/** Trouble that lasts a while: what goes wrong, with which requests, how often, until when. */
import type { Chance } from './chance.ts'
import type { Fate } from './exchange.ts'
import type { Time } from './time.ts'

export const kubeOperations = ['list', 'watch', 'status', 'event', 'lease'] as const
/** `reference`: a Secret is read by its name. */
export type KubeOperation = (typeof kubeOperations)[number] | 'reference'
export const zstackOperations = ['query', 'update', 'job', 'login', 'logout'] as const
export type ZStackOperation = (typeof zstackOperations)[number]

/** What a network does to either side. */
export const networkTroubles = ['refused', 'lost', 'reset', 'unheard', 'cut', 'slow'] as const
export const kubeTroubles = [
  ...networkTroubles,
  'status 500',
  'status 503',
  'status 429',
  'conflict',
  'stale list',
  'gone',
  'late events',
  'repeated events',
  'split lines',
] as const
export const zstackTroubles = [
  ...networkTroubles,
  'code',
  'nested code',
  'html 502',
  'empty 503',
  'truncated',
  'garbage',
  'redirect',
] as const

export type Trouble<What, Operation> = {
  readonly what: What
  readonly on: Operation | 'any'
  /** So many of a hundred. */
  readonly percent: number
  readonly forMs: number
  /** ZStack's error code, where it answers with one. */
  readonly code?: string
}
export type KubeTrouble = Trouble<(typeof kubeTroubles)[number], KubeOperation>
export type ZStackTrouble = Trouble<(typeof zstackTroubles)[number], ZStackOperation>

export interface Troubles<T> {
  begin(trouble: T): void
  /** The trouble that this request meets, if any. */
  meets(operation: string): T | undefined
  end(): void
}

export function createTroubles<T extends Trouble<string, string>>(time: Time, chance: Chance): Troubles<T> {
  let active: { readonly trouble: T; readonly until: number }[] = []
  return {
    begin(trouble) {
      active.push({ trouble, until: time.now() + trouble.forMs })
    },
    meets(operation) {
      if (active.length === 0) return undefined
      active = active.filter(({ until }) => time.now() < until)
      return active.find(
        ({ trouble: { on, percent } }) => (on === 'any' || on === operation) && chance.percent(percent),
      )?.trouble
    },
    end() {
      active = []
    },
  }
}

/** @param slowMs how slow slow is, at most */
export function fateOf(what: string | undefined, chance: Chance, slowMs: number): Fate {
  const there = chance.whole(0, 20)
  const back = chance.whole(0, 20)
  switch (what) {
    case 'refused':
    case 'lost':
    case 'reset':
    case 'unheard':
    case 'cut':
      return { there, back, end: what }
    case 'slow':
      return { there: chance.whole(0, slowMs), back: chance.whole(0, slowMs), end: 'whole' }
    default:
      return { there, back, end: 'whole' }
  }
}
