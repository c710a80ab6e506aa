/** Faults that last and what bystanders do meanwhile, as data: drawn from a seed, printed, run again. */
import { createChance, type Chance } from './chance.ts'
import type { Deployment } from './deployment.ts'
import { faultAnswers, type Omission, type ServiceFault } from './service-faults.ts'
import type { Mood } from './zstack.ts'

/** What is broken for good; a schedule has one or two of these. */
export const troubleSorts = [
  'a query fails',
  'a query hangs',
  'queries fail at random',
  'PUTs fail',
  'PUTs hang',
  'PUTs meet a firewall',
  'jobs fail',
  'a foreign writer of status',
  'a namespace may not be listed',
  'answers are cut',
  'an answer leaves services out',
  'the owner of a uuid is deleted while its PUT flies',
  'an object is replaced while its PUT flies',
  'a status of another endpoint',
  'the right to query is taken away',
  'ZStack hangs at SIGTERM',
  'a Secret cannot be had',
  'a Secret changes again and again',
] as const
export type TroubleSort = (typeof troubleSorts)[number]

/** These came last, and are drawn apart, so that seeds without them draw what they drew before. */
const ofSources: readonly TroubleSort[] = ['a Secret cannot be had', 'a Secret changes again and again']
const sortsDrawn = troubleSorts.filter((sort) => !ofSources.includes(sort))

type Values = Readonly<Record<string, unknown>>
export type LastingObject = { readonly key: string; readonly uuid: string; readonly values: Values }

/** What happens to the Secret that all broken objects refer to. */
export type SourceStep = { readonly at: number } & (
  | { readonly do: 'write source'; readonly source: string; readonly token: string }
  | { readonly do: 'remove source'; readonly source: string }
  | { readonly do: 'forbid source'; readonly source: string }
)

export type LastingStep = { readonly at: number } &
  /** Where `isTold`, a status has to speak of it at once, even if the service is broken. */
  (
    | { readonly do: 'edit'; readonly key: string; readonly values: Values; readonly isTold: boolean }
    | { readonly do: 'drift'; readonly key: string; readonly cpu: number }
    | { readonly do: 'remove'; readonly key: string }
    /** Removes it and creates it again that much later. */
    | { readonly do: 'replace'; readonly key: string; readonly values: Values; readonly gapMs: number }
  )

export type LastingSchedule = {
  readonly seed: number
  readonly sorts: readonly TroubleSort[]
  readonly deployment: Deployment
  readonly mood: Mood
  readonly bystanders: readonly LastingObject[]
  /** Objects that something is wrong with; their services hold what is declared unless they begin with an update. */
  readonly broken: readonly (LastingObject & { readonly differs: boolean })[]
  readonly faults: readonly ServiceFault[]
  readonly omissions: readonly Omission[]
  readonly forbidden: readonly string[]
  /** Keys whose status somebody else writes, and what with. */
  readonly contested: readonly string[]
  readonly foreign: 'wipes' | 'rewords'
  /** Whether all objects begin with a good status of another endpoint. */
  readonly isMoved: boolean
  readonly steps: readonly LastingStep[]
  readonly sources: {
    readonly steps: readonly SourceStep[]
    readonly mayWatch: boolean
    /** From then on nothing of the broken objects may be sent, for what they refer to cannot be had. */
    readonly unresolvedFromMs: number | undefined
  }
  /** Bystanders whose service takes every update slowly. */
  readonly slow: readonly string[]
  /** Speaks for the service of a bystander that is deleted. */
  readonly twin: LastingObject | undefined
  /** From then on bystanders are told the truth: what an operator must find out first takes until then. */
  readonly judgedFromMs: number
  /** From then on nothing is drawn any more but the end: SIGTERM comes at `spanMs`. */
  readonly quietFromMs: number
  readonly spanMs: number
}

/** Speaks for the service of the second bystander. Of two objects of one moment the first by name is the owner. */
const twinKey = 'red/twin'

const namespaces = ['red', 'green', 'blue', 'grey', 'pink']
/** Of many broken objects that are edited at once, so many must be told of within a second. */
const maxTold = 2
/** Without a watch, what was removed or forbidden is noticed with the next read. */
const noticedMs = 32_000
/** By then an operator has done what was to be done at its start. */
export const startMs = 20_000

