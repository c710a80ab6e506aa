/** What 200 objects cost that nobody touches. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../../support/envtest/api-server.ts'
import type { Figure } from '../figures.ts'
import { cpuSeconds } from '../usage.ts'
import { inWorld, type World } from '../world.ts'

const objects = 200
const settleMs = 5_000
const minutes = 2

export function rest(server: TestApiServer): Promise<readonly Figure[]> {
  return inWorld(server, objects, measure)
}

async function measure(world: World): Promise<readonly Figure[]> {
  const { operator } = world.startOperator()
  await world.watch.allReady(objects)
  await sleep(settleMs)
  const look = async () => ({
    requests: (await world.zstack.counters()).total,
    writes: await writes(world.server),
    versions: await world.versions(),
    cpu: await cpuSeconds(operator.pid),
  })
  const before = await look()
  await sleep(minutes * 60_000)
  const after = await look()
  const touched = before.versions === after.versions ? 'no object changed' : 'OBJECTS CHANGED'
  return [
    {
      ...{ name: `at rest, ${objects} objects: ZStack requests a minute`, unit: '' },
      ...{ value: (after.requests - before.requests) / minutes, references: ['400', '400'], target: '8' },
    },
    {
      ...{ name: 'at rest: Kubernetes writes', unit: '', note: touched },
      ...{ value: after.writes - before.writes, references: ['0', '0'], target: '0' },
    },
    { name: 'at rest: CPU a minute', value: (after.cpu - before.cpu) / minutes, unit: 's' },
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
