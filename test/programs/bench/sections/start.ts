/** From the start of the process to objects that all differ in ZStack, and are Ready. */
import { setTimeout as sleep } from 'node:timers/promises'
import { median, spell, type Figure } from '../figures.ts'
import { cpuSeconds, peakMemory } from '../usage.ts'
import { inWorld, type Bench, type Program, type World } from '../world.ts'

/** Events are still sent when all is Ready, and their memory counts. */
const afterglowMs = 1_000

export type Started = {
  readonly seconds: number
  readonly cpu: number
  readonly memory: number
  readonly requests: number
}

/** Starts the program and waits until every object is Ready. */
export async function started(world: World, program: Program): Promise<Started> {
  const { zstack, watch, size } = world
  const { operator, startedAt } = world.startOperator(program)
  const readyAt = await watch.allReady(size)
  const cpu = await cpuSeconds(operator.pid)
  const { total } = await zstack.counters()
  await sleep(afterglowMs)
  return { seconds: (readyAt - startedAt) / 1000, cpu, memory: await peakMemory(operator.pid), requests: total }
}

export type StartedAll = Readonly<Partial<Record<Program, Started>>> & { readonly built: Started }

/** One start of each program, in turn: what else the machine does meets them all. */
export async function startedAll(bench: Bench, size: number): Promise<StartedAll> {
  const of = (program: Program) => inWorld(bench, size, (world) => started(world, program))
  const built = await of('built')
  const plain = bench.plainOperator === undefined ? {} : { plain: await of('plain') }
  return { built, ...plain, bare: await of('bare') }
}

const maxMemory: Readonly<Record<number, number>> = { 1_000: 140, 10_000: 300 }
const maxSecondsRatio: Readonly<Record<number, number>> = { 200: 1.3 }

/** The medians of so many runs at one size. */
export async function start(bench: Bench, size: number, runs: number): Promise<readonly Figure[]> {
  const all: StartedAll[] = []
  while (all.length < runs) all.push(await startedAll(bench, size))
  const figure = (part: keyof Started, name: string, unit: string, held: Pick<Figure, 'max' | 'maxRatio'>): Figure => {
    const of = (program: Program) => all.flatMap((run) => run[program]?.[part] ?? [])
    const [plain, bare] = [of('plain'), of('bare')]
    return {
      ...{ name: `${size} objects, ${name}`, value: median(of('built')), unit, ...held },
      ...(plain.length > 0 && { plain: median(plain) }),
      ...(bare.length > 0 && { bare: median(bare) }),
      ...(runs > 1 && { note: `runs ${of('built').map(spell).join(' ')}` }),
    }
  }
  const max = maxMemory[size]
  return [
    figure('seconds', 'start to all Ready', 's', { maxRatio: maxSecondsRatio[size] ?? 1.2 }),
    figure('cpu', 'CPU until then', 's', { maxRatio: 2 }),
    figure('memory', 'peak memory', 'MB', max === undefined ? {} : { max }),
    figure('requests', 'ZStack requests', '', {}),
  ]
}
