/** Applies a step of a schedule to a world. */
import { reconcileRequestedAt, suspendUntil } from '../../src/api/names.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { Objects, Stored } from './objects.ts'
import type { Replica } from './replica.ts'
import type { Step } from './schedule.ts'
import type { Services } from './services.ts'
import type { Sessions } from './sessions.ts'
import type { Sources } from './sources.ts'
import type { Time } from './time.ts'
import type { KubeTrouble, Troubles, ZStackTrouble } from './trouble.ts'
import { apply, hush } from './values.ts'
import type { Mood, ZStack } from './zstack.ts'

export type World = {
  readonly time: Time
  readonly epoch: number
  readonly objects: Objects
  readonly sources: Sources
  readonly services: Services
  readonly sessions: Sessions
  readonly zstack: ZStack
  readonly kubernetes: Kubernetes
  readonly kubeTroubles: Troubles<KubeTrouble>
  readonly zstackTroubles: Troubles<ZStackTrouble>
  readonly replicas: readonly Replica[]
  /** Of ZStack, when it is in no other. */
  readonly mood: Mood
}

export function applyStep(step: Step, world: World): void {
  const { time, epoch, objects, sources, services, sessions, zstack } = world
  const { kubernetes, kubeTroubles, zstackTroubles, replicas } = world
  switch (step.do) {
    case 'create':
      if (!objects.get(step.key)) objects.create(step.key, step.spec, time.now())
      return
    case 'edit':
      objects.edit(step.key, ({ spec }) => ({ spec: apply(spec, step.edits) }))
      return
    case 'remove':
      objects.remove(step.key)
      return
    case 'begin deletion': {
      const deletionTimestamp = new Date(epoch + time.now()).toISOString()
      objects.edit(step.key, () => ({ metadata: { deletionTimestamp } }))
      return
    }
    case 'touch':
      objects.edit(step.key, () => ({ metadata: { labels: { touched: String(time.now()) } } }))
      return
    case 'write source':
      sources.write(step.source, step.texts)
      return
    case 'touch source':
      sources.touch(step.source)
      return
    case 'remove source':
      sources.remove(step.source)
      return
    case 'forbid source':
      sources.forbid(step.source)
      if (step.forMs !== undefined) time.after(step.forMs, () => sources.allow(step.source))
      return
    case 'request':
      objects.edit(step.key, ({ metadata }) => annotated(metadata, { [reconcileRequestedAt]: step.token }))
      return
    case 'suspend': {
      const until = step.forMs === undefined ? 'tomorrow' : new Date(epoch + time.now() + step.forMs).toISOString()
      objects.edit(step.key, ({ metadata }) => annotated(metadata, { [suspendUntil]: until }))
      return
    }
    case 'resume':
      objects.edit(step.key, ({ metadata }) => annotated(metadata, { [suspendUntil]: undefined }))
      return
    case 'drift':
      services.drift(step.uuid, step.values)
      return
    case 'lose service':
      services.lose(step.uuid)
      return
    case 'bring service back':
      services.bringBack(step.uuid, step.isNew)
      return
    case 'kubernetes trouble':
      kubeTroubles.begin(step.trouble)
      return
    case 'zstack trouble':
      zstackTroubles.begin(step.trouble)
      return
    case 'zstack mood':
      zstack.mood = { ...world.mood, ...step.mood }
      time.after(step.forMs, () => {
        zstack.mood = world.mood
      })
      return
    case 'api server restart':
      kubernetes.goDown(step.forMs)
      if (step.compacts) objects.compact()
      return
    case 'compact':
      objects.compact()
      return
    case 'cut watches':
    case 'end watches':
    case 'stall watches':
    case 'expire watches':
    case 'garble watches':
      for (const watcher of kubernetes.watchers()) {
        if (step.do === 'cut watches') watcher.cut()
        else if (step.do === 'end watches') watcher.end()
        else if (step.do === 'stall watches') watcher.stall()
        else if (step.do === 'expire watches') watcher.expire()
        else watcher.garble(`{"type":"MODIFIED","object":{"spec":{"serviceName":"${hush}-cut`)
      }
      return
    case 'drop sessions':
      sessions.dropAll()
      return
    case 'fill sessions':
      sessions.fill(step.forMs)
      return
    case 'disable account':
      sessions.disable(step.forMs)
      return
    case 'log in elsewhere':
      sessions.logInElsewhere()
      return
    case 'kill':
      replicas[step.who]?.kill(step.trap, step.awayMs)
      return
    case 'stop':
      replicas[step.who]?.stop(step.awayMs)
      return
    case 'pause':
      replicas[step.who]?.pause(step.forMs, step.timersFirst)
  }
}

function annotated({ annotations }: Stored['metadata'], changes: Readonly<Record<string, string | undefined>>) {
  const entries = Object.entries({ ...annotations, ...changes }).filter(([, value]) => value !== undefined)
  return { metadata: { annotations: Object.fromEntries(entries) as Record<string, string> } }
}

/** Ends every fault; what is wrong by then stays wrong until somebody corrects it. */
export function endFaults(world: World): void {
  const { services, sessions, zstack, kubernetes, kubeTroubles, zstackTroubles, replicas } = world
  kubeTroubles.end()
  zstackTroubles.end()
  kubernetes.comeUp()
  zstack.mood = world.mood
  zstack.endJobs()
  sessions.dropAll()
  sessions.enable()
  for (const uuid of services.lost()) services.bringBack(uuid, false)
  for (const replica of replicas) replica.heal()
}
