/** What objects cost that nobody touches. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../../support/envtest/api-server.ts'
import type { Figure } from '../figures.ts'
import { cpuSeconds } from '../usage.ts'
import { inWorld, type Bench, type World } from '../world.ts'

const settleMs = 5_000
const minutes = 2
/** The interval of the operators here is half a minute. */
const pollsPerMinute = 2

export function rest(bench: Bench, size: number): Promise<readonly Figure[]> {
  return inWorld(bench, size, measure)
}

async function measure(world: World): Promise<readonly Figure[]> {
  const { size, zstack } = world
  const updates = new Map<string, number>()
  zstack.onRequest(({ operation, uuid = '' }) => {
    if (operation === 'update') updates.set(uuid, (updates.get(uuid) ?? 0) + 1)
  })
  const { operator } = world.startOperator()
  await world.watch.allReady(size)
  await sleep(settleMs)
  const look = async () => ({
    requests: (await zstack.counters()).total,
    writes: await writes(world.server),
    versions: await world.versions(),
    cpu: await cpuSeconds(operator.pid),
  })
  const before = await look()
  await sleep(minutes * 60_000)
  const after = await look()
  const note = before.versions === after.versions ? 'no object changed' : 'OBJECTS CHANGED'
  const what = `${size} objects at rest`
  const polls = minutes * pollsPerMinute
  return [
    { name: `${size} objects, max PUTs of one`, value: Math.max(...updates.values()), unit: '', max: 1 },
    // Intervals have jitter, so that one poll more or less may fall into the time.
    {
      ...{ name: `${what}: ZStack requests a poll`, value: (after.requests - before.requests) / polls, unit: '' },
      ...{
        max: Math.ceil(size / 100) * (1 + 1 / polls),
        plain: 2 * size,
        note: 'plain Go: by count, two reads an object',
      },
    },
    { name: `${what}: Kubernetes writes`, value: after.writes - before.writes, unit: '', max: 0, note },
    {
      ...{ name: `${what}: CPU a minute`, value: (after.cpu - before.cpu) / minutes, unit: 's' },
      ...(size === 10_000 && { max: 1.5 }),
    },
  ]
}

/** Writes of the kinds that the operator writes; the API server's own leases and accounts are none of its. */
async function writes(server: TestApiServer): Promise<number> {
  const { body } = await server.request('GET', '/metrics')
  return String(body)
    .split('\n')
    .filter((line) => line.startsWith('apiserver_request_total{') && /resource="(modelservices|events)"/.test(line))
    .filter((line) => /verb="(POST|PUT|PATCH|APPLY|DELETE)"/.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
