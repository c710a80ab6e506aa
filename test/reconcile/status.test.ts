import { describe, expect, it } from 'vitest'
import { createRig, outage, staleAfterMs, uuid } from '../support/reconciler.ts'

function rigWith(spec: object = { requestCpu: 8 }) {
  const rig = createRig()
  rig.inventory.place(uuid, { requestCpu: 4 })
  rig.fleet.create('a', { uuid, ...spec })
  return rig
}

/** An answer of ZStack's or of the API server's that comes when the test says so. */
function later() {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  return { promise, come: () => resolve(undefined) }
}

describe('the status while a pass is under way', () => {
  it('of a new object says Initializing after half a second without an answer, and not before', async () => {
    const { inventory, fleet, clock, begin, ready } = rigWith()
    const answer = later()
    inventory.next('read', { after: answer.promise })
    const { ended } = await begin('a')
    await clock.advance(499)
    expect(fleet.writes).toEqual([])
    await clock.advance(1)
    expect(ready('a')).toBe('Unknown Initializing')
    answer.come()
    await ended
    expect(ready('a')).toBe('True InSync')
    expect(fleet.writes).toHaveLength(2)
  })

  it('says Updating after half a second of an update, with what it is about', async () => {
    const { inventory, clock, begin, ready, condition } = rigWith()
    const answer = later()
    inventory.next('update', { after: answer.promise })
    const { ended } = await begin('a')
    await clock.advance(500)
    expect(ready('a')).toBe('False Updating')
    expect(condition('a', 'Reconciling')?.message).toBe('requestCpu: want 8, is 4')
    answer.come()
    await ended
    expect(ready('a')).toBe('True InSync')
  })

  it.each([
    ['a stale observation is there', staleAfterMs + 1, false, 'False Updating'],
    ['nothing is known yet', 0, true, 'Unknown Initializing'],
  ])(
    'of an object that is edited does not stay InSync while ZStack hangs and %s',
    async (_, ageMs, isNew, expected) => {
      const { inventory, clock, fleet, pass, begin, ready, restart } = rigWith({ requestCpu: 4 })
      await pass('a')
      expect(ready('a')).toBe('True InSync')
      await clock.advance(ageMs)
      if (isNew) restart()
      const answer = later()
      inventory.next('read', { after: answer.promise })
      fleet.edit('a', { requestCpu: 8 })
      const { ended } = await begin('a')
      await clock.advance(500)
      expect(ready('a')).toBe(expected)
      answer.come()
      await ended
      expect(ready('a')).toBe('True InSync')
    },
  )

  it('of an object that is edited while a read of it hangs says so within a second: that read is not waited for', async () => {
    const { inventory, clock, fleet, pass, begin, ready } = rigWith({ requestCpu: 4 })
    await pass('a')
    fleet.request('a', 'now')
    inventory.next('read', { after: later().promise }, { after: later().promise })
    const first = await begin('a')
    await clock.advance(10_000)
    fleet.edit('a', { requestCpu: 8 })
    await clock.advance(500)
    expect(await first.ended).toEqual({ kind: 'after', ms: 0 })
    await begin('a')
    await clock.advance(500)
    expect(ready('a')).toBe('False Updating')
  })

  it('is not written for a quick answer: one write per change', async () => {
    const { pass, fleet, clock } = rigWith()
    await pass('a')
    await clock.advance(10_000)
    expect(fleet.writes).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  it('of an object that has one is left alone while a read takes long', async () => {
    const { pass, inventory, fleet, clock, begin } = rigWith({ requestCpu: 4 })
    await pass('a')
    fleet.request('a', 'now')
    const answer = later()
    inventory.next('read', { after: answer.promise })
    const { ended } = await begin('a')
    await clock.advance(5_000)
    expect(fleet.writes).toHaveLength(1)
    answer.come()
    await ended
  })

  it('that cannot be written is no harm: the end of the pass is written all the same', async () => {
    const { inventory, fleet, clock, begin, ready } = rigWith()
    const answer = later()
    inventory.next('update', { after: answer.promise })
    fleet.nextWrite({ fails: new Error('503') })
    const { ended } = await begin('a')
    await clock.advance(500)
    answer.come()
    await ended
    expect(ready('a')).toBe('True InSync')
  })

  it('is never written after the end of the pass, however slow the API server is', async () => {
    const { inventory, fleet, clock, begin, ready } = rigWith()
    const [answer, write] = [later(), later()]
    inventory.next('update', { after: answer.promise })
    fleet.nextWrite({ after: write.promise })
    const { ended } = await begin('a')
    await clock.advance(500)
    answer.come()
    await clock.advance(500)
    write.come()
    await ended
    expect(fleet.writes.map(({ status }) => status.conditions?.[0]?.reason)).toEqual(['Updating', 'InSync'])
    expect(ready('a')).toBe('True InSync')
  })
})

describe('the status after a pass', () => {
  it('is written when it says something new, and never else', async () => {
    const { passes, clock, fleet, restart } = rigWith()
    await passes('a', 3)
    await clock.advance(3_600_000)
    restart()
    await passes('a', 3)
    expect(fleet.writes).toHaveLength(1)
  })

  it('is taken as nothing where somebody wrote what this operator never would', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { requestCpu: 4 })
    rig.fleet.create('a', { uuid, requestCpu: 4 }, { status: { conditions: 'none', observedGeneration: 'first' } })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('of an object that went in the middle is nobody’s: no write, no error, no event', async () => {
    const { inventory, fleet, begin, announced } = rigWith()
    const answer = later()
    inventory.next('update', { after: answer.promise })
    const { ended } = await begin('a')
    fleet.remove('a')
    answer.come()
    expect(await ended).toEqual({ kind: 'awaitChange' })
    expect(fleet.writes).toEqual([])
    expect(announced).toEqual([])
  })

  it('of an object that another took the name of is not written to that one', async () => {
    const { inventory, fleet, begin } = rigWith()
    const answer = later()
    inventory.next('update', { after: answer.promise })
    const { ended } = await begin('a')
    fleet.remove('a')
    fleet.create('a', { uuid, requestCpu: 2 })
    answer.come()
    await ended
    expect(fleet.status('a')).toEqual({})
  })

  it('speaks of the generation that was worked on, not of one that came meanwhile', async () => {
    const { pass, inventory, fleet, begin } = rigWith()
    const answer = later()
    inventory.next('update', { after: answer.promise })
    const { ended } = await begin('a')
    fleet.edit('a', { requestCpu: 16 })
    answer.come()
    await ended
    expect(fleet.status('a')).toMatchObject({ observedGeneration: 1, convergedGeneration: 1 })
    await pass('a')
    expect(fleet.status('a')).toMatchObject({ observedGeneration: 2, convergedGeneration: 2 })
    expect(inventory.updates()).toEqual([{ requestCpu: 8 }, { requestCpu: 16 }])
  })

  it('that Kubernetes refuses fails the pass, and the next one writes it', async () => {
    const { pass, fleet, inventory, ready, reconciler } = rigWith()
    fleet.nextWrite({ fails: new Error('the API server is away') })
    await expect(pass('a')).rejects.toThrow('the API server is away')
    expect(reconciler.isSettledOrActive('default/a')).toBe(false)
    await pass('a')
    expect(ready('a')).toBe('True InSync')
    expect(fleet.status('a').lastUpdate).toMatchObject({ fields: ['requestCpu'], cause: 'SpecChanged' })
    expect(inventory.updates()).toHaveLength(1)
  })

  it('that Kubernetes refuses for long sends no write-only field twice', async () => {
    const { pass, fleet, inventory, counted } = rigWith({ requestCpu: 4, userTags: ['x'] })
    fleet.nextWrite({ fails: new Error('503') }, { fails: new Error('503') }, { fails: new Error('503') })
    for (let i = 0; i < 3; i++) await expect(pass('a')).rejects.toThrow('503')
    await pass('a')
    expect(inventory.updates()).toHaveLength(1)
    expect(counted).toEqual(['verified'])
    expect(fleet.status('a')).toMatchObject({ fieldHashes: { userTags: expect.any(String) as string } })
  })

  it('of an edit that came while Kubernetes refused the last one is that of the edit', async () => {
    const { pass, fleet, ready } = rigWith({ requestCpu: 8, userTags: ['x'] })
    fleet.nextWrite({ fails: new Error('503') })
    await expect(pass('a')).rejects.toThrow('503')
    fleet.edit('a', { userTags: ['y'] })
    await pass('a')
    expect(fleet.status('a')).toMatchObject({ observedGeneration: 2, lastUpdate: { fields: ['userTags'] } })
    expect(ready('a')).toBe('True InSync')
  })

  it('never holds a write-only value', async () => {
    const { pass, fleet, inventory } = rigWith({ environmentParameters: { TOKEN: 'hunter2' }, servicePorts: [4711] })
    inventory.next('update', { fails: outage })
    await pass('a')
    await pass('a')
    expect(JSON.stringify(fleet.writes)).not.toMatch(/hunter2|4711/)
  })
})

describe('events and log', () => {
  it('an update is an event with both values', async () => {
    const { pass, announced } = rigWith()
    await pass('a')
    expect(announced).toEqual(['a: Updated requestCpu 4 → 8 (as the spec declares)'])
  })

  it('drift that is put back is recorded as that', async () => {
    const { pass, announced, inventory, clock } = rigWith()
    await pass('a')
    await clock.advance(60_000)
    inventory.place(uuid, { requestCpu: 1 })
    await inventory.refresh([uuid], new AbortController().signal)
    await pass('a')
    expect(announced.at(-1)).toBe('a: Updated requestCpu 1 → 8 (drift put back)')
  })

  it('nothing new is no event and no line in the log', async () => {
    const { pass, passes, announced, entries } = rigWith()
    await pass('a')
    const before = [announced.length, entries.length]
    await passes('a', 3)
    expect([announced.length, entries.length]).toEqual(before)
  })

  it('each line of the log names the object, and trouble is a warning', async () => {
    const { pass, inventory, entries } = rigWith()
    inventory.remove(uuid)
    await pass('a')
    expect(entries).toEqual([
      expect.objectContaining({ level: 'warn', namespace: 'default', name: 'a', generation: 1, reason: 'NotFound' }),
    ])
  })
})

describe('the log', () => {
  it('does not warn of an update that ZStack makes a job of', async () => {
    const { pass, inventory, entries } = rigWith()
    inventory.next('update', { job: true })
    await pass('a')
    expect(entries).toEqual([
      expect.objectContaining({ level: 'info', msg: 'update sent', result: 'job' }),
      expect.objectContaining({ level: 'info', reason: 'AwaitingJob' }),
    ])
  })
})

describe('a status that somebody else wiped', () => {
  const hidden = { requestCpu: 8, environmentParameters: { KEY: 'value' } }

  it('is written again, and neither a write-only field nor a request is dealt with a second time', async () => {
    const { fleet, inventory, announced, pass, ready } = rigWith(hidden)
    await pass('a')
    fleet.request('a', 'now')
    await pass('a')
    const [updates, events, told] = [inventory.updates().length, announced.length, fleet.status('a')]
    fleet.writeOver('a', {})
    await pass('a')
    expect(fleet.status('a')).toEqual(told)
    expect(ready('a')).toBe('True InSync')
    expect([inventory.updates().length, announced.length]).toEqual([updates, events])
  })

  it('is left alone until it may be answered, unless there is something new to say', async () => {
    const { fleet, foreignStatus, pass, ready } = rigWith()
    await pass('a')
    foreignStatus.mayBeAnswered = false
    fleet.writeOver('a', {})
    await pass('a')
    expect(ready('a')).toBe('not there')
    fleet.edit('a', { requestCpu: 16 })
    await pass('a')
    expect(ready('a')).toBe('True InSync')
  })
})
