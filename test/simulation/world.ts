/** A whole simulated world: runs a schedule and returns what went wrong, if anything did. */
import { createChance } from './chance.ts'
import { applyStep, endFaults, type World } from './apply-step.ts'
import { accessKey, configOf, epoch, sessionIn } from './deployment.ts'
import { faults } from './expectations.ts'
import { createJudge } from './judge.ts'
import { createKubernetes } from './kubernetes.ts'
import { createObjects } from './objects.ts'
import { createReplica, type Life } from './replica.ts'
import type { Schedule } from './schedule.ts'
import { createServices } from './services.ts'
import { account, createSessions, digest } from './sessions.ts'
import { createSources } from './sources.ts'
import { endOfSuspensions } from './suspension.ts'
import { createTime } from './time.ts'
import { createTroubles, type KubeTrouble, type ZStackTrouble } from './trouble.ts'
import { hush } from './values.ts'
import { createWire } from './wire.ts'
import { createZStack } from './zstack.ts'

export type Outcome = {
  /** The first thing that went wrong, with the moment. */
  readonly violation?: string
  readonly turns: number
  readonly virtualMs: number
  readonly updates: number
  readonly statusWrites: number
}

/** Whatever waits for an hour has had its turn by then. */
const patienceMs = 3 * 3_600_000
/** Wall clocks are fast or slow by no more. */
const maxSkewMs = 120_000
/** SIGTERM is answered within the grace of passes, of requests and of the lease. */
const stopMs = 10_000

