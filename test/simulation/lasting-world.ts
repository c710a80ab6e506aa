/** A simulated world whose faults last: runs a schedule and returns every promise to a bystander that was broken. */
import { statusOf, type StoredModelService } from '../../src/api/modelservice.ts'
import type { Status } from '../../src/api/status.ts'
import { createBystanderJudge, type Promises, type Violation, type ViolationKind } from './bystanders.ts'
import { createChance } from './chance.ts'
import { accessKey, configOf, endpoint, epoch, sessionIn } from './deployment.ts'
import { createKubernetes } from './kubernetes.ts'
import { startMs, type LastingSchedule, type LastingStep, type SourceStep } from './lasting-schedule.ts'
import { createObjects, keyOf } from './objects.ts'
import { createReplica, type Life } from './replica.ts'
import { createServiceFaults, slowUpdateMs } from './service-faults.ts'
import { createServices, type Values } from './services.ts'
import { account, createSessions, digest } from './sessions.ts'
import { createSources } from './sources.ts'
import { createTime } from './time.ts'
import { createTroubles, type KubeTrouble, type ZStackTrouble } from './trouble.ts'
import { hush } from './values.ts'
import { createWire } from './wire.ts'
import { createZStack } from './zstack.ts'

export type LastingOutcome = {
  readonly violations: readonly Violation[]
  readonly turns: number
  readonly virtualMs: number
  readonly updates: number
  readonly statusWrites: number
}

/** An edit is at ZStack so soon; beside it the way there and the watch take their time. */
const editMs = 2_000
const latencyMs = 500
/** SIGTERM is answered by then. */
const stopMs = 10_000
/** An operator that does not stop is given up then. */
const maxStopMs = 120_000
/** A poll comes early or late by a tenth of its interval. */
const jitter = 1.1
const lookMs = 250
/** A world in which more than that goes wrong is told in full already. */
const maxViolations = 60
const maxTurns = 700_000

