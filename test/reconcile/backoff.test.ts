import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/decide/failure.ts'
import { outage } from '../support/reconciler.ts'
import { startOperatorInMemory } from '../support/operator-in-memory.ts'

const minute = 60_000
const hour = 60 * minute
const many = 5_000
const busy: Failure = { kind: 'unavailable', code: 'SYS.1000', message: 'ZStack has an internal error' }
const uuidOf = (i: number) => String(i).repeat(32)

/** Objects that differ from their services, with the moments of their updates. */
function differing(count: number) {
  const updates: number[] = []
  const operator = startOperatorInMemory({ onUpdate: () => updates.push(operator.clock.monotonic()) })
  const { fleet, inventory } = operator
  return {
    ...operator,
    updates,
    create: () => {
      for (let i = 1; i <= count; i++) {
        inventory.place(uuidOf(i), { requestCpu: 4 })
        fleet.create(`n${i}`, { uuid: uuidOf(i), requestCpu: 8 })
      }
    },
  }
}

describe('an object whose update fails always', () => {
  it('is sent 24 times an hour or less, whatever the polls do', async () => {
    const { clock, inventory, create, updates, stop } = differing(1)
    inventory.next('update', ...Array.from({ length: many }, () => ({ fails: outage })))
    create()
    await clock.advance(hour)
    expect(updates.length).toBeLessThanOrEqual(24)
    expect(updates.length).toBeGreaterThan(12)
    await stop()
  })

  it('is sent at once when its service looks other than before', async () => {
    const { clock, inventory, create, updates, stop } = differing(1)
    inventory.next('update', ...Array.from({ length: many }, () => ({ fails: outage })))
    create()
    await clock.advance(hour)
    inventory.place(uuidOf(1), { requestCpu: 5 })
    const before = updates.length
    // The poll that sees it; then the row of failures begins anew.
    await clock.advance(minute + 5_000)
    expect(updates.length - before).toBeGreaterThanOrEqual(2)
    await stop()
  })

  it('is sent at once when a person edits it', async () => {
    const { clock, fleet, inventory, create, updates, stop } = differing(1)
    inventory.next('update', ...Array.from({ length: many }, () => ({ fails: outage })))
    create()
    await clock.advance(hour)
    const before = updates.length
    fleet.edit('n1', { requestCpu: 9 })
    await clock.advance(0)
    expect(updates.length - before).toBe(1)
    await stop()
  })
})

describe('objects whose jobs fail always', () => {
  it('are sent what their backoff allows: each about twelve times in ten minutes', async () => {
    const { clock, inventory, create, updates, stop } = differing(3)
    inventory.next('update', ...Array.from({ length: many }, () => ({ job: true }) as const))
    inventory.next('job', ...Array.from({ length: many }, () => ({ fails: busy })))
    create()
    await clock.advance(10 * minute)
    expect(updates.length / 3).toBeLessThanOrEqual(12)
    expect(updates.length / 3).toBeGreaterThan(6)
    await stop()
  })
})
