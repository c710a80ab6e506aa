/** The API server away, and ZStack in trouble. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../../support/envtest/api-server.ts'
import { spell, type Figure } from '../figures.ts'
import { inWorld, type Program, type World } from '../world.ts'

const objects = 200
const awayMs = 22_000
const brokenMs = 20_000
/** Updates that got through before ZStack breaks. */
const before = 50

export async function apiServerAway(server: TestApiServer): Promise<readonly Figure[]> {
  const value = await inWorld(server, objects, (world) => lateness(world, 'built'))
  const here = await inWorld(server, objects, (world) => lateness(world, 'plain'))
  const name = `API server away for ${awayMs / 1000} s: first apply after it to PUT`
  return [{ name, value, here, unit: 's', references: ['21.9', '1.0'], target: '0.5' }]
}

/** Seconds from the first edit that the server takes again until ZStack has it; the server's own slowness is in it. */
async function lateness(world: World, program: Program): Promise<number> {
  const { server } = world
  world.startOperator(program)
  await world.watch.allReady(objects)
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

export function zstackBroken(server: TestApiServer): Promise<readonly Figure[]> {
  return inWorld(server, objects, withoutZStack)
}

async function withoutZStack(world: World): Promise<readonly Figure[]> {
  const { zstack, watch } = world
  const midway = nextUpdate(world, before)
  world.startOperator()
  await midway
  await zstack.breakWith(503)
  const atBreak = await zstack.counters()
  await sleep(brokenMs)
  const atEnd = await zstack.counters()
  const recoveredAt = performance.now()
  await zstack.recover()
  const readyAt = await watch.allReady(objects)
  const total = await zstack.counters()
  const what = `ZStack answers 503 for ${brokenMs / 1000} s`
  return [
    {
      ...{ name: `${what}: requests in that time`, value: atEnd.total - atBreak.total, unit: '' },
      ...{ references: ['1715', '568'], target: '40', note: `${atBreak.update} updates before` },
    },
    {
      ...{ name: `${what}: its return to all Ready`, value: (readyAt - recoveredAt) / 1000, unit: 's' },
      note: `${spell(total.total)} requests in all`,
    },
  ]
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