/** @param only the one sort of trouble, where it is not to be drawn */
export function drawLasting(seed: number, only?: TroubleSort): LastingSchedule {
  const chance = createChance(seed + 0x1a57)
  const apart = createChance(seed ^ 0x5ec7)
  const sorts = only ? [only] : withSources(drawSorts(chance), apart)
  const has = (sort: TroubleSort) => sorts.includes(sort)
  const pollIntervalMs = chance.pick([10_000, 20_000, 60_000])
  const requestTimeoutMs = has('ZStack hangs at SIGTERM') ? 30_000 : chance.pick([5_000, 30_000])
  const maxInFlight = chance.pick([4, 16])
  const scopes = [...namespaces, 'black', 'brown', ...(has('a namespace may not be listed') ? ['forbidden'] : [])]
  const deployment: Deployment = {
    requestBody: chance.pick(['auto', 'envelope'] as const),
    credentials: chance.percent(75) ? 'account' : 'accessKey',
    namespaces: has('a namespace may not be listed') || chance.percent(20) ? scopes : [],
    workers: chance.pick([8, 32]),
    ...{ requestTimeoutMs, maxInFlight, pollIntervalMs },
  }
  const isSourced = sorts.some((sort) => ofSources.includes(sort))
  const bystanders = drawObjects(
    chance,
    has('queries fail at random') ? 300 : chance.pick([3, 10, 30, 120, 300]),
    'by',
    0,
    namespaces,
  ).map((object, index) => (isSourced && index % 3 === 0 ? referring(object) : object))
  const maxBroken = Math.min(
    has('PUTs hang') ? 2 * maxInFlight + 8 : has('a Secret changes again and again') ? 10 : 100,
    chance.pick([1, 3, 10, 30, 100]),
  )
  // Many that are edited at once delay those of their own namespaces.
  const broken = drawObjects(chance, maxBroken, 'broken', 1_000, maxBroken > 3 ? ['black', 'brown'] : namespaces).map(
    (object) => (isSourced ? referring({ ...object, key: object.key.replace(/^[^/]+/, 'black') }) : object),
  )
  const steps: LastingStep[] = []
  // A query that hangs is told apart from what it asks for by halves, each of which is given up after two seconds.
  const learnMs = has('a query hangs') ? 20_000 : 0
  const judgedFromMs = startMs + learnMs
  const spanMs = judgedFromMs + chance.pick([200_000, 620_000]) + 4 * pollIntervalMs
  const lastMs = spanMs - 3.6 * pollIntervalMs
  const parts = { chance, bystanders, broken, steps, fromMs: judgedFromMs, lastMs, pollIntervalMs }
  const { faults, omissions, contested, slow } = drawTroubles(sorts, parts)
  if (!sorts.some((sort) => alone.includes(sort))) drawChanges(parts, new Set(slow))
  const sources = drawSources(sorts, { ...parts, chance: apart })
  const atEnd = has('ZStack hangs at SIGTERM') || chance.percent(20)
  const endMs = spanMs - chance.whole(1, pollIntervalMs * 1.2)
  const onAtEnd = chance.pick(['query', 'query', 'any'] as const)
  return {
    ...{ seed, sorts, deployment, bystanders, contested, omissions, slow, sources, judgedFromMs, spanMs },
    mood: {
      bodyShape: chance.pick(['envelope', 'single-api'] as const),
      answer: has('jobs fail') ? 'async' : chance.pick(['sync', 'sync', 'async', 'bare'] as const),
      ...{ hides: [], jobMs: chance.pick([50, 1_000]), apiTimeoutMs: undefined, jobEnd: 'done' },
      ...{ ignores: false, alters: false, renamesFrameworks: false, refuses: undefined },
    },
    broken: broken.map((object) => ({ ...object, differs: !has('PUTs hang') && chance.percent(50) })),
    faults: atEnd ? [...faults, { on: onAtEnd, how: 'hang', fromMs: endMs }] : faults,
    forbidden: has('a namespace may not be listed') ? ['forbidden'] : [],
    twin: has('the owner of a uuid is deleted while its PUT flies') ? { ...bystanders[1]!, key: twinKey } : undefined,
    foreign: chance.pick(['wipes', 'rewords'] as const),
    isMoved: has('a status of another endpoint'),
    steps: steps.sort((a, b) => a.at - b.at),
    quietFromMs: atEnd ? endMs : spanMs,
  }
}

/** Such trouble leaves no bystander, or is about the end alone; it comes by itself. */
const alone: readonly TroubleSort[] = ['a status of another endpoint', 'the right to query is taken away']

