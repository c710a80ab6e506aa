import { describe, expect, it } from 'vitest'
import { simulate } from './command.ts'
import { drawLasting, troubleSorts, type LastingSchedule } from './lasting-schedule.ts'
import { runLasting } from './lasting-world.ts'

/** Of each sort of trouble. */
const schedules = 6

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

  it.each(troubleSorts)('bystanders get what they would get without it: %s', { timeout: 300_000 }, async (sort) => {
    const { output, code } = await simulate('--lasting', '--seeds', String(schedules), '--only', sort)
    expect(code, output).toBe(0)
    expect(output).toContain(`in all ${schedules} schedules`)
  })
})
