/** What a fleet costs by its size, as figures and as a picture. */
import type { Figure } from '../figures.ts'
import { svgOf, type Series } from '../plot.ts'
import type { Bench, Program } from '../world.ts'
import { startedAll, type Started, type StartedAll } from './start.ts'

export const fleetSizes = [100, 300, 1_000, 3_000, 10_000] as const

const names: Readonly<Record<Program, string>> = {
  built: 'this operator',
  plain: 'plain operator in Go',
  bare: 'bare loop',
}

export async function costOverSize(
  bench: Bench,
  sizes: readonly number[],
): Promise<{ readonly figures: readonly Figure[]; readonly svg: string }> {
  const runs: { readonly size: number; readonly all: StartedAll }[] = []
  for (const size of sizes) runs.push({ size, all: await startedAll(bench, size) })
  const chart = (part: keyof Started, title: string, unit: string, isLogarithmic: boolean) => {
    const series = (Object.keys(names) as Program[])
      .map((program): Series => {
        const points = runs.flatMap(({ size, all }) => {
          const value = all[program]?.[part]
          return value === undefined ? [] : [[size, value] as const]
        })
        return { name: names[program], points }
      })
      .filter(({ points }) => points.length > 0)
    return { title, unit, isLogarithmic, series }
  }
  const svg = svgOf({
    title: 'What a fleet costs at its first start',
    caption: 'Every object differs in ZStack and has 1 KB of yaml; ZStack answers after 5 ms; two cores for everything',
    xTitle: 'objects',
    charts: [
      chart('seconds', 'Start to all Ready', 's', true),
      chart('cpu', 'CPU time until then', 's', true),
      chart('memory', 'Peak memory', 'MB', true),
      chart('requests', 'Requests to ZStack', 'count', true),
    ],
  })
  const parts = [
    ['seconds', 's'],
    ['cpu', 's'],
    ['memory', 'MB'],
    ['requests', ''],
  ] as const
  const figures = runs.flatMap(({ size, all: { built, plain, bare } }) =>
    parts.map(([part, unit]): Figure => ({
      ...{ name: `${size} objects, ${part}`, value: built[part], unit },
      ...(plain && { plain: plain[part] }),
      ...(bare && { bare: bare[part] }),
    })),
  )
  return { figures, svg }
}
