/**
 * How this server reads an update.
 * `envelope`: several APIs share the path; a body without the action key is refused with 400.
 * `flat`: the API page; unknown keys, an envelope among them, are ignored: 200 and nothing changed.
 * `single-api`: reads `updateModelService`; without it the API runs with no arguments: 200 and nothing changed.
 */
export type BodyShape = 'envelope' | 'flat' | 'single-api'

/** The write-only fields that a server may fold into the yaml that it shows. */
export const FOLDABLE_FIELDS = [
  'serviceName',
  'servicePorts',
  'serviceLivez',
  'serviceReadyz',
  'serviceBootupTime',
  'environmentParameters',
] as const

/** What differs between management nodes. Every mood may change while the simulator runs. */
export type Moods = {
  bodyShape: BodyShape
  /** `sync`: 200 with the inventory; `async`: 202, a location and a job; `bare`: 200 `{"success":true}`. */
  answer: 'sync' | 'async' | 'bare'
  /** False: every update is accepted and nothing changes; the inventory returned is the old one. */
  effective: boolean
  /** How long a job runs; the change shows when it ends. */
  jobMillis: number
  /**
   * How long a job may run, shown as `apiTimeout` beside its `location`. The caller's X-API-Timeout takes precedence.
   * Null: the answer carries no `apiTimeout`, and only X-API-Timeout bounds a job.
   */
  apiTimeoutMillis: number | null
  /**
   * How the jobs started from now on end. `done` and `expired` carry the change out, `failed` and `never` do not; an
   * `expired` job is forgotten the moment it ends, and one that would `never` end fails when its time limit is over.
   */
  jobOutcome: 'done' | 'failed' | 'expired' | 'never'
  /** What the server really stores: clamping, reformatting. `field` is the name on the wire. */
  stores: (field: string, value: unknown) => unknown
  /**
   * What becomes of `architectureImages`. `several`: a service may have several images of one architecture, and each
   * may have a `name`, an `acceleratorType` and an `imageNamePattern`. `one-per-architecture`: an older server, which
   * refuses a second image of an architecture and drops these three.
   */
  images: 'several' | 'one-per-architecture'
  /** True: the server stores the newer spelling of a framework (`LlamaCpp`) where it is sent the older (`llama.cpp`). */
  renamesFrameworks: boolean
  /**
   * What becomes of a text that is longer than its column: it is refused with 503 and that code, cut without a word as
   * by a database that is not strict, or `stored` as on a server without such columns.
   */
  overlongText: 'stored' | 'cut' | 'SYS.1000' | 'SYS.1006'
  /** Write-only fields that an update also writes into the `yaml` that is shown. */
  foldsIntoYaml: readonly (typeof FOLDABLE_FIELDS)[number][]
  /** Inventory keys that an older server does not show. */
  hides: readonly string[]
  /** Counts for log-ins from now on. */
  sessionTtlMillis: number
  /** Per account; past it a log-in gets ID.1006. */
  maxSessions: number
  /** The global setting `enable.unique.session`: a log-in ends the other sessions of its account. */
  uniqueSessions: boolean
  /** Added to every answer. A request takes effect on arrival; its answer is what waits. */
  latencyMillis: number
  /** The servlet context; '' is a node behind a proxy that strips it. */
  contextPath: string
}

const THIRTY_MINUTES = 30 * 60 * 1000
const TWO_HOURS = 2 * 60 * 60 * 1000

export const DEFAULT_MOODS: Readonly<Moods> = {
  bodyShape: 'envelope',
  answer: 'sync',
  effective: true,
  jobMillis: 50,
  apiTimeoutMillis: THIRTY_MINUTES,
  jobOutcome: 'done',
  stores: (_field, value) => value,
  images: 'several',
  renamesFrameworks: false,
  overlongText: 'SYS.1006',
  foldsIntoYaml: [],
  hides: [],
  sessionTtlMillis: TWO_HOURS,
  maxSessions: 100,
  uniqueSessions: false,
  latencyMillis: 0,
  contextPath: '/zstack',
}
