import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parse, type FieldName, type Spec } from '../../src/api/modelservice.ts'
import { reconcileRequestedAt } from '../../src/api/names.ts'
import { desiredOf, fields } from '../../src/api/fields.ts'
import { isEmpty, type Json } from '../../src/api/json.ts'
import type { Patch } from '../../src/decide/plan.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { keyOf } from '../support/fleet.ts'
import { startOperatorInMemory } from '../support/operator-in-memory.ts'
import { applyStep, endFaults, names, steps, uuidOf, type Name, type WorldWithFaults } from '../support/fault-steps.ts'

const hour = 3_600_000

function createWorld(): WorldWithFaults & { readonly violations: readonly string[] } {
  const violations: string[] = []
  const operator = startOperatorInMemory({
    onUpdate(uuid, patch, isAlone) {
      const violation = isAlone ? violationOf(uuid, patch) : `a second update of ${uuid} at once`
      if (violation !== undefined) violations.push(violation)
    },
  })
  const { inventory, fleet } = operator

  /** Why nobody may send this now. */
  function violationOf(uuid: string, patch: Patch): string | undefined {
    const object = fleet.get(operator.winner(uuid) ?? '')
    const parsed = object && parse(object)
    if (!parsed?.ok) return `an update of ${uuid}, which no valid object speaks for`
    const { spec } = parsed
    const text = `an update ${JSON.stringify(patch)} in spite of ${JSON.stringify(spec)}`
    if (spec.policy === 'Observe' || spec.suspend) return text
    const desired = desiredOf(spec)
    const isDeclared = ([field, value]: [string, Json]) => isDeepStrictEqual(desired.get(field as FieldName), value)
    return Object.entries(patch).every(isDeclared) ? undefined : text
  }

  for (const [index, name] of names.entries()) {
    inventory.place(uuidOf(name), { requestCpu: 4, name: 'model' })
    fleet.create(name, { uuid: uuidOf(name), requestCpu: 4 }, { createdAt: `2025-01-0${index + 1}T00:00:00Z` })
  }
  return { ...operator, violations, lost: new Map() }
}

/** What is not as it should be with an object after the faults have ended, among the fields that count. */
function faultOf({ fleet, winner, inventory }: WorldWithFaults, name: Name, counts: (field: FieldName) => boolean) {
  const object = fleet.get(keyOf(name))!
  const status = fleet.status(name)
  const ready = conditionOf(status, 'Ready')
  const summary = `${ready?.status} ${ready?.reason}`
  const parsed = parse(object)
  if (!parsed.ok) return summary === 'False UnknownPolicy' ? undefined : summary
  if (winner(uuidOf(name)) !== keyOf(name)) return summary === 'False UUIDConflict' ? undefined : summary
  const token = object.metadata.annotations?.[reconcileRequestedAt]
  if (token !== undefined && status.lastHandledReconcileAt !== token) return `request ${token} is not dealt with`
  const differing = differences(parsed.spec, inventory.held(uuidOf(name))!).filter(counts)
  const expected = expectations(parsed.spec, differing)
  return expected.includes(summary) ? undefined : `${summary}, differs in ${differing.join()}`
}

function expectations({ policy, suspend }: Spec, differing: readonly FieldName[]): readonly string[] {
  const isShown = differing.some((field) => fields[field].visibility === 'shown')
  const isHidden = differing.some((field) => fields[field].visibility === 'hidden')
  if (policy === 'Observe') return [isShown ? 'True DriftDetected' : 'True InSync']
  // ApplyChanges tells drift from a change of the spec by what was once in effect.
  const drifted = isShown && policy === 'ApplyChanges' ? ['True DriftDetected'] : []
  // What was never sent and ZStack does not show is work left too, even where ZStack happens to hold it.
  if (suspend === true) return isShown ? ['Unknown Suspended', ...drifted] : ['Unknown Suspended', 'True InSync']
  return isHidden ? [] : isShown ? drifted : ['True InSync']
}

function differences(spec: Spec, held: Patch): FieldName[] {
  const differs = ([field, value]: [FieldName, Json]) =>
    isEmpty(value) ? !isEmpty(held[field]) : !isDeepStrictEqual(held[field], value)
  return [...desiredOf(spec)].filter(differs).map(([field]) => field)
}

it('after any edits, drift, failures and restarts: once they stop, all converges, and then nothing moves', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (drawn) => {
      const world = createWorld()
      const { clock, inventory, fleet, violations } = world
      for (const step of drawn) await applyStep(step, world)
      endFaults(world)
      await clock.advance(3 * hour)
      // That an update had no effect shows in what can be read alone.
      const isSure = !drawn.some((step) => 'next' in step && 'ineffective' in step.script)
      const counts = (field: FieldName) => isSure || fields[field].visibility !== 'hidden'
      const faults = names.map((name) => faultOf(world, name, counts))
      const moved = () => [inventory.updates().length, fleet.writes.length]
      const before = moved()
      await clock.advance(3 * hour)
      const after = moved()
      await world.stop()
      expect({ violations, faults }).toEqual({ violations: [], faults: names.map(() => undefined) })
      expect(after).toEqual(before)
    }),
    { numRuns: 80, seed: 20261123 },
  )
}, 120_000)
