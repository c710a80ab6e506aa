/**
 * How this server reads an update.
 * `envelope`: several APIs share the path; a body without the action key is refused with 400.
 * `flat`: the API page; unknown keys, an envelope among them, are ignored: 200 and nothing changed.
 * `single-api`: reads `updateModelService`; without it the API runs with no arguments: 200 and nothing changed.
 */
export type BodyShape = 'envelope' | 'flat' | 'single-api'

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
   * How the jobs started from now on end. `done` and `expired` carry the change out, `failed` and `never` do not; an
   * `expired` job is forgotten the moment it ends.
   */
  jobOutcome: 'done' | 'failed' | 'expired' | 'never'
  /** What the server really stores: clamping, reformatting. `field` is the name on the wire. */
  stores: (field: string, value: unknown) => unknown
  /** Inventory keys that an older server does not show. */
  hides: readonly string[]
  /** Counts for log-ins from now on. */
  sessionTtlMillis: number
  /** Per account; past it a log-in gets ID.1006. */
  maxSessions: number
  /** Added to every answer. A request takes effect on arrival; its answer is what waits. */
  latencyMillis: number
  /** The servlet context; '' is a node behind a proxy that strips it. */
  contextPath: string
}

const TWO_HOURS = 2 * 60 * 60 * 1000

export const DEFAULT_MOODS: Readonly<Moods> = {
  bodyShape: 'envelope',
  answer: 'sync',
  effective: true,
  jobMillis: 50,
  jobOutcome: 'done',
  stores: (_field, value) => value,
  hides: [],
  sessionTtlMillis: TWO_HOURS,
  maxSessions: 100,
  latencyMillis: 0,
  contextPath: '/zstack',
}