export async function runSchedule(schedule: Schedule, tell?: (line: string) => void): Promise<Outcome> {
  const { seed, setting, steps, spanMs } = schedule
  const chance = createChance(seed + 0x5eed)
  const time = createTime()
  let violation: string | undefined
  let updates = 0
  const trace = (what: () => string) => tell?.(`${(time.now() / 1000).toFixed(3).padStart(9)} ${what()}`)
  const report = (what: string) => {
    trace(() => `VIOLATION ${what}`)
    violation ??= `at ${(time.now() / 1000).toFixed(3)} s: ${what}`
  }

  const objects = createObjects(epoch)
  const sources = createSources()
  const services = createServices()
  for (const [uuid, values] of Object.entries(setting.services)) services.place(uuid, values)
  const sessions = createSessions(time, setting.sessions)
  const accessKeys = new Map([[accessKey.id, accessKey.secret]])
  const zstack = createZStack({ time, chance, epoch, mood: setting.mood, services, sessions, accessKeys })
  const kubeTroubles = createTroubles<KubeTrouble>(time, chance.fork())
  const zstackTroubles = createTroubles<ZStackTrouble>(time, chance.fork())
  const kubernetes = createKubernetes({
    ...{ time, chance: chance.fork(), objects, sources, troubles: kubeTroubles, pageSize: setting.pageSize },
    mayWatchSources: setting.mayWatchSources,
  })
  const httpFor = createWire({
    ...{ time, chance: chance.fork(), zstack, troubles: zstackTroubles, limitMs: setting.requestTimeoutMs },
  })
  const judge = createJudge({
    ...{ time, objects, zstack, report, elects: setting.replicas > 1 },
    showsPast: steps.some(
      (step) => step.do === 'kubernetes trouble' && (setting.replicas > 1 || step.trouble.what === 'stale list'),
    ),
  })
  objects.onChange(({ type, version, object: { metadata, spec } }) =>
    trace(() => `kubernetes: ${type} ${metadata.name} @${version} #${metadata.generation} ${JSON.stringify(spec)}`),
  )

  function listen(life: Life, where: string, text: string) {
    const leak =
      [hush, account.password, digest, accessKey.secret].find((secret) => text.includes(secret)) ??
      sessions.given.find((secret) => text.includes(secret))
    if (leak !== undefined)
      report(`${life.name} leaks a secret (${leak.slice(0, 12)}) in ${where}: ${text.slice(0, 600)}`)
  }

  const connect = (life: Life, spring: Parameters<Parameters<typeof createReplica>[0]['connect']>[1]) => ({
    cluster: kubernetes.clusterFor(life.process, life.view, {
      asks(operation, { method, path, body }) {
        if (operation === 'status') spring('before status')
        if (operation !== 'lease')
          trace(() => `${life.name} → kubernetes ${method} ${path.slice(0, 90)} ${body ? JSON.stringify(body) : ''}`)
        if (body !== undefined) listen(life, `${method} ${path}`, JSON.stringify(body))
      },
      answered(operation, failure) {
        if (failure || operation !== 'lease')
          trace(
            () => `${life.name} ← kubernetes ${operation} ${failure ? `${failure.status} ${failure.message}` : 'ok'}`,
          )
        if (operation === 'status') spring('status answered')
      },
      watching: (what) => trace(() => `${life.name} ${what}`),
    }),
    httpTo: () =>
      httpFor(life.process, {
        asks(operation, request) {
          trace(() => `${life.name} → zstack ${operation} ${request.path.slice(0, 90)} ${JSON.stringify(request.body)}`)
          if (operation !== 'update') return
          updates += 1
          judge.updating(life, request)
          spring('before update')
          time.after(1, () => spring('after update'))
        },
        answered(operation, request, answer, order) {
          trace(
            () =>
              `${life.name} ← zstack ${operation} ${answer?.kind === 'answered' ? `${answer.status} ${answer.text.slice(0, 700)}` : 'nothing'}`,
          )
          if (operation === 'update') judge.updated(life, request, answer, order)
          if (operation === 'job') judge.askedAfter(life, request, answer)
          if (operation === 'job' && order) judge.concluded(life, order.uuid, answer, order)
          if (operation === 'login' && answer) judge.loggedIn(life, answer)
          if (operation === 'login' && answer) life.sessions.push(sessionIn(answer))
          if (operation === 'query') judge.queried(life, answer)
          if (operation === 'update') spring('update answered')
        },
      }),
  })

  const config = configOf(setting, setting.replicas > 1)
  const replicas = setting.skewMs.slice(0, setting.replicas).map((skewMs, index) =>
    createReplica({
      ...{ name: 'ab'[index]!, time, epoch, skewMs, config, chance: chance.fork(), connect, report },
      isPod: setting.arePods,
      trace: (what) => trace(() => what),
      log(life, line) {
        trace(() => `${life.name} logs ${line.trim()}`)
        listen(life, 'its log', line)
        const [, learned] = /"msg":"ZStack takes the (\w+) body"/.exec(line) ?? []
        if (learned !== undefined && (learned === 'flat') !== (setting.mood.bodyShape === 'flat')) zstack.mislead()
      },
    }),
  )

  async function passUntil(moment: number, isEnough: () => boolean, stepMs: number) {
    while (time.now() < moment && !isEnough() && violation === undefined)
      await time.runUntil(Math.min(moment, time.now() + stepMs))
  }

  const world: World = {
    time,
    epoch,
    objects,
    sources,
    services,
    sessions,
    zstack,
    kubernetes,
    kubeTroubles,
    zstackTroubles,
    replicas,
    mood: setting.mood,
  }
  let judged = { at: '', faults: [] as readonly string[] }
  const wrong = () => {
    const at = [objects.version(), sources.version(), updates, ...services.all().map(({ revision }) => revision)].join()
    if (judged.at !== at)
      judged = {
        at,
        faults: faults({ objects, sources, services, judge, hides: setting.mood.hides, now: epoch + time.now() }),
      }
    return judged.faults
  }
  const moved = () => [updates, kubernetes.writes()].join()

  async function live() {
    for (const step of steps) {
      await time.runUntil(step.at)
      if (violation !== undefined) return
      trace(() => `STEP ${JSON.stringify(step)}`)
      applyStep(step, world)
    }
    await time.runUntil(spanMs)
    trace(() => 'END OF FAULTS')
    endFaults(world)
    const { pollIntervalMs } = setting
    // By the clocks of all processes; after that only what has no end is suspended.
    await time.runUntil(Math.max(time.now(), endOfSuspensions(objects.all()) - epoch + maxSkewMs))
    await passUntil(time.now() + patienceMs, () => wrong().length === 0, 10_000)
    // What was sent before the trouble ended may still arrive, and that a watch is dead is noticed after two minutes.
    await time.runUntil(time.now() + 140_000 + pollIntervalMs * 1.2)
    await passUntil(time.now() + patienceMs, () => wrong().length === 0, 10_000)
    const left = wrong()
    if (left.length > 0) report(`after ${patienceMs / 3_600_000} quiet hours ${left.join('; ')}`)
    if (violation !== undefined) return
    const before = moved()
    await time.runUntil(time.now() + 2.5 * pollIntervalMs)
    if (moved() !== before) report(`no stillness: updates and writes went from ${before} to ${moved()}`)
    await stop()
  }

  async function stop() {
    let left = replicas.length
    const last = replicas.flatMap((replica) => replica.life() ?? [])
    for (const replica of replicas) void replica.end().then(() => (left -= 1))
    await passUntil(time.now() + stopMs, () => left === 0, 1_000)
    if (left > 0) report('a process does not stop')
    else if (last.some((life) => life.sessions.some((uuid) => sessions.isOpen(uuid)))) report('a session was left open')
    else if (last.some(({ identity }) => identity === objects.lease()?.spec?.holderIdentity))
      report('the lease was not released')
  }

  try {
    await live()
  } catch (error) {
    report(String(error))
  }
  const outcome = { turns: time.turns(), virtualMs: time.now(), updates, statusWrites: kubernetes.writes() }
  await Promise.all(replicas.map((replica) => replica.bury()))
  return violation === undefined ? outcome : { ...outcome, violation }
}