export async function runLasting(schedule: LastingSchedule, tell?: (line: string) => void): Promise<LastingOutcome> {
  const { seed, deployment, bystanders, broken, twin, steps, spanMs, quietFromMs } = schedule
  const chance = createChance(seed + 0x5eed)
  const time = createTime(maxTurns)
  const violations: Violation[] = []
  let updates = 0
  let warnedAt = Infinity
  const trace = (what: () => string) => tell?.(`${(time.now() / 1000).toFixed(3).padStart(9)} ${what()}`)
  const report = (violation: Violation) => {
    trace(() => `VIOLATION ${violation.kind}: ${violation.what}`)
    violations.push(violation)
  }
  const say = (kind: ViolationKind, what: string) => report({ kind, at: time.now(), what })

  const objects = createObjects(epoch)
  const sources = createSources()
  const services = createServices()
  const sessions = createSessions(time, { max: 100, lifeMs: 7_200_000, isUnique: false })
  const accessKeys = new Map([[accessKey.id, accessKey.secret]])
  const faults = createServiceFaults(time, chance.fork(), schedule.faults, schedule.omissions)
  const zstack = createZStack({
    ...{ time, chance, epoch, services, sessions, accessKeys, faults },
    mood: schedule.mood,
  })
  const kubernetes = createKubernetes({
    ...{ time, chance: chance.fork(), objects, sources, pageSize: 500, forbidden: new Set(schedule.forbidden) },
    mayWatchSources: schedule.sources.mayWatch,
    troubles: createTroubles<KubeTrouble>(time, chance.fork()),
  })
  const httpFor = createWire({
    ...{ time, chance: chance.fork(), zstack, faults, limitMs: deployment.requestTimeoutMs },
    troubles: createTroubles<ZStackTrouble>(time, chance.fork()),
  })
  const isAlone = schedule.sorts.some((sort) => sort === 'a status of another endpoint' || sort === queriesForbidden)
  const keys = [...bystanders, ...(twin ? [twin] : [])].map(({ key }) => key)
  const slow = new Set([...schedule.slow, ...(twin ? [twin.key] : [])])
  const contested = new Set(schedule.contested)
  const { unresolvedFromMs = Infinity } = schedule.sources
  const judge = createBystanderJudge({
    ...{ time, objects, sources, services, endpoint, contested, report },
    promises: promisesOf(schedule),
    bystanders: new Set(isAlone ? [] : keys),
    unresolved: new Set(schedule.sources.unresolvedFromMs === undefined ? [] : broken.map(({ key }) => key)),
    unresolvedFromMs,
    // An update that hangs already is told of until it has ended.
    unresolvedToldFromMs:
      Math.max(startMs, unresolvedFromMs) +
      (schedule.sorts.includes('PUTs hang') ? deployment.requestTimeoutMs + latencyMs : 0),
    // An update on its way may have to arrive before the next one leaves.
    slowMs: (key) => (slow.has(key) ? 2 * slowUpdateMs : 0),
    isJobRunning: (uuid) => zstack.runningFor(uuid),
  })

  function listen(where: string, text: string) {
    const secrets = [hush, account.password, digest, accessKey.secret, ...sessions.given]
    if (secrets.some((secret) => text.includes(secret))) say('secret', `in ${where}: ${text.slice(0, 400)}`)
  }

  const connect = (life: Life) => ({
    cluster: kubernetes.clusterFor(life.process, life.view, {
      asks(operation, { method, path, body }) {
        if (operation !== 'lease')
          trace(() => `${life.name} → kubernetes ${method} ${path.slice(0, 90)} ${body ? JSON.stringify(body) : ''}`)
        if (body !== undefined) listen(path, JSON.stringify(body))
        const [, namespace = '', name = ''] = /\/namespaces\/([^/]+)\/[^/]+\/([^/]+)\/status$/.exec(path) ?? []
        if (operation === 'status') judge.wroteStatus(`${namespace}/${name}`, (body as StoredModelService).status)
        if (operation === 'event') noteEvent(body as EventBody)
      },
      answered: () => undefined,
      watching: (what) => trace(() => `${life.name} ${what}`),
    }),
    httpTo: () =>
      httpFor(life.process, {
        asks(operation, request) {
          trace(() => `${life.name} → zstack ${operation} ${request.path.slice(0, 90)} ${JSON.stringify(request.body)}`)
          if (operation === 'query') judge.queried()
          if (operation !== 'update') return
          updates += 1
          const uuid = request.path.slice(request.path.lastIndexOf('/') + 1)
          judge.arrived(uuid, valuesIn(request.body))
        },
        answered(operation, request, answer) {
          trace(
            () =>
              `${life.name} ← zstack ${operation} ${answer?.kind === 'answered' ? `${answer.status} ${answer.text.slice(0, 300)}` : 'nothing'}`,
          )
          if (operation === 'login' && answer) life.sessions.push(sessionIn(answer))
        },
      }),
  })

  function noteEvent({ involvedObject, message }: EventBody) {
    if (involvedObject) judge.recordsEvent(`${involvedObject.namespace}/${involvedObject.name}`, message ?? '')
  }

  function log(line: string) {
    const { level, msg, namespace, name } = JSON.parse(line) as LogLine
    trace(() => `logs ${line.trim()}`)
    listen('the log', line)
    if (level >= 40 && time.now() >= startMs) warnedAt = Math.min(warnedAt, time.now())
    judge.logs(level, name === undefined ? '' : `${namespace}/${name}`, msg)
  }

  function place() {
    for (const { uuid, values } of bystanders) services.place(uuid, shownOf(values))
    for (const { uuid, values, differs } of broken)
      services.place(uuid, { ...shownOf(values), ...(differs && { requestCpu: 2 }) })
    for (const { key, uuid, values } of [...bystanders, ...(twin ? [twin] : []), ...broken]) {
      objects.create(key, { uuid, ...values }, 0)
      if (schedule.isMoved) write(key, formerStatus)
    }
  }

  function write(key: string, status: unknown) {
    const object = objects.get(key)
    if (object) objects.replaceStatus(key, { metadata: object.metadata, status })
  }

  /** Somebody else writes over each status that is not its own. */
  const foreign = new Map<string, unknown>()
  objects.onChange(({ type, object }) => {
    const key = keyOf(object)
    if (type !== 'MODIFIED' || !contested.has(key) || object.status === foreign.get(key)) return
    time.after(30, () => {
      const now = objects.get(key)
      if (!now || now.status === foreign.get(key)) return
      foreign.set(key, schedule.foreign === 'wipes' ? {} : reworded(statusOf(now)))
      write(key, foreign.get(key))
    })
  })

  function take(step: LastingStep) {
    trace(() => `STEP ${JSON.stringify(step)}`)
    const { key } = step
    const uuid = (objects.get(key)?.spec as { uuid: string } | undefined)?.uuid ?? ''
    switch (step.do) {
      case 'edit':
        objects.edit(key, () => ({ spec: { uuid, ...step.values } }))
        judge.edited(key, step.isTold)
        return
      case 'drift':
        services.drift(uuid, { requestCpu: step.cpu })
        judge.drifted(key)
        return
      case 'remove':
        objects.remove(key)
        if (twin) judge.drifted(twin.key)
        // The update of the former owner arrives, and then its values are the next one's drift.
        if (twin) time.after(slowUpdateMs, () => judge.drifted(twin.key))
        return
      case 'replace':
        objects.remove(key)
        time.after(step.gapMs, () => {
          objects.create(key, { uuid, ...step.values }, time.now())
          judge.edited(key, true)
        })
    }
  }

  function takeSource(step: SourceStep) {
    if (step.do === 'write source') sources.write(step.source, { token: step.token })
    else if (step.do === 'remove source') sources.remove(step.source)
    else sources.forbid(step.source)
    if (step.at === 0) return
    trace(() => `STEP ${JSON.stringify(step)}`)
    for (const { key } of broken) judge.sourceChanged(key)
  }

  /** Whether enough went wrong already. */
  const isTold = () => violations.length >= maxViolations || judge.isFlooded()

  async function passUntil(moment: number, isEnough: () => boolean = () => false) {
    while (time.now() < moment && !isEnough() && !isTold()) {
      await time.runUntil(Math.min(moment, time.now() + lookMs))
      judge.look()
    }
  }

  async function live() {
    for (const step of [...steps, ...schedule.sources.steps.filter(isLater)].sort((a, b) => a.at - b.at)) {
      await passUntil(step.at)
      if ('source' in step) takeSource(step)
      else take(step)
    }
    await passUntil(quietFromMs)
    judge.endOfBystanders()
    await passUntil(spanMs)
    if (isTold()) return
    const mustTellMs = startMs + jitter * deployment.pollIntervalMs + 5_000
    if (schedule.sorts.includes(queriesForbidden) && warnedAt > mustTellMs)
      say('silent trouble', 'nothing is logged of the queries that are refused')
    await stop()
  }

  async function stop() {
    const life = replica.life()
    const begun = time.now()
    let overAt = Infinity
    trace(() => 'SIGTERM')
    void replica.end().then(() => (overAt = time.now()))
    await passUntil(begun + maxStopMs, () => overAt < Infinity)
    if (overAt - begun > stopMs) say('slow stop', `a stop takes ${((time.now() - begun) / 1000).toFixed(1)} s`)
    const hangs = schedule.faults.some(({ on, how }) => on === 'any' && how === 'hang')
    if (!hangs && life?.sessions.some((uuid) => sessions.isOpen(uuid))) say('session left open', 'after the stop')
    if (life && life.identity === objects.lease()?.spec?.holderIdentity) say('lease kept', 'after the stop')
  }

  const isLater = ({ at }: SourceStep) => at > 0
  for (const step of schedule.sources.steps) if (!isLater(step)) takeSource(step)
  place()
  const replica = createReplica({
    ...{ name: 'a', time, epoch, skewMs: 0, config: configOf(deployment, true), chance: chance.fork(), connect },
    ...{ isPod: true, report: (what) => say('end of the process', what), trace: (what) => trace(() => what) },
    log: (_, line) => log(line),
  })
  try {
    await live()
  } catch (error) {
    say('does not settle', String(error))
  }
  const outcome = { turns: time.turns(), virtualMs: time.now(), updates, statusWrites: kubernetes.writes() }
  await replica.bury()
  return { ...outcome, violations }
}

