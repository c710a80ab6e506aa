/** What happens in a simulated world, as data: drawn from a seed, printed, cut down, run again. */
import { createChance, type Chance } from './chance.ts'
import { anyDrift, anyEdit, anyRule, anyService, anySpec, type Edit } from './values.ts'
import type { Values } from './services.ts'
import type { SessionLimits } from './sessions.ts'
import { anyReference, anyTexts, sourceKeys, type Texts } from './sources.ts'
import {
  kubeOperations,
  kubeTroubles,
  zstackOperations,
  zstackTroubles,
  type KubeTrouble,
  type ZStackTrouble,
} from './trouble.ts'
import type { Mood } from './zstack.ts'

/** `default/twin` speaks for the service of `default/a`. */
export const keys = ['default/a', 'default/b', 'default/twin', 'other/c'] as const
export type Key = (typeof keys)[number]
export const uuids = ['a', 'b', 'c'].map((digit) => digit.repeat(32))
export const uuidOf = (key: Key) =>
  ({ 'default/a': 'a', 'default/b': 'b', 'default/twin': 'a', 'other/c': 'c' })[key].repeat(32)

/** A point between two steps of a process, at which it may be killed. */
export const traps = ['before update', 'after update', 'update answered', 'before status', 'status answered'] as const
export type Trap = (typeof traps)[number]

export type Step = { readonly at: number } & (
  | { readonly do: 'create'; readonly key: Key; readonly spec: Readonly<Record<string, unknown>> }
  | { readonly do: 'edit'; readonly key: Key; readonly edits: readonly Edit[] }
  | { readonly do: 'remove' | 'begin deletion' | 'touch'; readonly key: Key }
  | { readonly do: 'write source'; readonly source: string; readonly texts: Texts }
  | { readonly do: 'touch source' | 'remove source'; readonly source: string }
  /** RBAC lets nobody get it, for so long or for good. */
  | { readonly do: 'forbid source'; readonly source: string; readonly forMs: number | undefined }
  | { readonly do: 'request'; readonly key: Key; readonly token: string }
  /** By annotation; without a time that can be read, it has no end. */
  | { readonly do: 'suspend'; readonly key: Key; readonly forMs: number | undefined }
  | { readonly do: 'resume'; readonly key: Key }
  | { readonly do: 'drift'; readonly uuid: string; readonly values: Values }
  | { readonly do: 'lose service'; readonly uuid: string }
  | { readonly do: 'bring service back'; readonly uuid: string; readonly isNew: boolean }
  | { readonly do: 'kubernetes trouble'; readonly trouble: KubeTrouble }
  | { readonly do: 'zstack trouble'; readonly trouble: ZStackTrouble }
  | { readonly do: 'zstack mood'; readonly mood: Partial<Mood>; readonly forMs: number }
  | { readonly do: 'api server restart'; readonly forMs: number; readonly compacts: boolean }
  | { readonly do: 'compact' }
  | { readonly do: 'cut watches' | 'end watches' | 'stall watches' | 'expire watches' | 'garble watches' }
  | { readonly do: 'drop sessions' }
  | { readonly do: 'fill sessions' | 'disable account'; readonly forMs: number }
  | { readonly do: 'log in elsewhere' }
  | { readonly do: 'kill'; readonly who: number; readonly trap: Trap | undefined; readonly awayMs: number }
  | { readonly do: 'stop'; readonly who: number; readonly awayMs: number }
  | { readonly do: 'pause'; readonly who: number; readonly forMs: number; readonly timersFirst: boolean }
)

