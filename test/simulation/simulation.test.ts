import { expect, it } from 'vitest'
import { drawSchedule } from './schedule.ts'
import { runSchedule } from './world.ts'

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
