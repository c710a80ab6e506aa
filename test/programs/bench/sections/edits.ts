/** A person's edit: until ZStack is asked to change, and until the object says Ready; among work and after silence. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestApiServer } from '../../../support/envtest/api-server.ts'
import { percentile, spell, type Figure } from '../figures.ts'
import { inWorld, type Program, type World } from '../world.ts'

const objects = 200
const silenceMs = 150_000

type Times = { readonly put: number; readonly ready: number }

export async function edits(server: TestApiServer): Promise<readonly Figure[]> {
  const plan = { rounds: 50, silence: 2_000 }
  const times = await inWorld(server, objects, (world) => measured(world, plan))
  const plain = await inWorld(server, objects, (world) => measured(world, { ...plan, program: 'plain' }))
  const figure = (pick: (time: Times) => number) => {
    const values = times.map(pick)
    const note = `median ${spell(percentile(values, 50))}, most ${spell(Math.max(...values))}`
    return { value: percentile(values, 95), here: percentile(plain.map(pick), 95), unit: 'ms', note }
  }
  return [
    { ...figure(({ put }) => put), name: 'edit to PUT, p95 of 50', references: ['8', '9'], target: '8' },
    { ...figure(({ ready }) => ready), name: 'edit to Ready, p95 of 50', references: ['27', '35'], target: '25' },
  ]
}

export async function silence(server: TestApiServer): Promise<readonly Figure[]> {
  const putsOf = async (program: Program) => {
    const times = await inWorld(server, objects, (world) =>
      measured(world, { rounds: 10, silence: silenceMs, program }),
    )
    return times.map(({ put }) => put)
  }
  const puts = await putsOf('built')
  const plain = await putsOf('plain')
  const name = `edit to PUT after ${silenceMs / 1000} s of silence, p95 of 10`
  const tell = (values: readonly number[]) =>
    `first ${spell(values[0] ?? Number.NaN)}, median ${spell(percentile(values, 50))}`
  return [
    {
      ...{ name, value: percentile(puts, 95), here: percentile(plain, 95), unit: 'ms' },
      ...{ references: ['9', '11'], target: '10', note: `${tell(puts)}; client-node: ${tell(plain)}` },
    },
  ]
}

type Plan = { readonly rounds: number; readonly silence: number; readonly program?: Program }

async function measured(world: World, plan: Plan): Promise<readonly Times[]> {
  world.startOperator(plan.program)
  await world.watch.allReady(objects)
  await sleep(plan.silence)
  // The bench's own connection is not to be set up within the first edit.
  await world.server.request('GET', world.path(0))
  const times: Times[] = []
  for (let round = 0; round < plan.rounds; round++) {
    times.push(await edit(world, round))
    // Not in step with anybody's timers.
    await sleep(20 + 40 * Math.random())
  }
  return times
}

/** One edit of one object, followed to its end. */
async function edit(world: World, index: number): Promise<Times> {
  const { zstack, watch } = world
  const arrived = new Promise<number>((resolve) => {
    const stop = zstack.onRequest(({ operation, uuid, at }) => {
      if (operation !== 'update' || uuid !== zstack.uuids[index]) return
      stop()
      resolve(at)
    })
  })
  // The simulator's process shares the wall clock with this one, and nothing finer.
  const [began, beganPrecisely] = [Date.now(), performance.now()]
  const generation = await world.edit(index, { description: `edited ${Math.random()}` })
  const readyAt = await watch.ready(world.nameOf(index), generation)
  return { put: (await arrived) - began, ready: readyAt - beganPrecisely }
}