/** What does not change while a world lasts. */
export type Setting = {
  readonly services: Readonly<Record<string, Values>>
  readonly mood: Mood
  readonly requestBody: 'auto' | 'envelope' | 'flat'
  readonly credentials: 'account' | 'accessKey'
  readonly sessions: SessionLimits
  readonly replicas: 1 | 2
  /** Whether each replica is one pod, in whose name all its processes hold the lease. */
  readonly arePods: boolean
  /** Whether RBAC lets Secrets and ConfigMaps be watched by name, beside being read. */
  readonly mayWatchSources: boolean
  readonly pollIntervalMs: number
  readonly requestTimeoutMs: number
  readonly maxInFlight: number
  readonly workers: number
  readonly namespaces: readonly string[]
  readonly pageSize: number
  readonly skewMs: readonly number[]
}

export type Schedule = {
  readonly seed: number
  readonly setting: Setting
  readonly steps: readonly Step[]
  /** How long the trouble lasts. */
  readonly spanMs: number
}

export function drawSchedule(seed: number): Schedule {
  const chance = createChance(seed)
  // Drawn apart, so that whatever else a seed draws is what it drew before these were added.
  const apart = createChance(~seed)
  const ofSources = createChance(seed ^ 0x5ec7)
  const setting = { ...drawNewer(drawSetting(chance), apart), mayWatchSources: createChance(seed ^ 0x3a7c).percent(50) }
  const spanMs = setting.replicas === 2 ? chance.whole(30, 120) * 1_000 : chance.pick([60, 200, 600]) * 1_000
  const count = chance.percent(80) ? chance.whole(2, 16) : chance.whole(16, 40)
  const begin = keys
    .filter(() => chance.percent(70))
    .map((key): Step => ({ at: 0, do: 'create', key, spec: anySpec(uuidOf(key), chance) }))
  const moments = Array.from({ length: count }, () => chance.whole(0, spanMs)).sort((a, b) => a - b)
  // Often several things come at once.
  const bunched = moments.map((at, index) =>
    chance.percent(40) && index > 0 ? moments[index - 1]! + chance.whole(0, 1_000) : at,
  )
  const steps = bunched.map((at) => ({ at, ...drawStep(chance, setting) }))
  const newer = [
    ...drawNewerSteps(apart, setting, spanMs),
    ...drawSourceSteps(ofSources, spanMs),
    ...drawSuspensions(createChance(seed ^ 0x5059), spanMs),
  ]
  return {
    seed,
    setting,
    steps: [...begin, ...[...steps, ...newer].sort((a, b) => a.at - b.at)],
    spanMs: spanMs + 1_000,
  }
}

/** The rest of a setting: whether replicas are pods, and what newer nodes do. */
function drawNewer(
  setting: Omit<Setting, 'arePods' | 'mayWatchSources'>,
  chance: Chance,
): Omit<Setting, 'mayWatchSources'> {
  const arePods = chance.percent(50)
  const apiTimeoutMs = chance.pick([undefined, 60_000, 600_000])
  const isUnique = chance.percent(25)
  const renamesFrameworks = chance.percent(30)
  return {
    ...setting,
    arePods,
    mood: { ...setting.mood, apiTimeoutMs, renamesFrameworks },
    sessions: { ...setting.sessions, isUnique },
  }
}

function drawNewerSteps(chance: Chance, { sessions }: Pick<Setting, 'sessions'>, spanMs: number): readonly Step[] {
  const at = () => chance.whole(0, spanMs)
  const disabling = chance.percent(8) ? [{ at: at(), forMs: chance.pick([5_000, 60_000, 200_000]) }] : []
  const logIns = sessions.isUnique ? Array.from({ length: chance.whole(1, 8) }, at) : []
  return [
    ...disabling.map((step): Step => ({ do: 'disable account', ...step })),
    ...logIns.map((moment): Step => ({ do: 'log in elsewhere', at: moment })),
  ]
}

