import { describe, expect, it } from 'vitest'
import { explain, runSeeds } from './runner.ts'
import { drawSchedule } from './schedule.ts'
import { runSchedule } from './world.ts'

const portion = 250
const portions = Array.from({ length: 8 }, (_, index) => 1 + index * portion)

describe('whatever ZStack, Kubernetes and the machine do to the operator', () => {
  it.each(portions)(
    'it writes nothing that it may not, tells no secret, converges and is still: %i and the seeds after it',
    async (from) => {
      const { failures, sum } = await runSeeds(from, portion)
      const [first] = failures
      expect(first && (await explain(first))).toBeUndefined()
      // A world in which nothing happens proves nothing.
      expect(sum.updates).toBeGreaterThan(2 * portion)
      expect(sum.statusWrites).toBeGreaterThan(5 * portion)
    },
    300_000,
  )

  it('a seed tells the same story again', async () => {
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
})
