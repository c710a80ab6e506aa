/** A large fleet: 1,000 objects that all differ, then one poll of them at rest. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../../support/envtest/api-server.ts'
import type { Figure } from '../figures.ts'
import { cpuSeconds, peakMemory } from '../usage.ts'
import { inWorld, type World } from '../world.ts'

const objects = 1_000
/** A poll's queries follow each other closely; the next poll is half a minute away. */
const pollSpanMs = 5_000

export function thousand(server: TestApiServer): Promise<readonly Figure[]> {
  return inWorld(server, objects, measure)
}

async function measure(world: World): Promise<readonly Figure[]> {
  const { zstack, watch } = world
  const updates = new Map<string, number>()
  zstack.onRequest(({ operation, uuid = '' }) => {
    if (operation === 'update') updates.set(uuid, (updates.get(uuid) ?? 0) + 1)
  })
  const { operator, startedAt } = world.startOperator()
  const readyAt = await watch.allReady(objects)
  const cpu = await cpuSeconds(operator.pid)
  const converged = await zstack.counters()
  await new Promise<void>((resolve) => {
    const stop = zstack.onRequest(({ operation }) => {
      if (operation !== 'query') return
      stop()
      resolve()
    })
  })
  await sleep(pollSpanMs)
  const polled = await zstack.counters()
  const memory = await peakMemory(operator.pid)
  const what = `${objects} objects`
  return [
    { name: `${what}: start to all Ready`, value: (readyAt - startedAt) / 1000, unit: 's' },
    { name: `${what}: most PUTs of one object`, value: Math.max(...updates.values()), unit: '', target: '<= 1' },
    { name: `${what}: queries until then`, value: converged.query, unit: '', target: '<= 20' },
    {
      ...{ name: `${what}: queries of one poll at rest`, value: polled.query - converged.query, unit: '' },
      ...{ target: '<= 20', note: `${polled.update - converged.update} PUTs` },
    },
    { name: `${what}: CPU until then`, value: cpu, unit: 's' },
    { name: `${what}: peak memory`, value: memory, unit: 'MB', target: '< 110' },
  ]
}
