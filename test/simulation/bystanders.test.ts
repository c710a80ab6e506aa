import { expect, it } from 'vitest'
import { createBystanderJudge, type Promises, type ViolationKind } from './bystanders.ts'
import { createObjects } from './objects.ts'
import { createSources } from './sources.ts'
import { createServices, type Values } from './services.ts'
import { wordOf } from './service-faults.ts'
import { createTime } from './time.ts'

const endpoint = 'http://zstack.example/zstack'
const promises: Promises = {
  ...{ editMs: 2_500, driftMs: 46_500, untrueMs: 24_500, observedMs: 1_500 },
  ...{ queriesAMinute: 60, eventsInAll: 30, judgedFromMs: 0 },
}
const uuid = '00000001'.padEnd(32, '0')
const other = '00000002'.padEnd(32, '0')
const declared = { requestCpu: 4 }

/** A bystander in sync and a broken object, and nobody at work on either but the test. */
function startWorld(options: { readonly contested?: readonly string[]; readonly unresolved?: readonly string[] } = {}) {
  const time = createTime()
  const objects = createObjects(0)
  const services = createServices()
  const found: ViolationKind[] = []
  let isJobRunning = false
  const judge = createBystanderJudge({
    ...{ time, objects, sources: createSources(), services, endpoint, promises },
    unresolved: new Set(options.unresolved),
    ...{ unresolvedFromMs: 0, unresolvedToldFromMs: 20_000 },
    bystanders: new Set(['red/by']),
    contested: new Set(options.contested),
    slowMs: () => 0,
    isJobRunning: () => isJobRunning,
    report: ({ kind }) => found.push(kind),
  })
  services.place(uuid, declared)
  services.place(other, declared)
  objects.create('red/by', { uuid, ...declared }, 0)
  objects.create('red/broken', { uuid: other, requestCpu: 8 }, 0)
  const world = {
    ...{ time, objects, services, judge, found },
    async pass(ms: number) {
      for (const end = time.now() + ms; time.now() < end;) {
        await time.runUntil(Math.min(end, time.now() + 250))
        judge.look()
      }
    },
    say(key: string, status: 'True' | 'False' | 'Unknown', reason: string, at = endpoint) {
      const { metadata } = objects.get(key)!
      const condition = { type: 'Ready', status, reason, message: '', observedGeneration: metadata.generation }
      objects.replaceStatus(key, {
        metadata,
        status: {
          observedGeneration: metadata.generation,
          conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }],
          connection: { kind: 'Environment', name: 'default', endpoint: at },
        },
      })
    },
    edit(values: Values) {
      objects.edit('red/by', () => ({ spec: { uuid, ...values } }))
      judge.edited('red/by', false)
    },
    update(values: Values) {
      judge.arrived(uuid, values)
      services.write(uuid, values)
    },
    runJob: () => (isJobRunning = true),
  }
  return world
}

it('a bystander whose edit and drift are dealt with in time gives no cause to complain', async () => {
  const world = startWorld()
  world.say('red/by', 'True', 'InSync')
  await world.pass(1_000)
  world.edit({ requestCpu: 8 })
  await world.pass(2_000)
  world.update({ requestCpu: 8 })
  world.say('red/by', 'True', 'InSync')
  await world.pass(60_000)
  world.services.drift(uuid, { requestCpu: 2 })
  world.judge.drifted('red/by')
  await world.pass(20_000)
  world.say('red/by', 'False', 'Updating')
  world.update({ requestCpu: 8 })
  world.say('red/by', 'True', 'InSync')
  await world.pass(100_000)
  expect(world.found).toEqual([])
})

it('an edit that is not at ZStack in time is reported', async () => {
  const world = startWorld()
  world.edit({ requestCpu: 8 })
  await world.pass(2_500)
  expect(world.found).toEqual([])
  await world.pass(500)
  expect(world.found).toEqual(['late edit'])
})

it('an update without what was edited last does not count as the edit', async () => {
  const world = startWorld()
  world.edit({ requestCpu: 8, description: 'new' })
  world.update({ requestCpu: 8, description: 'old' })
  await world.pass(3_000)
  expect(world.found).toEqual(['late edit'])
})

it('drift that stands for longer than two polls is reported, and that the status denies it after one', async () => {
  const world = startWorld()
  world.say('red/by', 'True', 'InSync')
  world.services.drift(uuid, { requestCpu: 2 })
  world.judge.drifted('red/by')
  await world.pass(24_000)
  expect(world.found).toEqual([])
  await world.pass(2_000)
  expect(world.found).toEqual(['untrue InSync'])
  await world.pass(22_000)
  expect(world.found).toEqual(['untrue InSync', 'late drift'])
})

