import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { drawSchedule } from './schedule.ts'
import { runSchedule } from './world.ts'

const schedules = 2_000
const program = fileURLToPath(new URL('../programs/simulate.ts', import.meta.url))
/** It takes the time that other tests spend waiting, and disturbs none of them. */
const niceness = 10

/** The command that people run, in a process of its own: nothing transforms its modules, which halves the time. */
async function simulate(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (child.pid !== undefined) setPriority(child.pid, niceness)
  const [output, code] = await Promise.all([
    text(child.stdout),
    new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)),
  ])
  return { output, code }
}

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
