import { describe, expect, it } from 'vitest'
import { simulate } from './command.ts'
import { drawSchedule } from './schedule.ts'
import { runSchedule } from './world.ts'

/** Beside those of faults that last, in `lasting.test.ts`. */
const schedules = 1_904

describe('the operator among faults', () => {
  it(
    'writes nothing that it may not, leaks no secret, converges and is still, whatever befalls it',
    { timeout: 900_000 },
    async () => {
      const { output, code } = await simulate('--seeds', String(schedules))
      const sum = /in all (?<done>\d+) schedules, .* (?<updates>\d+) updates, (?<writes>\d+) status writes,/.exec(
        output,
      )
      const { done, updates, writes } = sum?.groups ?? {}
      expect(code, output).toBe(0)
      expect(Number(done)).toBe(schedules)
      // A world in which nothing happens proves nothing.
      expect(Number(updates)).toBeGreaterThan(2 * schedules)
      expect(Number(writes)).toBeGreaterThan(5 * schedules)
    },
  )

  it('tells the same story for the same seed', async () => {
    const tell = async (seed: number) => {
      const story: string[] = []
      await runSchedule(drawSchedule(seed), (line) => story.push(line.replace(/"reconcileID":"[^"]*"/, '')))
      return story
    }
    // With two replicas, kills and troubles in it.
    const once = await tell(5473)
    expect(once.length).toBeGreaterThan(100)
    expect(await tell(5473)).toEqual(once)
  })

  it.each([
    [['--seeds', 'many'], 'many is no whole number'],
    [['--seed'], "'--seed <value>' argument missing"],
    [['--often'], "'--often'"],
  ])('says what is wrong with %j', async (args, words) => {
    const { output, code } = await simulate(...args)
    expect(output).toContain(words)
    expect(output).toContain('npm run simulate -- --seeds')
    expect(code).toBe(2)
  })
})
