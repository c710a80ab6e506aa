/** A person's edit: until ZStack is asked to change, and until the object says Ready; at rest and amid work. */
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile, spell, type Figure } from '../figures.ts'
import { nameOf } from '../manifest.ts'
import { inWorld, type Bench, type Program, type World } from '../world.ts'

const silenceMs = 150_000

type Times = { readonly put: number; readonly ready: number }

export async function edits(bench: Bench): Promise<readonly Figure[]> {
  const size = 1_000
  const of = (program: Program) =>
    inWorld(bench, size, (world) => measured(world, { rounds: 50, silence: 2_000, program }))
  const times = await of('built')
  const plain = bench.plainOperator === undefined ? undefined : await of('plain')
  return [
    { ...held('put', times, plain), name: `${size} objects, edit to PUT, p95 of 50`, maxRatio: 0.7 },
    { ...held('ready', times, plain), name: `${size} objects, edit to Ready, p95 of 50`, maxRatio: 1 },
  ]
}

export async function silence(bench: Bench): Promise<readonly Figure[]> {
  const of = (program: Program) =>
    inWorld(bench, 200, (world) => measured(world, { rounds: 10, silence: silenceMs, program }))
  const times = await of('built')
  const plain = bench.plainOperator === undefined ? undefined : await of('plain')
  const name = `200 objects, edit to PUT after ${silenceMs / 1000} s of silence, p95 of 10`
  return [{ ...held('put', times, plain), name, maxRatio: 1 }]
}

function held(part: keyof Times, times: readonly Times[], plain: readonly Times[] | undefined) {
  const p95 = (all: readonly Times[]) =>
    percentile(
      all.map((time) => time[part]),
      95,
    )
  const values = times.map((time) => time[part])
  const note = `first ${spell(values[0])}, median ${spell(percentile(values, 50))}, max ${spell(Math.max(...values))}`
  return { value: p95(times), unit: 'ms', note, ...(plain && { plain: p95(plain) }) }
}

type Plan = { readonly rounds: number; readonly silence: number; readonly program: Program }

async function measured(world: World, plan: Plan): Promise<readonly Times[]> {
  world.startOperator(plan.program)
  await world.watch.allReady(world.size)
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
  const arrived = nextUpdateOf(world, index)
  // The simulator's process shares the wall clock with this one, and nothing finer.
  const [began, beganPrecisely] = [Date.now(), performance.now()]
  const generation = await world.edit(index, { description: `edited ${Math.random()}` })
  const readyAt = await world.watch.ready(nameOf(index), generation)
  return { put: (await arrived) - began, ready: readyAt - beganPrecisely }
}

function nextUpdateOf({ zstack }: World, index: number): Promise<number> {
  return new Promise((resolve) => {
    const stop = zstack.onRequest(({ operation, uuid, at }) => {
      if (operation !== 'update' || uuid !== zstack.uuids[index]) return
      stop()
      resolve(at)
    })
  })
}

const editsDuringStart = 20

/** Edits of objects that are Ready already, while the start of a large fleet goes on. */
export function editsAmidStart(bench: Bench, size: number): Promise<readonly Figure[]> {
  return inWorld(bench, size, async (world) => {
    const { zstack, watch } = world
    const done: number[] = []
    zstack.onRequest(({ operation, uuid = '' }) => {
      if (operation === 'update') done.push(zstack.uuids.indexOf(uuid))
    })
    world.startOperator()
    const allReady = watch.allReady(size)
    const over = new AbortController()
    void allReady.then(() => over.abort())
    const puts: number[] = []
    while (!over.signal.aborted && puts.length < editsDuringStart) {
      await sleep(size / 50)
      const index = done.at(Math.floor(done.length / 2)) ?? -1
      if (index < 0) continue
      done.splice(done.indexOf(index), 1)
      const arrived = nextUpdateOf(world, index)
      const began = Date.now()
      await world.edit(index, { description: `edited ${Math.random()}` })
      puts.push((await arrived) - began)
    }
    await allReady
    const note = `${puts.length} edits, median ${spell(percentile(puts, 50))}`
    return [
      {
        name: `${size} objects, edit during the start to PUT, p95`,
        value: percentile(puts, 95),
        unit: 'ms',
        max: 250,
        note,
      },
    ]
  })
}
