import fc from 'fast-check'
import type { Failure } from '../../src/decide/failure.ts'
import type { Patch } from '../../src/decide/plan.ts'
import type { Spec } from '../../src/api/modelservice.ts'
import { keyOf } from './fleet.ts'
import type { Script } from './inventory.ts'
import type { startOperatorInMemory } from './operator-in-memory.ts'
import { lost as unanswered, outage, refusal } from './reconciler.ts'

export const names = ['a', 'b', 'c', 'twin'] as const
export type Name = (typeof names)[number]
/** `twin` speaks for the service of `a`, and is younger. */
export const uuidOf = (name: Name) => (name === 'twin' ? 'a' : name).repeat(32)

/** A script as data; `slow` is an answer that takes so many milliseconds. */
type Scripted = Script | { readonly slow: number }

/** Something that people, ZStack, the network or the machine do. */
export type Step =
  | { readonly edit: Name; readonly change: Partial<Record<keyof Spec, unknown>> }
  | { readonly request: Name; readonly token: string }
  | { readonly drift: Name; readonly requestCpu: number }
  | { readonly lose: Name }
  | { readonly replace: Name }
  | { readonly next: 'read' | 'refresh' | 'update' | 'job'; readonly script: Scripted }
  | { readonly endJobs: 'done' | 'expired' | { readonly fails: Failure } }
  | { readonly statusWriteFails: true }
  | { readonly restart: true }
  | { readonly advance: number }

const anyName = fc.constantFrom(...names)
const change = fc.oneof(
  fc.record({ requestCpu: fc.nat(3) }),
  fc.record({ description: fc.constantFrom('one', 'two', '', undefined) }),
  fc.record({ userTags: fc.constantFrom(['x'], ['y'], [], undefined) }),
  fc.record({ environmentParameters: fc.constantFrom({ A: '1' }, { A: '2' }, undefined) }),
  fc.record({ policy: fc.constantFrom('Enforce', 'ApplyChanges', 'Observe', 'Guess', undefined) }),
  fc.record({ suspend: fc.constantFrom(true, false, undefined) }),
)
const failure = fc.constantFrom<Failure[]>(
  outage,
  refusal,
  { kind: 'quota', message: 'too much' },
  { kind: 'operation', message: 'ZStack could not' },
)
const fails = fc.record({ fails: failure })
const silence = fc.constant<Scripted>({ fails: outage })
const slow = fc.record({ slow: fc.integer({ min: 1, max: 20_000 }) })
const updateScript = fc.oneof(
  fails,
  slow,
  fc.record({ fails: fc.constant(unanswered), carriedOut: fc.boolean() }),
  fc.constantFrom<Scripted[]>({ ineffective: true }, { job: true }),
)

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ edit: anyName, change }),
    fc.record({ request: anyName, token: fc.constantFrom('one', 'two', 'three') }),
    fc.record({ drift: anyName, requestCpu: fc.nat(3) }),
    fc.record({ lose: anyName }),
    // Not the winner: its last update may be on its way still when the next in line sends one.
    fc.record({ replace: fc.constantFrom<Name[]>('b', 'c', 'twin') }),
    fc.record({ next: fc.constantFrom('read' as const, 'refresh' as const), script: fc.oneof(silence, slow) }),
    fc.record({ next: fc.constant('update' as const), script: updateScript }),
    fc.record({ next: fc.constant('job' as const), script: silence }),
    fc.record({ endJobs: fc.oneof(fc.constantFrom('done' as const, 'expired' as const), fails) }),
    fc.constant({ statusWriteFails: true }),
    fc.constant({ restart: true }),
    fc.record({ advance: fc.constantFrom(0, 300, 1_000, 30_000, 600_000) }),
  ),
  { minLength: 1, maxLength: 40 },
)

export type WorldWithFaults = ReturnType<typeof startOperatorInMemory> & {
  /** Services out of sight, with what they hold. */
  readonly lost: Map<string, Patch>
}

export async function applyStep(step: Step, world: WorldWithFaults): Promise<void> {
  const { clock, fleet, inventory, lost } = world
  if ('edit' in step) fleet.edit(step.edit, step.change)
  else if ('request' in step) fleet.request(step.request, step.token)
  else if ('drift' in step) drift(uuidOf(step.drift), step.requestCpu, world)
  else if ('lose' in step) {
    const uuid = uuidOf(step.lose)
    lost.set(uuid, { ...lost.get(uuid), ...inventory.held(uuid) })
    inventory.remove(uuid)
  } else if ('replace' in step) {
    const spec = fleet.get(keyOf(step.replace))?.spec as Spec
    fleet.remove(step.replace)
    fleet.create(step.replace, spec, { createdAt: new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z') })
  } else if ('next' in step) {
    const { next, script } = step
    inventory.next(next, 'slow' in script ? { after: clock.sleep(script.slow) } : script)
  } else if ('endJobs' in step) inventory.endJobs(step.endJobs)
  else if ('statusWriteFails' in step) fleet.nextWrite({ fails: new Error('503') })
  else if ('restart' in step) world.restart()
  else await clock.advance(step.advance)
}

function drift(uuid: string, requestCpu: number, { inventory, lost }: WorldWithFaults) {
  if (inventory.held(uuid)) inventory.place(uuid, { requestCpu })
  else lost.set(uuid, { ...lost.get(uuid), requestCpu })
}

/** Ends every fault. What is wrong by now stays wrong until somebody corrects it. */
export function endFaults({ fleet, inventory, lost }: WorldWithFaults): void {
  inventory.endFaults()
  fleet.endFaults()
  for (const [uuid, values] of lost) inventory.place(uuid, values)
}
