import { describe, expect, it } from 'vitest'
import { suspendReason, suspendUntil } from '../../src/api/names.ts'
import { createRig, uuid } from '../support/reconciler.ts'

const twoHours = 7_200_000

/** An object whose service differs, suspended by annotation for two hours. */
async function suspended() {
  const rig = createRig()
  const until = new Date(rig.clock.now() + twoHours).toISOString()
  rig.inventory.place(uuid, { requestCpu: 4 })
  rig.fleet.create('a', { uuid, requestCpu: 8 })
  rig.fleet.annotate('a', { [suspendUntil]: until, [suspendReason]: 'disk swap' })
  return { ...rig, requeue: await rig.pass('a') }
}

describe('a suspension with an end', () => {
  it('lets nothing be sent, and shows with its end and reason', async () => {
    const { inventory, ready, condition } = await suspended()
    expect(inventory.updates()).toEqual([])
    expect(ready('a')).toBe('Unknown Suspended')
    expect(condition('a', 'Suspended')?.message).toMatch(/^suspended until .*: disk swap$/)
  })

  it('brings the object back when it is over, and then sends what differs', async () => {
    const { requeue, clock, pass, inventory, ready, condition, announced } = await suspended()
    expect(requeue).toEqual({ kind: 'after', ms: twoHours })
    await clock.advance(twoHours)
    await pass('a')
    expect(inventory.updates()).toEqual([{ requestCpu: 8 }])
    expect(ready('a')).toBe('True InSync')
    expect(condition('a', 'Suspended')).toBeUndefined()
    expect(announced).toContain('a: Resumed the suspension has ended')
  })

  it('outlives the process, and ends in the next one', async () => {
    const { clock, pass, restart, inventory } = await suspended()
    restart()
    await pass('a')
    expect(inventory.updates()).toEqual([])
    await clock.advance(twoHours)
    await pass('a')
    expect(inventory.updates()).toEqual([{ requestCpu: 8 }])
  })

  it('ends at once when the annotation is taken away', async () => {
    const { fleet, pass, inventory } = await suspended()
    fleet.annotate('a', { [suspendUntil]: undefined })
    await pass('a')
    expect(inventory.updates()).toEqual([{ requestCpu: 8 }])
  })

  it('whose end cannot be read has none', async () => {
    const { fleet, pass, inventory, ready } = await suspended()
    fleet.annotate('a', { [suspendUntil]: 'tomorrow' })
    expect(await pass('a')).toEqual({ kind: 'awaitChange' })
    expect(inventory.updates()).toEqual([])
    expect(ready('a')).toBe('Unknown Suspended')
  })

  it('that begins while an update waits for its turn keeps it back', async () => {
    const rig = createRig()
    const turn = Promise.withResolvers<undefined>()
    rig.inventory.place(uuid, { requestCpu: 4 })
    rig.fleet.create('a', { uuid, requestCpu: 8 })
    rig.inventory.next('update', { queuedFor: turn.promise })
    const { ended } = await rig.begin('a')
    rig.fleet.annotate('a', { [suspendUntil]: 'without end' })
    turn.resolve(undefined)
    await ended
    expect(rig.inventory.held(uuid)).toEqual({ requestCpu: 4 })
  })
})
