/** From the start of the process to 200 differing objects in ZStack and Ready. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../../support/envtest/api-server.ts'
import { ofRuns, type Figure } from '../figures.ts'
import { cpuSeconds, peakMemory } from '../usage.ts'
import { inWorld, type Program, type World } from '../world.ts'

const objects = 200
const runs = 3
/** Events are still told when all is Ready, and their memory counts. */
const afterglowMs = 1_000

export async function converge(server: TestApiServer): Promise<readonly Figure[]> {
  const seen: Run[] = []
  const plain: Run[] = []
  while (seen.length < runs) {
    seen.push(await inWorld(server, objects, (world) => run(world, 'built')))
    plain.push(await inWorld(server, objects, (world) => run(world, 'plain')))
  }
  const what = `start to ${objects} Ready`
  return [
    ofRuns(
      { name: what, unit: 's', references: ['1.0', '2.7'], target: '0.9' },
      seen.map(({ seconds }) => seconds),
      plain.map(({ seconds }) => seconds),
    ),
    ofRuns(
      { name: `${what}: ZStack requests`, unit: '', references: ['601', '601'], target: '205' },
      seen.map(({ requests }) => requests),
      plain.map(({ requests }) => requests),
    ),
    ofRuns(
      { name: `${what}: CPU`, unit: 's', references: ['0.35', '2.4'], target: '0.9' },
      seen.map(({ cpu }) => cpu),
      plain.map(({ cpu }) => cpu),
    ),
    ofRuns(
      { name: `${what}: peak memory`, unit: 'MB', references: ['37', '200'], target: '90' },
      seen.map(({ memory }) => memory),
      plain.map(({ memory }) => memory),
    ),
  ]
}

type Run = { readonly seconds: number; readonly requests: number; readonly cpu: number; readonly memory: number }

async function run(world: World, program: Program): Promise<Run> {
  const { zstack, watch } = world
  const { operator, startedAt } = world.startOperator(program)
  const readyAt = await watch.allReady(objects)
  const cpu = await cpuSeconds(operator.pid)
  const { total } = await zstack.counters()
  await sleep(afterglowMs)
  return { seconds: (readyAt - startedAt) / 1000, requests: total, cpu, memory: await peakMemory(operator.pid) }
}
