/** The operator killed, the API server away, and ZStack in trouble. */
import { setTimeout as sleep } from 'node:timers/promises'
import { spell, type Figure } from '../figures.ts'
import { cpuSeconds } from '../usage.ts'
import { inWorld, type Bench, type Program, type World } from '../world.ts'

const size = 200
const awayMs = 22_000
const brokenMs = 20_000

async function beside<T>(bench: Bench, of: (world: World, program: Program) => Promise<T>) {
  const value = await inWorld(bench, size, (world) => of(world, 'built'))
  return {
    value,
    plain: bench.plainOperator === undefined ? undefined : await inWorld(bench, size, (world) => of(world, 'plain')),
  }
}

export async function killed(bench: Bench): Promise<readonly Figure[]> {
  const { value, plain } = await beside(bench, async (world, program) => {
    const midway = nextUpdate(world, size / 2)
    const { operator } = world.startOperator(program)
    await midway
    operator.signal('SIGKILL')
    await operator.exited
    const { startedAt } = world.startOperator(program)
    return ((await world.watch.allReady(size)) - startedAt) / 1000
  })
  const name = `${size} objects, killed at half and started again to all Ready`
  return [{ name, value, unit: 's', maxRatio: 1.5, ...(plain !== undefined && { plain }) }]
}

export async function apiServerAway(bench: Bench): Promise<readonly Figure[]> {
  const { value, plain } = await beside(bench, lateness)
  const name = `API server away for ${awayMs / 1000} s: first edit after it to PUT`
  return [{ name, value, unit: 's', max: 0.5, ...(plain !== undefined && { plain }) }]
}

/** Seconds from the first edit that the server takes again until ZStack has it; the server's own slowness is in it. */
async function lateness(world: World, program: Program): Promise<number> {
  const { server } = world
  world.startOperator(program)
  await world.watch.allReady(size)
  await sleep(1_000)
  await server.stop()
  await sleep(awayMs)
  const arrived = nextUpdate(world, 1)
  const back = server.start()
  const applied = await applyWhenBack(world)
  const put = await arrived
  await back
  return (put - applied) / 1000
}

/** Tries until the server takes the edit; gives the time by Date.now() at which it sent that one. */
async function applyWhenBack(world: World): Promise<number> {
  for (;;) {
    const began = Date.now()
    try {
      await world.edit(0, { description: `edited ${Math.random()}` })
      return began
    } catch {
      await sleep(5)
    }
  }
}

export async function zstackBroken(bench: Bench): Promise<readonly Figure[]> {
  const { value, plain } = await beside(bench, withoutZStack)
  const what = `${size} objects, ZStack answers 503 for ${brokenMs / 1000} s`
  const part = (pick: (seen: Broken) => number) => ({ value: pick(value), ...(plain && { plain: pick(plain) }) })
  return [
    { name: `${what}: CPU in all`, unit: 's', ...part(({ cpu }) => cpu), maxRatio: 2 },
    { name: `${what}: its return to all Ready`, unit: 's', ...part(({ back }) => back), maxRatio: 1 },
    {
      ...{ name: `${what}: requests meanwhile`, unit: '', ...part(({ requests }) => requests), max: 40 },
      note: `${spell(value.before)} updates before`,
    },
  ]
}

type Broken = { readonly cpu: number; readonly back: number; readonly requests: number; readonly before: number }

async function withoutZStack(world: World, program: Program): Promise<Broken> {
  const { zstack, watch } = world
  const midway = nextUpdate(world, size / 2)
  const { operator } = world.startOperator(program)
  await midway
  await zstack.breakWith(503)
  const atBreak = await zstack.counters()
  await sleep(brokenMs)
  const atEnd = await zstack.counters()
  const recoveredAt = performance.now()
  await zstack.recover()
  const readyAt = await watch.allReady(size)
  return {
    cpu: await cpuSeconds(operator.pid),
    back: (readyAt - recoveredAt) / 1000,
    requests: atEnd.total - atBreak.total,
    before: atBreak.update,
  }
}

/** Resolves with the arrival, by Date.now(), of the update of that number from now on. */
function nextUpdate({ zstack }: World, number: number): Promise<number> {
  let left = number
  return new Promise((resolve) => {
    const stop = zstack.onRequest(({ operation, at }) => {
      if (operation !== 'update' || --left > 0) return
      stop()
      resolve(at)
    })
  })
}
