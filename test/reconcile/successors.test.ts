import { describe, expect, it } from 'vitest'
import { startOperatorInMemory } from '../support/operator-in-memory.ts'
import { keyOf } from '../support/fleet.ts'
import { conditionOf } from '../../src/decide/conditions.ts'

const uuid = 'a'.repeat(32)
const poll = 66_000

/** An object whose update flies: from 4 to 8, until it is landed. */
async function updateThatFlies() {
  const operator = startOperatorInMemory({ onUpdate: () => undefined })
  const { fleet, inventory, clock } = operator
  inventory.place(uuid, { requestCpu: 4 })
  fleet.create('owner', { uuid, requestCpu: 4 }, { createdAt: '2026-01-01T00:00:00Z' })
  fleet.create('next', { uuid, requestCpu: 4 }, { createdAt: '2026-01-02T00:00:00Z' })
  await clock.advance(1_000)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  inventory.next('update', { after: promise })
  fleet.edit('owner', { requestCpu: 8 })
  await clock.advance(100)
  return {
    ...operator,
    ready: (name: string) => conditionOf(fleet.status(name), 'Ready')?.reason,
    land: async () => {
      resolve(undefined)
      await clock.advance(0)
    },
  }
}

describe('the owner of a uuid that is deleted while its update flies', () => {
  it('leaves the service to the next owner, whose value is there within two polls', async () => {
    const { fleet, inventory, clock, ready, land, stop } = await updateThatFlies()
    fleet.remove('owner')
    await clock.advance(1_000)
    expect(ready('next')).toBe('InSync')
    await land()
    expect(inventory.held(uuid)).toMatchObject({ requestCpu: 8 })
    await clock.advance(2 * poll)
    expect(inventory.held(uuid)).toMatchObject({ requestCpu: 4 })
    expect(ready('next')).toBe('InSync')
    await stop()
  })

  it('leaves nothing to do for a next owner that declares the same, and the polls go on without a pass', async () => {
    const { fleet, inventory, clock, land, stop } = await updateThatFlies()
    fleet.remove('owner')
    fleet.edit('next', { requestCpu: 8 })
    await land()
    await clock.advance(2 * poll)
    const before = inventory.calls.filter(({ kind }) => kind !== 'refresh').length
    await clock.advance(10 * poll)
    expect(inventory.calls.filter(({ kind }) => kind !== 'refresh')).toHaveLength(before)
    await stop()
  })
})

describe('an object that is replaced by force while its update flies', () => {
  it('is handled at once when the update has landed', async () => {
    const { fleet, inventory, clock, ready, land, stop } = await updateThatFlies()
    fleet.remove('next')
    fleet.remove('owner')
    fleet.create('owner', { uuid, requestCpu: 16 })
    await clock.advance(1_000)
    await land()
    await clock.advance(1_000)
    expect(inventory.held(uuid)).toMatchObject({ requestCpu: 16 })
    expect(ready('owner')).toBe('InSync')
    await stop()
  })

  it('is handled at once where the API server knows of it before the watch does', async () => {
    const { fleet, inventory, clock, ready, land, stop } = await updateThatFlies()
    fleet.remove('next')
    fleet.nextWrite({ finds: 'nothing' })
    await land()
    await clock.advance(1_000)
    expect(fleet.get(keyOf('owner'))).toBeDefined()
    fleet.remove('owner')
    fleet.create('owner', { uuid, requestCpu: 16 })
    await clock.advance(1_000)
    expect(inventory.held(uuid)).toMatchObject({ requestCpu: 16 })
    expect(ready('owner')).toBe('InSync')
    await stop()
  })
})

describe('an object that does not speak for its uuid', () => {
  it('names the one that does within a poll, though another has taken over', async () => {
    const { fleet, inventory, clock, stop } = startOperatorInMemory({ onUpdate: () => undefined })
    inventory.place(uuid, { requestCpu: 4 })
    for (const [i, name] of ['first', 'second', 'third'].entries())
      fleet.create(name, { uuid, requestCpu: 4 }, { createdAt: `2026-01-0${i + 1}T00:00:00Z` })
    await clock.advance(1_000)
    const message = () => conditionOf(fleet.status('third'), 'Ready')?.message
    expect(message()).toContain('default/first')
    fleet.remove('first')
    await clock.advance(poll)
    expect(message()).toContain('default/second')
    expect(conditionOf(fleet.status('second'), 'Ready')?.reason).toBe('InSync')
    await stop()
  })
})