/** In two of five worlds, specs refer to Secrets and ConfigMaps; those are written, touched, removed, made anew, forbidden. */
function drawSourceSteps(chance: Chance, spanMs: number): readonly Step[] {
  if (chance.percent(60)) return []
  const at = () => chance.whole(0, spanMs)
  const many = <S>(count: number, draw: () => S) => Array.from({ length: count }, draw)
  const write = (source: string, when: number): Step => ({
    ...{ at: when, do: 'write source', source, texts: anyTexts(chance) },
  })
  return [
    ...sourceKeys.filter(() => chance.percent(75)).map((source) => write(source, 0)),
    ...many(chance.whole(1, 6), (): Step => {
      return { at: chance.percent(40) ? 1 : at(), do: 'edit', key: chance.pick(keys), edits: anyReference(chance) }
    }),
    ...many(chance.whole(0, 8), () => write(chance.pick(sourceKeys), at())),
    ...many(chance.whole(0, 5), (): Step => ({
      ...{ at: at(), do: chance.pick(['touch source', 'touch source', 'remove source'] as const) },
      source: chance.pick(sourceKeys),
    })),
    ...many(chance.percent(40) ? chance.whole(1, 3) : 0, (): Step => ({
      ...{ at: at(), do: 'forbid source', source: chance.pick(sourceKeys) },
      forMs: chance.pick([500, 20_000, 100_000, undefined]),
    })),
  ]
}

/** In three of ten worlds, objects are suspended by annotation, and some of them resumed before that ends. */
function drawSuspensions(chance: Chance, spanMs: number): readonly Step[] {
  if (chance.percent(70)) return []
  return Array.from({ length: chance.whole(1, 5) }, (): Step => {
    const [at, key] = [chance.whole(0, spanMs), chance.pick(keys)]
    const forMs = chance.pick([5_000, 60_000, 60_000, 600_000, undefined])
    return chance.percent(75) ? { at, do: 'suspend', key, forMs } : { at, do: 'resume', key }
  })
}

function drawSetting(chance: Chance): Omit<Setting, 'arePods' | 'mayWatchSources'> {
  const bodyShape = chance.pick(['envelope', 'envelope', 'flat', 'single-api'] as const)
  const replicas = chance.percent(12) ? 2 : 1
  const skew = () => (chance.percent(80) ? 0 : chance.whole(-120, 120) * 1_000)
  return {
    services: Object.fromEntries(uuids.map((uuid) => [uuid, anyService(chance)])),
    mood: {
      bodyShape,
      answer: chance.pick(['sync', 'sync', 'async', 'bare'] as const),
      hides: chance.percent(30)
        ? ['framework', 'source', 'containerCommand', 'containerArgs', 'vendorToSpecUuidsMap']
        : [],
      jobMs: chance.pick([50, 1_000, 7_000, 40_000]),
      apiTimeoutMs: undefined,
      jobEnd: 'done',
      ignores: false,
      alters: false,
      renamesFrameworks: false,
      refuses: undefined,
    },
    requestBody: chance.percent(70) ? 'auto' : bodyShape === 'flat' ? 'flat' : 'envelope',
    credentials: chance.percent(75) ? 'account' : 'accessKey',
    sessions: { max: chance.pick([2, 5, 100]), lifeMs: chance.pick([180_000, 7_200_000]), isUnique: false },
    replicas,
    pollIntervalMs: replicas === 2 ? 20_000 : chance.pick([20_000, 60_000, 300_000]),
    requestTimeoutMs: chance.pick([5_000, 30_000]),
    maxInFlight: chance.pick([1, 2, 16]),
    workers: chance.pick([1, 2, 32]),
    namespaces: chance.percent(25) ? ['default', 'other'] : [],
    pageSize: chance.pick([1, 2, 500]),
    skewMs: [skew(), skew()],
  }
}

type UntimedStep = Step extends infer S ? (S extends Step ? Omit<S, 'at'> : never) : never

