/** Edits and drift without end over a thousand objects: what grows? */
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../../support/free-port.ts'
import type { Figure } from '../figures.ts'
import { median } from '../figures.ts'
import { svgOf } from '../plot.ts'
import { openHandles, residentMemory } from '../usage.ts'
import { inWorld, type Bench, type World } from '../world.ts'

const size = 1_000
const samplePauseMs = 2_000
const editPauseMs = 100
/** The first third of a soak fills caches and pools: of half an hour, ten minutes. What follows is compared with the end. */
const warmUp = 1 / 3
const window = 1 / 3
const maxGrowth = 1.05

const sampled = {
  heap: { title: 'Heap in use', unit: 'MB' },
  memory: { title: 'Resident memory', unit: 'MB' },
  handles: { title: 'Open handles', unit: 'count' },
  series: { title: 'Metric series', unit: 'count' },
} as const
type Sample = Readonly<Record<keyof typeof sampled, number>> & { readonly minute: number }

export async function soak(
  bench: Bench,
  ms: number,
): Promise<{ readonly figures: readonly Figure[]; readonly svg: string }> {
  return inWorld(bench, size, async (world) => {
    const port = await freePort()
    const { operator } = world.startOperator('built', { METRICS_PORT: String(port) })
    await world.watch.allReady(size)
    const stop = new AbortController()
    const [edits, drifts] = [editing(world, stop.signal), drifting(world, stop.signal)]
    const samples = await sampling(port, operator.pid, ms)
    stop.abort()
    const counts = { edits: await edits, drifts: await drifts }
    await world.watch.allReady(size)
    const figures = (Object.keys(sampled) as (keyof typeof sampled)[]).map((part): Figure => {
      const values = samples.map((sample) => sample[part])
      const span = Math.floor(values.length * window)
      const from = Math.floor(values.length * warmUp)
      // Collections make a saw of the heap, of which the lowest points tell what is kept.
      const level = (some: readonly number[]) => (part === 'heap' ? Math.min(...some) : median(some))
      const [before, after] = [level(values.slice(from, from + span)), level(values.slice(-span))]
      const { title, unit } = sampled[part]
      const note = `${before.toFixed(1)} in the second third, ${after.toFixed(1)} in the last`
      return {
        name: `soak: ${title.toLowerCase()}, last third to second`,
        value: after / before,
        unit: 'times',
        max: maxGrowth,
        note: `${note} ${unit}`,
      }
    })
    const svg = svgOf({
      title: `${Math.round(ms / 60_000)} minutes of edits and drift over ${size.toLocaleString('en')} objects`,
      caption: `${counts.edits} edits in Kubernetes, ${counts.drifts} changes in ZStack put back; all objects Ready in the last`,
      xTitle: 'minutes',
      charts: (Object.keys(sampled) as (keyof typeof sampled)[]).map((part) => ({
        ...sampled[part],
        isLogarithmic: false,
        series: [
          {
            name: sampled[part].title.toLowerCase(),
            points: samples.map((sample) => [sample.minute, sample[part]] as const),
          },
        ],
      })),
    })
    return { figures, svg }
  })
}

async function editing(world: World, signal: AbortSignal): Promise<number> {
  let count = 0
  for (; !signal.aborted; count++) {
    await world.edit(count % size, { description: `edit ${count}`, requestCpu: 1 + (count % 32) })
    await sleep(editPauseMs)
  }
  return count
}

async function drifting({ zstack }: World, signal: AbortSignal): Promise<number> {
  let count = 0
  for (; !signal.aborted; count++) {
    await zstack.drift(zstack.uuids[(count * 7) % size] ?? '', { description: `drift ${count}` })
    await sleep(editPauseMs)
  }
  return count
}

async function sampling(port: number, pid: number, ms: number): Promise<readonly Sample[]> {
  const began = performance.now()
  const samples: Sample[] = []
  while (performance.now() - began < ms) {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } })
    const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const valueOf = (name: string) =>
      Number(
        lines
          .find((line) => line.startsWith(name))
          ?.split(' ')
          .at(-1),
      )
    samples.push({
      minute: (performance.now() - began) / 60_000,
      heap: valueOf('nodejs_heap_size_used_bytes') / 1e6,
      memory: await residentMemory(pid),
      handles: await openHandles(pid),
      series: lines.length,
    })
    await sleep(samplePauseMs)
  }
  return samples
}
