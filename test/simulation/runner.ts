/** Many schedules one after the other, and a failing one cut down to what it takes. */
import type { Violation, ViolationKind } from './bystanders.ts'
import { drawLasting, type LastingSchedule, type TroubleSort } from './lasting-schedule.ts'
import { runLasting } from './lasting-world.ts'
import { drawSchedule, type Schedule } from './schedule.ts'
import { runSchedule } from './world.ts'

export type Failure = { readonly seed: number; readonly violation: string }
/** Faults that last: what the schedule broke, and which promises were broken in turn. */
export type LastingFailure = Failure & {
  readonly sorts: readonly TroubleSort[]
  readonly kinds: readonly ViolationKind[]
}
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

/** @param only the one sort of trouble, where it is not to be drawn */
export async function runLastingSeeds(from: number, count: number, only?: TroubleSort) {
  const failures: LastingFailure[] = []
  const sum: Sum = { schedules: 0, updates: 0, statusWrites: 0, virtualMs: 0 }
  for (let seed = from; seed < from + count; seed += 1) {
    const schedule = drawLasting(seed, only)
    const { violations, updates, statusWrites, virtualMs } = await runLasting(schedule)
    if (violations.length > 0) failures.push(failureOf(schedule, violations))
    sum.schedules += 1
    sum.updates += updates
    sum.statusWrites += statusWrites
    sum.virtualMs += virtualMs
  }
  return { failures, sum }
}

/** The first violation of each kind, in one sentence. */
export function failureOf({ seed, sorts }: LastingSchedule, violations: readonly Violation[]): LastingFailure {
  const firsts = [...new Map(violations.toReversed().map((violation) => [violation.kind, violation])).values()]
  const told = firsts.toReversed().map(({ kind, at, what }) => `at ${(at / 1000).toFixed(3)} s: ${kind}: ${what}`)
  return {
    seed,
    violation: [sorts.join(' and '), ...told].join('\n    '),
    sorts,
    kinds: firsts.map(({ kind }) => kind),
  }
}

/** How many schedules broke which promise, the most frequent first. */
export function countKinds(failures: readonly LastingFailure[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const { sorts, kinds } of failures)
    for (const kind of kinds) {
      const id = `${sorts.join(' and ')}: ${kind}`
      for (const line of sorts.length === 1 ? [kind, id] : [kind]) counts.set(line, (counts.get(line) ?? 0) + 1)
    }
  return [...counts].sort(([, a], [, b]) => b - a).map(([id, count]) => `${String(count).padStart(6)}  ${id}`)
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