const queriesForbidden = 'the right to query is taken away'

function promisesOf({
  sorts,
  deployment,
  bystanders,
  broken,
  faults,
  omissions,
  judgedFromMs,
}: LastingSchedule): Promises {
  const { pollIntervalMs } = deployment
  const isRandom = sorts.includes('queries fail at random')
  const poll = jitter * pollIntervalMs
  const polls = Math.ceil(60_000 / pollIntervalMs) + 1
  const batches = Math.ceil((bystanders.length + broken.length) / 100)
  const cut = omissions.find((omission) => omission.how === 'cut')
  const poisons = faults.reduce((sum, { on, uuids = [] }) => sum + (on === 'query' ? uuids.length : 0), 0)
  return {
    editMs: editMs + latencyMs,
    driftMs: (isRandom ? 3 : 2) * poll + editMs + latencyMs,
    untrueMs: (isRandom ? 3 : 1) * poll + editMs + latencyMs,
    observedMs: 1_000 + latencyMs,
    // Each batch, what it is split into, and probes every second or two.
    queriesAMinute: 60 + polls * (batches * (cut ? 2 + 200 / cut.services : isRandom ? 6 : 2) + 16 * poisons),
    // The first looks at what is broken, and each drift that is put back; of a connection no object is told.
    eventsInAll: sorts.includes(queriesForbidden) ? 10 : 20 + 5 * broken.length + 3 * bystanders.length,
    judgedFromMs,
  }
}

type EventBody = {
  readonly involvedObject?: { readonly namespace: string; readonly name: string }
  readonly message?: string
}
type LogLine = { readonly level: number; readonly msg: string; readonly namespace?: string; readonly name?: string }

function valuesIn(body: unknown): Values {
  const { updateModelService, ...rest } = body as { updateModelService?: Values } & Values
  return { ...updateModelService, ...rest }
}

/** What the service of an object shows that nobody has touched yet. */
function shownOf(values: Readonly<Record<string, unknown>>): Values {
  const isShown = ([field]: [string, unknown]) => !field.startsWith('environmentParameters')
  return Object.fromEntries(Object.entries(values).filter(isShown))
}

function reworded(status: Status | undefined): unknown {
  const conditions = status?.conditions?.map((condition) => ({ ...condition, message: 'written by somebody else' }))
  return { ...status, ...(conditions && { conditions }) }
}

const time = '2025-12-31T00:00:00Z'
const good = (type: string) => ({
  ...{ type, status: 'True', reason: 'InSync', message: 'as declared', observedGeneration: 1 },
  lastTransitionTime: time,
})
/** As an operator left it that spoke to another endpoint. */
const formerStatus = {
  observedGeneration: 1,
  convergedGeneration: 1,
  conditions: ['Ready', 'Synced', 'Connected'].map(good),
  connection: { kind: 'Environment', name: 'default', endpoint: 'http://former.example:8080/zstack' },
}
