/** A large fleet: 1,000 objects that all differ, then one poll of them at rest. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../../support/envtest/api-server.ts'
import type { Figure } from '../figures.ts'
import { inWorld, type World } from '../world.ts'
import { converged, convergence } from './converge.ts'

const objects = 1_000
/** A poll's queries follow each other closely; the next poll is half a minute away. */
const pollSpanMs = 5_000

export async function thousand(server: TestApiServer): Promise<readonly Figure[]> {
  const { run, others } = await inWorld(server, objects, measure)
  const plain = await inWorld(server, objects, (world) => converged(world, 'plain'))
  const held = { seconds: {}, requests: {}, cpu: {}, memory: { target: '200' } }
  return [...convergence(objects, [run], [plain], held), ...others]
}

async function measure(world: World) {
  const { zstack } = world
  const updates = new Map<string, number>()
  zstack.onRequest(({ operation, uuid = '' }) => {
    if (operation === 'update') updates.set(uuid, (updates.get(uuid) ?? 0) + 1)
  })
  const run = await converged(world, 'built')
  const before = await zstack.counters()
  await new Promise<void>((resolve) => {
    const stop = zstack.onRequest(({ operation }) => {
      if (operation !== 'query') return
      stop()
      resolve()
    })
  })
  await sleep(pollSpanMs)
  const polled = await zstack.counters()
  const what = `${objects} objects`
  const others: readonly Figure[] = [
    { name: `${what}: max PUTs of one object`, value: Math.max(...updates.values()), unit: '', target: '<= 1' },
    { name: `${what}: queries until all Ready`, value: before.query, unit: '', target: '<= 20' },
    {
      ...{ name: `${what}: queries of one poll at rest`, value: polled.query - before.query, unit: '' },
      ...{ target: '<= 20', note: `${polled.update - before.update} PUTs` },
    },
  ]
  return { run, others }
}