function drawSorts(chance: Chance): TroubleSort[] {
  const first = chance.pick(sortsDrawn)
  if (alone.includes(first) || chance.percent(50)) return [first]
  const second = chance.pick(sortsDrawn.filter((sort) => sort !== first && !alone.includes(sort)))
  // Whether a query hangs or fails at random decides how long drift may stand, so each is judged by itself.
  return [first, second].filter((sort) => first !== 'a query hangs' || sort !== 'queries fail at random')
}

/** In place of what was drawn, or beside it. */
function withSources(sorts: readonly TroubleSort[], chance: Chance): readonly TroubleSort[] {
  if (chance.percent(85)) return sorts
  const sort = chance.pick(ofSources)
  return chance.percent(60) || sorts.some((one) => alone.includes(one)) ? [sort] : [sort, sorts[0]!]
}

function referring({ key, uuid, values }: LastingObject): LastingObject {
  const entry = { secretKeyRef: { name: 'hub', key: 'token' }, as: 'HF_TOKEN' }
  return { key, uuid, values: { ...values, environmentParametersFrom: [entry] } }
}

const brokenSource = 'Secret black/hub'

function drawSources(sorts: readonly TroubleSort[], { chance, steps, broken, fromMs, lastMs }: Parts) {
  const mayWatch = chance.percent(50)
  const good = [...namespaces, 'black'].map((namespace): SourceStep => {
    return { at: 0, do: 'write source', source: `Secret ${namespace}/hub`, token: 'hu5h-token' }
  })
  if (sorts.includes('a Secret cannot be had')) {
    const at = chance.percent(50) ? 0 : chance.whole(fromMs, lastMs)
    const lost: SourceStep = { at, do: chance.percent(50) ? 'remove source' : 'forbid source', source: brokenSource }
    const edit = { at: chance.whole(fromMs, lastMs), do: 'edit', isTold: sorts.length === 1 } as const
    for (const { key, values } of broken.slice(0, maxTold))
      steps.push({ ...edit, key, values: { ...values, description: 'edited all the same' } })
    return { mayWatch, steps: [...good, lost], unresolvedFromMs: at === 0 ? 0 : at + noticedMs }
  }
  if (!sorts.includes('a Secret changes again and again')) return { mayWatch, steps: [], unresolvedFromMs: undefined }
  const everyMs = chance.pick([4_000, 20_000, 61_000])
  const moments = Array.from(
    { length: Math.floor((lastMs - fromMs) / everyMs) },
    (_, index) => fromMs + index * everyMs,
  )
  const changes = moments.map((at, index): SourceStep => {
    return { at, do: 'write source', source: brokenSource, token: `hu5h-token-${index}` }
  })
  return { mayWatch, steps: [...good, ...changes], unresolvedFromMs: undefined }
}

function drawObjects(
  chance: Chance,
  count: number,
  name: string,
  from: number,
  places: readonly string[],
): LastingObject[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `${chance.pick(places)}/${name}-${index}`,
    uuid: (from + index + 1).toString(16).padStart(8, '0').padEnd(32, '0'),
    values: {
      requestCpu: 4,
      description: 'as declared',
      ...(chance.percent(30) && { environmentParameters: { KEY: 'hu5h-value' } }),
    },
  }))
}

type Parts = {
  readonly chance: Chance
  readonly bystanders: readonly LastingObject[]
  readonly broken: readonly LastingObject[]
  readonly steps: LastingStep[]
  /** Steps come between these two moments. */
  readonly fromMs: number
  readonly lastMs: number
  readonly pollIntervalMs: number
}

