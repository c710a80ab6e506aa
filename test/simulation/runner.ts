/** Many schedules one after the other, and a failing one cut down to what it takes. */
import { drawSchedule, type Schedule } from './schedule.ts'
import { runSchedule } from './world.ts'

export type Failure = { readonly seed: number; readonly violation: string }
/** What the schedules did, so that a simulation in which nothing happens does not pass for a good one. */
export type Sum = { schedules: number; updates: number; statusWrites: number; virtualMs: number }

export async function runSeeds(from: number, count: number): Promise<{ failures: readonly Failure[]; sum: Sum }> {
  const failures: Failure[] = []
  const sum: Sum = { schedules: 0, updates: 0, statusWrites: 0, virtualMs: 0 }
  for (let seed = from; seed < from + count; seed += 1) {
    const { violation, updates, statusWrites, virtualMs } = await runSchedule(drawSchedule(seed))
    if (violation !== undefined) failures.push({ seed, violation })
    sum.schedules += 1
    sum.updates += updates
    sum.statusWrites += statusWrites
    sum.virtualMs += virtualMs
  }
  return { failures, sum }
}

const maxRuns = 150

/** Leaves out every step without which something still goes wrong: first many at once, then one by one. */
export async function shrink(schedule: Schedule): Promise<Schedule> {
  let smallest = schedule
  let runs = 0
  for (let size = Math.ceil(schedule.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let first = 0; first < smallest.steps.length && runs < maxRuns;) {
      const steps = smallest.steps.filter((_, index) => index < first || index >= first + size)
      const smaller = { ...smallest, steps }
      runs += 1
      if ((await runSchedule(smaller)).violation !== undefined) smallest = smaller
      else first += size
    }
  return smallest
}

export const replayOf = (seed: number) => `npm run simulate -- --seed ${seed} --trace`

/** For people: what went wrong, how to see it again, and the steps that it takes. */
export async function explain({ seed, violation }: Failure): Promise<string> {
  const { steps } = await shrink(drawSchedule(seed))
  const lines = steps.map(({ at, ...step }) => `    ${String(at).padStart(8)} ms  ${JSON.stringify(step)}`)
  return [`seed ${seed}: ${violation}`, `  ${replayOf(seed)}`, '  what it takes:', ...lines].join('\n')
}
