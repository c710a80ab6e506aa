import { describe, expect, it } from 'vitest'
import { createRig, outage, refusal, uuid } from '../support/reconciler.ts'

/** ZStack holds 4 CPUs; the object was just created. */
function created(spec: object = { requestCpu: 8 }) {
  const rig = createRig()
  rig.inventory.place(uuid, { requestCpu: 4 })
  rig.fleet.create('a', { uuid, ...spec })
  return rig
}

describe('the time to converge', () => {
  it('begins when the change was seen, not when its pass begins', async () => {
    const rig = created()
    await rig.pass('a')
    rig.fleet.edit('a', { requestCpu: 16 })
    await rig.clock.advance(3_000)
    await rig.pass('a')
    expect(rig.converged).toEqual(['SpecChanged 0', 'SpecChanged 3'])
  })

  it('of what was seen while another process was at work begins with the first pass', async () => {
    const rig = created()
    await rig.clock.advance(86_400_000)
    await rig.pass('a')
    expect(rig.converged).toEqual(['SpecChanged 0'])
  })

  it('ends only when ZStack was read equal, however many passes that takes', async () => {
    const rig = created()
    rig.inventory.next('update', { ineffective: true }, { fails: outage })
    for (const converged of [[], [], ['SpecChanged 20']]) {
      await rig.clock.advance(converged.length > 0 ? 20_000 : 0)
      await rig.pass('a')
      expect(rig.converged).toEqual(converged)
    }
  })

  it('of a job ends with the job', async () => {
    const rig = created()
    rig.inventory.next('update', { job: true })
    await rig.pass('a')
    await rig.clock.advance(7_000)
    rig.inventory.endJobs()
    await rig.pass('a')
    expect(rig.converged).toEqual(['SpecChanged 7'])
  })

  it('of drift begins with the pass that finds it', async () => {
    const rig = created()
    await rig.pass('a')
    await rig.clock.advance(60_000)
    rig.inventory.place(uuid, { requestCpu: 2 })
    await rig.inventory.read(uuid, new AbortController().signal)
    rig.inventory.next('update', { fails: outage })
    await rig.pass('a')
    await rig.clock.advance(2_000)
    await rig.pass('a')
    expect(rig.converged).toEqual(['SpecChanged 0', 'DriftCorrected 2'])
  })

  it('of a change that came while a pass ran begins with that change', async () => {
    const rig = created()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    rig.inventory.next('update', { after: promise })
    const { ended } = await rig.begin('a')
    await rig.clock.advance(1_000)
    rig.fleet.edit('a', { requestCpu: 16 })
    resolve(undefined)
    await ended
    await rig.clock.advance(2_000)
    await rig.pass('a')
    expect(rig.converged).toEqual(['SpecChanged 1', 'SpecChanged 2'])
  })

  it('is none where there was nothing to do, after an outage neither', async () => {
    const rig = created({ requestCpu: 4 })
    rig.inventory.next('read', { fails: outage })
    await rig.pass('a')
    await rig.clock.advance(30_000)
    await rig.pass('a')
    rig.fleet.request('a', 'now')
    await rig.pass('a')
    expect(rig.converged).toEqual([])
  })

  it('begins anew for what could not be done as it was declared, and for another object of the name', async () => {
    const rig = created({ requestCpu: 8, policy: 'Observe' })
    await rig.pass('a')
    await rig.clock.advance(60_000)
    rig.fleet.edit('a', { policy: undefined })
    await rig.clock.advance(1_000)
    await rig.pass('a')
    expect(rig.converged).toEqual(['SpecChanged 1'])
    rig.fleet.edit('a', { requestCpu: 16 })
    rig.inventory.next('update', { fails: refusal })
    await rig.pass('a')
    rig.fleet.remove('a')
    await rig.pass('a')
    await rig.clock.advance(60_000)
    rig.fleet.create('a', { uuid, requestCpu: 16 })
    await rig.clock.advance(4_000)
    await rig.pass('a')
    expect(rig.converged).toEqual(['SpecChanged 1', 'SpecChanged 4'])
  })
})

describe('an update that ZStack does not take', () => {
  it.each([
    ['refuses', refusal],
    ['does not answer', outage],
  ])('is counted as failed where it %s', async (_, failure) => {
    const rig = created()
    rig.inventory.next('update', { fails: failure })
    await rig.pass('a')
    expect(rig.counted).toEqual(['failed'])
  })

  it('is not counted where it was held back and never sent', async () => {
    const rig = created()
    rig.inventory.next('update', { fails: { ...outage, isUnsent: true } })
    await rig.pass('a')
    expect(rig.counted).toEqual([])
  })

  it('is counted as failed where its job fails', async () => {
    const rig = created()
    rig.inventory.next('update', { job: true })
    await rig.pass('a')
    rig.inventory.endJobs({ fails: refusal })
    await rig.clock.advance(5_000)
    await rig.pass('a')
    expect(rig.counted).toEqual(['failed'])
  })
})