function drawStep(chance: Chance, { replicas }: Setting): UntimedStep {
  const key = chance.pick(keys)
  const uuid = chance.pick(uuids)
  const who = chance.whole(0, replicas - 1)
  const minutes = () => chance.pick([1_000, 10_000, 60_000, 200_000]) + chance.whole(0, 5_000)
  const percent = chance.pick([20, 50, 100])
  const draw = chance.whole(0, replicas === 2 ? 119 : 99)
  if (draw < 18) return { do: 'edit', key, edits: Array.from({ length: chance.whole(1, 3) }, () => anyEdit(chance)) }
  if (draw < 26) return { do: 'edit', key, edits: [anyRule(chance)] }
  if (draw < 32) return { do: 'create', key, spec: anySpec(uuidOf(key), chance) }
  if (draw < 36) return { do: 'remove', key }
  if (draw < 37) return { do: 'begin deletion', key }
  if (draw < 39) return { do: 'touch', key }
  if (draw < 42) return { do: 'request', key, token: chance.pick(['one', 'two', 'three']) }
  if (draw < 49) return { do: 'drift', uuid, values: anyDrift(chance) }
  if (draw < 51) return { do: 'lose service', uuid }
  if (draw < 54) return { do: 'bring service back', uuid, isNew: chance.percent(50) }
  if (draw < 61) {
    const trouble = { what: chance.pick(kubeTroubles), on: chance.pick(['any', 'any', ...kubeOperations] as const) }
    return { do: 'kubernetes trouble', trouble: { ...trouble, percent, forMs: minutes() } }
  }
  if (draw < 71) {
    const trouble = {
      what: chance.pick(zstackTroubles),
      on: chance.pick(['any', 'update', ...zstackOperations] as const),
    }
    return { do: 'zstack trouble', trouble: { ...trouble, percent, forMs: minutes(), code: chance.pick(codes) } }
  }
  if (draw < 78) return { do: 'zstack mood', mood: drawMood(chance), forMs: minutes() * chance.pick([1, 10]) }
  if (draw < 80)
    return { do: 'api server restart', forMs: chance.pick([300, 2_000, 10_000, 40_000]), compacts: chance.percent(60) }
  if (draw < 81) return { do: 'compact' }
  if (draw < 86)
    return {
      do: chance.pick(['cut watches', 'end watches', 'stall watches', 'expire watches', 'garble watches'] as const),
    }
  if (draw < 87) return { do: 'drop sessions' }
  if (draw < 88) return { do: 'fill sessions', forMs: minutes() }
  const awayMs = chance.pick([0, 500, 5_000, 20_000])
  if (draw < 96) return { do: 'kill', who, trap: chance.percent(70) ? chance.pick(traps) : undefined, awayMs }
  if (draw < 98) return { do: 'stop', who, awayMs }
  return { do: 'pause', who, forMs: chance.pick([500, 8_000, 12_000, 30_000]), timersFirst: chance.percent(50) }
}

function drawMood(chance: Chance): Partial<Mood> {
  switch (chance.whole(0, 4)) {
    case 0:
      return { ignores: true }
    case 1:
      return { alters: true }
    case 2:
      return { refuses: chance.pick(codes) }
    case 3:
      return { answer: chance.pick(['sync', 'async', 'bare'] as const) }
    default:
      return { answer: 'async', jobEnd: chance.pick(['failed', 'expired', 'forgotten', 'never'] as const) }
  }
}

const codes = [
  'SYS.1000',
  'SYS.1001',
  'SYS.1002',
  'SYS.1003',
  'SYS.1004',
  'SYS.1005',
  'SYS.1006',
  'SYS.1007',
  'SYS.1008',
  'SYS.1009',
  'SYS.1010',
  'SYS.1011',
  'SYS.1012',
  'SYS.1013',
  'SYS.1014',
  'SYS.1015',
  'SYS.1016',
  'SYS.1017',
  'ID.1000',
  'ID.1001',
  'ID.1002',
  'ID.1003',
  'ID.1004',
  'ID.1005',
  'ID.1006',
  'ID.1007',
  'ID.2000',
  'ID.2001',
  'ID.2002',
  'ID.2003',
  'SYS.9999',
]
