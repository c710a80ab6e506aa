/** From the start of the process to 200 differing objects in ZStack and Ready. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../support/envtest/api-server.ts'
import { ofRuns, type Figure } from '../figures.ts'
import { cpuSeconds, peakMemory } from '../usage.ts'
import { createWorld } from '../world.ts'

const objects = 200
const runs = 3
/** Events are still told when all is Ready, and their memory counts. */
const afterglowMs = 1_000

export async function converge(server: TestApiServer): Promise<readonly Figure[]> {
  const measured: Record<'seconds' | 'requests' | 'cpu' | 'memory', number[]> = {
    seconds: [],
    requests: [],
    cpu: [],
    memory: [],
  }
  for (let run = 0; run < runs; run++) {
    const world = await createWorld(server, objects)
    const { operator, startedAt } = world.startOperator()
    const readyAt = await world.watch.allReady(objects)
    measured.cpu.push(await cpuSeconds(operator.pid))
    measured.seconds.push((readyAt - startedAt) / 1000)
    measured.requests.push((await world.zstack.counters()).total)
    await sleep(afterglowMs)
    measured.memory.push(await peakMemory(operator.pid))
    await world.close()
  }
  const what = `start to ${objects} Ready`
  return [
    ofRuns({ name: what, unit: 's', references: ['1.0', '2.7'], target: '0.9' }, measured.seconds),
    ofRuns(
      { name: `${what}: ZStack requests`, unit: '', references: ['601', '601'], target: '205' },
      measured.requests,
    ),
    ofRuns({ name: `${what}: CPU`, unit: 's', references: ['0.35', '2.4'], target: '0.9' }, measured.cpu),
    ofRuns({ name: `${what}: peak memory`, unit: 'MB', references: ['37', '200'], target: '90' }, measured.memory),
  ]
}
