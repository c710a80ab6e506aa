import { describe, expect, it } from 'vitest'
import { createRig, uuid } from '../support/reconciler.ts'

const minute = 60_000
const anySignal = new AbortController().signal

/** A server that accepts every update and changes nothing. */
function stubborn() {
  const rig = createRig({ isIneffective: true })
  rig.inventory.place(uuid, { requestCpu: 4 })
  rig.fleet.create('a', { uuid, requestCpu: 8 })
  return { ...rig, sent: () => rig.inventory.updates().length, rig }
}

async function afterThree() {
  const world = stubborn()
  await world.passes('a', 3)
  expect(world.ready('a')).toBe('False UpdateNotEffective')
  return world
}

describe('the limit on ineffective updates', () => {
  it('is reached at the third update without effect: stalled, and no update for an hour', async () => {
    const { pass, clock, sent, ready, condition } = stubborn()
    expect(await pass('a')).toEqual({ kind: 'backOff' })
    expect(await pass('a')).toEqual({ kind: 'backOff' })
    expect(ready('a')).toBe('False Updating')
    expect(await pass('a')).toEqual({ kind: 'after', ms: 60 * minute })
    expect(ready('a')).toBe('False UpdateNotEffective')
    expect(condition('a', 'Stalled')?.status).toBe('True')
    expect(condition('a', 'Reconciling')).toBeUndefined()
    await clock.advance(59 * minute)
    expect(await pass('a')).toEqual({ kind: 'after', ms: minute })
    expect(sent()).toBe(3)
  })

  it('holds for an hour though the clock was set a year ahead in between', async () => {
    const { pass, passes, clock, sent } = stubborn()
    const year = 365 * 24 * 60 * minute
    await passes('a', 2)
    clock.setWall(year)
    await pass('a')
    clock.setWall(-year)
    await clock.advance(59 * minute)
    await pass('a')
    expect(sent()).toBe(3)
    await clock.advance(minute)
    await pass('a')
    expect(sent()).toBe(4)
  })

  it('holds for an hour though a process whose clock was a year ahead began it', async () => {
    const { rig, pass, passes, clock, sent } = stubborn()
    const year = 365 * 24 * 60 * minute
    clock.setWall(year)
    rig.restart()
    await passes('a', 3)
    clock.setWall(-year)
    rig.restart()
    await clock.advance(59 * minute)
    await pass('a')
    expect(sent()).toBe(3)
    await clock.advance(60 * minute)
    await pass('a')
    expect(sent()).toBe(4)
  })

  it('after the hour one update is tried, and then none for another hour', async () => {
    const { pass, clock, sent } = await afterThree()
    await clock.advance(60 * minute)
    await pass('a')
    await pass('a')
    expect(sent()).toBe(4)
    await clock.advance(60 * minute)
    await pass('a')
    await pass('a')
    expect(sent()).toBe(5)
  })

  it('stays reached across a restart, and the hour goes on', async () => {
    const { pass, clock, sent, restart } = await afterThree()
    await clock.advance(40 * minute)
    restart()
    expect(await pass('a')).toEqual({ kind: 'after', ms: 20 * minute })
    expect(sent()).toBe(3)
    await clock.advance(20 * minute)
    await pass('a')
    restart()
    await pass('a')
    expect(sent()).toBe(4)
  })

  it('a restart between the tries starts no new count', async () => {
    const { pass, sent, ready, restart } = stubborn()
    for (let i = 0; i < 6; i++) {
      await pass('a')
      restart()
    }
    expect(sent()).toBe(3)
    expect(ready('a')).toBe('False UpdateNotEffective')
  })

  describe('where another service shows that ZStack has a field that it leaves out here', () => {
    const other = 'b'.repeat(32)
    function unreadable() {
      const rig = createRig({ isIneffective: true })
      rig.inventory.place(uuid, { requestCpu: 4 })
      rig.inventory.place(other, { source: 'elsewhere' })
      rig.fleet.create('a', { uuid, requestCpu: 8, source: 'here' })
      const look = () => rig.inventory.refresh([other], anySignal)
      return { ...rig, look, sent: () => rig.inventory.updates().length }
    }

    it('a restart that forgets so starts no new count', async () => {
      const { pass, passes, look, restart, sent, ready } = unreadable()
      await look()
      await passes('a', 2)
      restart()
      await pass('a')
      await pass('a')
      expect(sent()).toBe(3)
      expect(ready('a')).toBe('False UpdateNotEffective')
    })

    it('the hold is lifted when that comes to light', async () => {
      const { passes, look, sent } = unreadable()
      await passes('a', 3)
      await look()
      await passes('a', 5)
      expect(sent()).toBe(6)
    })

    it('the hold is lifted when its value disappears here', async () => {
      const { passes, inventory, sent } = unreadable()
      inventory.place(uuid, { source: 'here' })
      await passes('a', 3)
      inventory.place(uuid, { source: null })
      await inventory.refresh([uuid], anySignal)
      await passes('a', 5)
      expect(sent()).toBe(6)
    })
  })

  it('a restart writes no status where nothing has changed', async () => {
    const { pass, fleet, restart } = await afterThree()
    const writes = fleet.writes.length
    restart()
    await pass('a')
    expect(fleet.writes).toHaveLength(writes)
  })

  it('is lifted by a new generation, which has three tries of its own', async () => {
    const { passes, fleet, sent, rig } = await afterThree()
    fleet.edit('a', { requestCpu: 16 })
    await passes('a', 5)
    expect(sent()).toBe(6)
    expect(rig.inventory.updates().at(-1)).toEqual({ requestCpu: 16 })
  })

  it('is lifted by a request, which has three tries of its own', async () => {
    const { passes, fleet, sent, ready } = await afterThree()
    fleet.request('a', 'again')
    await passes('a', 5)
    expect(sent()).toBe(6)
    expect(ready('a')).toBe('False UpdateNotEffective')
  })

  it('a restart right after a request takes none of its three tries away', async () => {
    const { pass, passes, fleet, sent, restart } = await afterThree()
    fleet.request('a', 'again')
    await pass('a')
    restart()
    await passes('a', 5)
    expect(sent()).toBe(6)
  })

  it('of an object says nothing of another one that took its name, which has three tries of its own', async () => {
    const { passes, fleet, sent } = await afterThree()
    fleet.remove('a')
    fleet.create('a', { uuid, requestCpu: 8 })
    await passes('a', 5)
    expect(sent()).toBe(6)
  })

  it('is lifted when ZStack shows another difference', async () => {
    const { passes, inventory, sent } = await afterThree()
    inventory.place(uuid, { requestCpu: 5 })
    await inventory.refresh([uuid], anySignal)
    await passes('a', 5)
    expect(sent()).toBe(6)
  })

  it('stays reached over what does not differ: a status write of others, a change of undeclared fields', async () => {
    const { pass, inventory, sent } = await afterThree()
    inventory.place(uuid, { description: 'elsewhere' })
    await inventory.refresh([uuid], anySignal)
    await pass('a')
    expect(sent()).toBe(3)
  })

  it('forgets its count once the values are read as declared', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { requestCpu: 4 })
    rig.fleet.create('a', { uuid, requestCpu: 8 })
    rig.inventory.next('update', { ineffective: true }, { ineffective: true })
    await rig.passes('a', 3)
    expect(rig.ready('a')).toBe('True InSync')
    expect(rig.fleet.status('a')).not.toHaveProperty('hold')
    rig.inventory.place(uuid, { requestCpu: 4 })
    await rig.inventory.refresh([uuid], anySignal)
    rig.inventory.next('update', { ineffective: true }, { ineffective: true })
    await rig.passes('a', 3)
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('is one warning when it is reached, not one at every try', async () => {
    const { announced } = await afterThree()
    expect(announced.map((text) => text.split(' ', 2)[1])).toEqual(['UpdateNotEffective'])
  })
})