function drawTroubles(sorts: readonly TroubleSort[], { chance, bystanders, broken, steps, fromMs, lastMs }: Parts) {
  const faults: ServiceFault[] = []
  const omissions: Omission[] = []
  const contested: string[] = []
  const slow: string[] = []
  let isEdited = false
  const at = () => chance.whole(fromMs, lastMs)
  const uuids = broken.map(({ uuid }) => uuid)
  const some = (max: number) => uuids.slice(0, chance.whole(1, max))
  for (const sort of sorts)
    switch (sort) {
      case 'a query fails':
        faults.push({ on: 'query', uuids: some(3), how: chance.pick(['SYS.1000', '504', '502 page'] as const) })
        break
      case 'a query hangs':
        faults.push({ on: 'query', uuids: some(1), how: 'hang' })
        break
      case 'queries fail at random':
        faults.push({ on: 'query', how: chance.pick(['SYS.1000', '504'] as const), percent: chance.pick([10, 20, 30]) })
        break
      case 'PUTs fail': {
        const how = faultAnswers.filter((one) => one !== 'hang' && one !== 'slow' && one !== 'firewall')
        faults.push({ on: 'update', uuids, how: chance.pick(how) })
        editBroken(at())
        break
      }
      case 'PUTs hang':
        faults.push({ on: 'update', uuids, how: 'hang' })
        editBroken(at())
        break
      case 'PUTs meet a firewall':
        faults.push({ on: 'update', uuids: some(5), how: 'firewall' })
        editBroken(at())
        break
      case 'jobs fail':
        faults.push({ on: 'job', uuids: some(5), how: 'SYS.1000' })
        editBroken(at())
        break
      case 'a foreign writer of status':
        contested.push(...broken.slice(0, 2).map(({ key }) => key), bystanders[0]!.key)
        break
      case 'answers are cut':
        omissions.push({ how: 'cut', services: chance.pick([50, 20]) })
        break
      case 'an answer leaves services out':
        omissions.push({
          how: 'leave out',
          at: at(),
          uuids: bystanders.slice(0, chance.whole(1, 60)).map(({ uuid }) => uuid),
        })
        break
      case 'the owner of a uuid is deleted while its PUT flies': {
        const owner = bystanders[1]!
        slow.push(owner.key)
        faults.push({ on: 'update', uuids: [owner.uuid], how: 'slow' })
        const moment = at()
        steps.push(
          { at: moment, do: 'edit', key: owner.key, values: { ...owner.values, requestCpu: 9 }, isTold: true },
          { at: moment + chance.whole(500, 2_500), do: 'remove', key: owner.key },
        )
        break
      }
      case 'an object is replaced while its PUT flies': {
        const object = bystanders[2]!
        slow.push(object.key)
        faults.push({ on: 'update', uuids: [object.uuid], how: 'slow' })
        const moment = at()
        const replaced = { at: moment + chance.whole(500, 3_300), gapMs: chance.pick([0, 50, 1_000]) }
        steps.push(
          { at: moment, do: 'edit', key: object.key, values: { ...object.values, requestCpu: 9 }, isTold: true },
          { ...replaced, do: 'replace', key: object.key, values: { ...object.values, requestCpu: 10 } },
        )
        break
      }
      case 'the right to query is taken away':
        faults.push({ on: 'query', how: 'ID.1002', fromMs: startMs })
        break
      case 'a status of another endpoint':
        faults.push({ on: 'any', how: chance.pick(['504', 'hang', '502 page'] as const) })
        break
      case 'a namespace may not be listed':
      case 'ZStack hangs at SIGTERM':
      case 'a Secret cannot be had':
      case 'a Secret changes again and again':
        break
    }

  function editBroken(moment: number) {
    if (isEdited) return
    // One whose update hangs already tells of an edit when that has ended.
    const isIdle = ({ values }: LastingObject) =>
      values.environmentParameters === undefined && values.environmentParametersFrom === undefined
    const told = new Set(broken.filter(isIdle).slice(0, maxTold))
    isEdited = true
    for (const object of broken) {
      const { key, values } = object
      const edited = { ...values, description: `broken at ${moment}` }
      steps.push({ at: moment, do: 'edit', key, isTold: told.has(object), values: edited })
    }
  }
  return { faults, omissions, contested, slow }
}

/** Edits and drift of bystanders: each has one of them, so that nobody has to ask which of two is late. */
function drawChanges(parts: Parts, slow: ReadonlySet<string>) {
  const { chance, bystanders, steps, fromMs, lastMs, pollIntervalMs } = parts
  const free = bystanders.filter(({ key }) => !slow.has(key))
  const count = Math.min(free.length, chance.whole(2, 40))
  let before = fromMs
  for (const { key, values } of free.slice(0, count)) {
    // Often several come at once.
    const at = chance.percent(30) ? before : chance.whole(fromMs, lastMs)
    before = at
    if (chance.percent(60))
      steps.push({ at, do: 'edit', key, values: { ...values, description: `edited at ${at}` }, isTold: true })
    else steps.push({ at: Math.max(at, fromMs + pollIntervalMs), do: 'drift', key, cpu: chance.whole(5, 60) })
  }
}
