import { describe, expect, it } from 'vitest'
import { drawLasting, troubleSorts, type LastingSchedule } from './lasting-schedule.ts'
import { runLasting } from './lasting-world.ts'
import { runLastingSeeds } from './runner.ts'

const isRun = process.env.LASTING_FAULTS === '1'
const schedules = 10

/** A schedule without its faults and what they are about. */
const healthy = (schedule: LastingSchedule): LastingSchedule => ({
  ...schedule,
  ...{ faults: [], omissions: [], contested: [], sorts: [], slow: [], quietFromMs: schedule.spanMs },
})

describe('while faults last', () => {
  it('nobody complains of a world without faults', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { violations, updates } = await runLasting(healthy(drawLasting(seed, 'PUTs fail')))
      expect(violations, `seed ${seed}`).toEqual([])
      expect(updates).toBeGreaterThan(0)
    }
  })

  it('tells the same story for the same seed', async () => {
    const tell = async () => {
      const story: string[] = []
      await runLasting(drawLasting(3, 'PUTs fail'), (line) => story.push(line.replace(/"reconcileID":"[^"]*"/, '')))
      return story
    }
    const once = await tell()
    expect(once.length).toBeGreaterThan(100)
    expect(await tell()).toEqual(once)
  })

  it.runIf(isRun).each(troubleSorts)('bystanders get what they would get without it: %s', async (sort) => {
    const { failures } = await runLastingSeeds(1, schedules, sort)
    expect(failures.map(({ violation }) => violation)).toEqual([])
  })
})
