/** From the start of the process to objects that all differ in ZStack, and are Ready. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../../support/envtest/api-server.ts'
import { ofRuns, type Figure } from '../figures.ts'
import { cpuSeconds, peakMemory } from '../usage.ts'
import { inWorld, type Program, type World } from '../world.ts'

const objects = 200
const runs = 3
/** Events are still sent when all is Ready, and their memory counts. */
const afterglowMs = 1_000

export async function converge(server: TestApiServer): Promise<readonly Figure[]> {
  const seen: Converged[] = []
  const plain: Converged[] = []
  while (seen.length < runs) {
    seen.push(await inWorld(server, objects, (world) => converged(world, 'built')))
    plain.push(await inWorld(server, objects, (world) => converged(world, 'plain')))
  }
  return convergence(objects, seen, plain, {
    seconds: { references: ['1.0', '2.7'], target: '0.9' },
    requests: { references: ['601', '601'], target: '205' },
    cpu: { references: ['0.35', '2.4'], target: '0.9' },
    memory: { references: ['37', '200'], target: '135' },
  })
}

export type Converged = {
  readonly seconds: number
  readonly requests: number
  readonly cpu: number
  readonly memory: number
}

/** Starts the program and waits until every object is Ready. */
export async function converged(world: World, program: Program): Promise<Converged> {
  const { zstack, watch, size } = world
  const { operator, startedAt } = world.startOperator(program)
  const readyAt = await watch.allReady(size)
  const cpu = await cpuSeconds(operator.pid)
  const { total } = await zstack.counters()
  await sleep(afterglowMs)
  return { seconds: (readyAt - startedAt) / 1000, requests: total, cpu, memory: await peakMemory(operator.pid) }
}

type Held = Pick<Figure, 'references' | 'target'>

/** The figures of all runs, each held against the plain operator's. */
export function convergence(
  size: number,
  seen: readonly Converged[],
  plain: readonly Converged[],
  held: Readonly<Record<keyof Converged, Held>>,
): readonly Figure[] {
  const what = `${size} objects, start to all Ready`
  const figure = (part: keyof Converged, name: string, unit: string) =>
    ofRuns(
      { name, unit, ...held[part] },
      seen.map((run) => run[part]),
      plain.map((run) => run[part]),
    )
  return [
    figure('seconds', what, 's'),
    figure('requests', `${what}: ZStack requests`, ''),
    figure('cpu', `${what}: CPU`, 's'),
    figure('memory', `${what}: peak memory`, 'MB'),
  ]
}