it.each(['Unreachable', 'CredentialsRejected', 'NotFound', 'RemoteRejected'])(
  'a bystander that says %s for longer than a poll is reported',
  async (reason) => {
    const world = startWorld()
    world.say('red/by', 'False', reason)
    await world.pass(24_000)
    expect(world.found).toEqual([])
    await world.pass(2_000)
    expect(world.found).toEqual(['false trouble'])
  },
)

it('a broken object may say what is wrong with it', async () => {
  const world = startWorld()
  world.say('red/broken', 'False', 'RemoteRejected')
  world.judge.wroteStatus('red/broken', { message: wordOf(other) })
  await world.pass(60_000)
  expect(world.found).toEqual([])
})

it.each(['red/by', 'red/broken'])('words that ZStack said about another object are reported of %s', (key) => {
  const { judge, found } = startWorld()
  judge.wroteStatus(key, { message: `refused: ${wordOf(key === 'red/by' ? other : uuid)}` })
  expect(found).toEqual(['words of others'])
})

it('a status that says nothing of the new generation for too long is reported', async () => {
  const world = startWorld()
  world.say('red/broken', 'True', 'InSync')
  world.objects.edit('red/broken', () => ({ spec: { uuid: other, requestCpu: 9 } }))
  world.judge.edited('red/broken', true)
  await world.pass(2_000)
  expect(world.found).toEqual(['old generation'])
})

it('an update of what ZStack holds already is reported', async () => {
  const world = startWorld()
  await world.pass(100_000)
  world.update({ requestCpu: 4 })
  expect(world.found).toEqual(['needless update'])
})

it('an update beside the running job of the same service is reported', () => {
  const world = startWorld()
  world.runJob()
  world.judge.arrived(other, { requestCpu: 8 })
  expect(world.found).toEqual(['update beside a job'])
})

it('more updates of a broken object than its backoff allows are reported once', async () => {
  const world = startWorld()
  for (let tries = 0; tries < 60; tries += 1) {
    world.judge.arrived(other, { requestCpu: 8 })
    await world.time.runUntil(world.time.now() + 10_000)
  }
  expect(world.found).toEqual(['too many updates'])
})

it.each<[ViolationKind, (judge: ReturnType<typeof startWorld>['judge']) => void, number]>([
  ['too many queries', (judge) => judge.queried(), 60],
  ['too many status writes', (judge) => judge.wroteStatus('red/broken', {}), 30],
  ['too many events', (judge) => judge.recordsEvent('red/broken', ''), 10],
  ['repeated log line', (judge) => judge.logs(40, '', 'an outage'), 5],
])('%s are reported, and as many as are promised are not', (kind, happens, max) => {
  const { judge, found } = startWorld()
  for (let count = 0; count < max; count += 1) happens(judge)
  expect(found).toEqual([])
  happens(judge)
  expect(found).toEqual([kind])
})

it('an update of an object whose Secret cannot be had is reported, and that it does not say so', async () => {
  const world = startWorld({ unresolved: ['red/broken'] })
  world.say('red/broken', 'False', 'ReferenceNotFound')
  await world.pass(25_000)
  expect(world.found).toEqual([])
  world.judge.arrived(other, { requestCpu: 8 })
  world.say('red/broken', 'True', 'InSync')
  await world.pass(500)
  expect(world.found).toEqual(['update without its source', 'silent trouble'])
})

it('a Secret that changes is worth an update each time, and no more', () => {
  const { judge, found } = startWorld()
  for (let count = 0; count < 30; count += 1) judge.sourceChanged('red/broken')
  for (let count = 0; count < 42; count += 1) judge.arrived(other, { requestCpu: 8 })
  expect(found).toEqual([])
  judge.arrived(other, { requestCpu: 8 })
  expect(found).toEqual(['too many updates'])
})

it('status that somebody else writes over is written at the pace of a backoff, or it is reported', () => {
  const { judge, found } = startWorld({ contested: ['red/broken'] })
  for (let count = 0; count < 41; count += 1) judge.wroteStatus('red/broken', {})
  expect(found).toEqual(['too many status writes'])
})

it('a good status of another endpoint is reported', async () => {
  const world = startWorld()
  world.say('red/broken', 'True', 'InSync', 'http://former.example/zstack')
  await world.pass(5_000)
  expect(world.found).toEqual(['status of another endpoint'])
})
