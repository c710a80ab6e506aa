import { describe, expect, it } from 'vitest'
import { createRig, uuid, type Rig } from '../support/reconciler.ts'

function differing(spec: object, options: Parameters<typeof createRig>[0] = {}) {
  const rig = createRig(options)
  rig.inventory.place(uuid, { name: 'model', requestCpu: 4, requestMemory: 8 * 2 ** 30, type: 'Endpoint' })
  rig.fleet.create('a', { uuid, requestCpu: 8, ...spec })
  return rig
}

describe('what is written to ZStack', () => {
  it('an object in sync costs no update, and says so', async () => {
    const rig = differing({ requestCpu: 4, requestMemory: '8Gi' })
    expect(await rig.pass('a')).toEqual({ kind: 'awaitChange' })
    expect(rig.inventory.updates()).toEqual([])
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('of many declared fields, an update holds those that differ and no others', async () => {
    const rig = differing({ name: 'model', requestMemory: '16Gi', type: 'Endpoint' })
    await rig.pass('a')
    expect(rig.inventory.updates()).toEqual([{ requestCpu: 8, requestMemory: 16 * 2 ** 30 }])
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('a snapshot that is known needs no read before the update, and the answer needs none after it', async () => {
    const rig = differing({})
    await rig.inventory.refresh([uuid], new AbortController().signal)
    await rig.pass('a')
    expect(rig.inventory.calls.map(({ kind }) => kind)).toEqual(['refresh', 'update'])
  })

  it.each([
    ['policy Observe', { policy: 'Observe' as const }, 'True DriftDetected'],
    ['suspend', { suspend: true }, 'Unknown Suspended'],
    ['a field this operator does not know', { tomorrow: 1 }, 'False InvalidSpec'],
    ['a field that is wrong', { requestMemory: 'much' }, 'False InvalidSpec'],
    ['a policy this operator does not know', { policy: 'Guess' }, 'False UnknownPolicy'],
  ])('%s: a difference is reported and never written', async (_, spec, ready) => {
    const rig = differing({ userTags: ['unsent'], ...spec })
    await rig.passes('a', 3)
    expect(rig.inventory.updates()).toEqual([])
    expect(rig.ready('a')).toBe(ready)
  })

  it('drift under ApplyChanges is reported, and a later edit pushes what was edited alone', async () => {
    const rig = differing({ policy: 'ApplyChanges' })
    await rig.pass('a')
    rig.inventory.place(uuid, { requestCpu: 2 })
    await rig.inventory.read(uuid, new AbortController().signal)
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True DriftDetected')
    rig.fleet.edit('a', { description: 'edited' })
    await rig.pass('a')
    expect(rig.inventory.updates()).toEqual([{ requestCpu: 8 }, { description: 'edited' }])
    expect(rig.ready('a')).toBe('True DriftDetected')
  })

  it('of two objects with one uuid the younger writes nothing, and takes over when the older goes', async () => {
    const rig = differing({})
    rig.fleet.create('b', { uuid, requestCpu: 2 }, { createdAt: '2026-01-02T00:00:00Z' })
    await rig.pass('b')
    await rig.pass('a')
    expect(rig.inventory.updates()).toEqual([{ requestCpu: 8 }])
    expect(rig.ready('b')).toBe('False UUIDConflict')
    rig.fleet.remove('a')
    await rig.pass('b')
    expect(rig.inventory.updates()).toEqual([{ requestCpu: 8 }, { requestCpu: 2 }])
    expect(rig.ready('b')).toBe('True InSync')
  })

  it('an object that is gone, though the watch still shows it, is written once and then rests', async () => {
    const rig = differing({ environmentParameters: { A: '1' } })
    rig.fleet.nextWrite({ finds: 'nothing' })
    expect(await rig.passes('a', 3)).toEqual({ kind: 'after', ms: 300_000 })
    expect(rig.inventory.updates()).toHaveLength(1)
    rig.fleet.remove('a')
    rig.fleet.create('a', { uuid, requestCpu: 9 })
    await rig.pass('a')
    expect(rig.inventory.updates().at(-1)).toEqual({ requestCpu: 9 })
  })

  it.each<[string, (rig: Rig) => unknown]>([
    ['is looked at again later', (rig) => rig.clock.advance(300_000)],
    ['is looked at as soon as it is edited', (rig) => rig.fleet.edit('a', { description: 'edited' })],
  ])('an object that was wrongly said to be gone %s', async (_, happen) => {
    const rig = differing({ environmentParameters: { A: '1' } })
    rig.fleet.nextWrite({ finds: 'nothing' })
    await rig.pass('a')
    await happen(rig)
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('an object that is being deleted is left alone, and so is ZStack', async () => {
    const rig = differing({})
    rig.fleet.beginDeletion('a')
    expect(await rig.pass('a')).toEqual({ kind: 'awaitChange' })
    expect(rig.inventory.calls).toEqual([])
    expect(rig.fleet.writes).toEqual([])
  })

  const changes: [string, (rig: Rig) => void][] = [
    ['suspended', (rig) => rig.fleet.edit('a', { suspend: true })],
    ['edited', (rig) => rig.fleet.edit('a', { requestCpu: 16 })],
    ['deleted', (rig) => rig.fleet.remove('a')],
    ['about to be deleted', (rig) => rig.fleet.beginDeletion('a')],
    ['outranked', (rig) => rig.fleet.create('older', { uuid }, { createdAt: '2025-01-01T00:00:00Z' })],
  ]

  async function writesNothingWhere(change: (rig: Rig) => void, hold: (rig: Rig, until: Promise<undefined>) => void) {
    const rig = differing({})
    const { promise, resolve } = Promise.withResolvers<undefined>()
    hold(rig, promise)
    const { ended } = await rig.begin('a')
    change(rig)
    resolve(undefined)
    expect(await ended).toEqual({ kind: 'after', ms: 0 })
    expect(rig.inventory.updates()).toEqual([])
    expect(rig.fleet.writes).toEqual([])
  }

  it.each(changes)(
    'an object that is %s while ZStack is slow to be read gets no update of what was declared before',
    (_, change) => writesNothingWhere(change, (rig, until) => rig.inventory.next('read', { after: until })),
  )

  it.each(changes)(
    'an object that is %s while its update waits to be sent gets no update of what was declared before',
    (_, change) => writesNothingWhere(change, (rig, until) => rig.inventory.next('update', { queuedFor: until })),
  )

  it('a service that ZStack does not have is reported and not written', async () => {
    const rig = differing({})
    rig.inventory.remove(uuid)
    expect(await rig.pass('a')).toEqual({ kind: 'awaitChange' })
    expect(rig.inventory.updates()).toEqual([])
    expect(rig.ready('a')).toBe('False NotFound')
  })

  it('a write-only field of an update that shows no effect at all is sent again with the rest', async () => {
    const rig = differing({ userTags: ['x'] })
    rig.inventory.next('update', { ineffective: true })
    await rig.passes('a', 2)
    expect(rig.inventory.updates()).toEqual([
      { requestCpu: 8, userTags: ['x'] },
      { requestCpu: 8, userTags: ['x'] },
    ])
    expect(rig.inventory.held(uuid)).toMatchObject({ requestCpu: 8, userTags: ['x'] })
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('a write-only field is sent again though something moved, if nothing shows that it was this update that moved it', async () => {
    const rig = differing({ description: 'wanted', requestCpu: 4, userTags: ['x'] })
    rig.inventory.place(uuid, { description: 'old' })
    await rig.inventory.refresh([uuid], new AbortController().signal)
    rig.inventory.place(uuid, { description: 'of somebody else' })
    rig.inventory.next('update', { ineffective: true })
    await rig.passes('a', 2)
    expect(rig.inventory.updates()).toEqual([
      { description: 'wanted', userTags: ['x'] },
      { description: 'wanted', userTags: ['x'] },
    ])
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('a write-only field is sent again where a part of what can be read shows as sent, for others may have done that', async () => {
    const rig = differing({ description: 'wanted', userTags: ['x'] })
    await rig.inventory.refresh([uuid], new AbortController().signal)
    rig.inventory.place(uuid, { requestCpu: 8 })
    rig.inventory.next('update', { ineffective: true })
    await rig.passes('a', 2)
    expect(rig.inventory.updates()).toEqual([
      { requestCpu: 8, description: 'wanted', userTags: ['x'] },
      { description: 'wanted', userTags: ['x'] },
    ])
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('an update that ZStack accepted is no proof: what differs still is not ready, and tried again later', async () => {
    const rig = differing({})
    rig.inventory.next('update', { ineffective: true })
    expect(await rig.pass('a')).toEqual({ kind: 'backOff' })
    expect(rig.ready('a')).toBe('False Updating')
    expect(rig.fleet.status('a')).toMatchObject({ hold: { attempts: 1 }, drift: [{ field: 'requestCpu' }] })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True InSync')
    expect(rig.counted).toEqual(['ineffective', 'verified'])
  })

  it('an update that took effect in part sends the rest alone', async () => {
    const rig = differing({ name: 'renamed' })
    rig.inventory.next('update', { ineffective: true })
    await rig.pass('a')
    rig.inventory.place(uuid, { name: 'renamed' })
    await rig.inventory.read(uuid, new AbortController().signal)
    await rig.pass('a')
    expect(rig.inventory.updates().at(-1)).toEqual({ requestCpu: 8 })
  })

  it('write-only fields are sent once, and again when one changes: that one alone', async () => {
    const rig = differing({ requestCpu: 4, userTags: ['x'], environmentParameters: { A: '1' } })
    await rig.passes('a', 3)
    rig.fleet.edit('a', { environmentParameters: { A: '2' } })
    await rig.passes('a', 3)
    const first = { environmentParameters: { A: '1' }, userTags: ['x'] }
    expect(rig.inventory.updates()).toEqual([first, { environmentParameters: { A: '2' } }])
  })

  it('a restart sends no write-only field again', async () => {
    const rig = differing({ requestCpu: 4, userTags: ['x'] })
    await rig.pass('a')
    rig.restart()
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(1)
  })

  it('an object made anew under the same name inherits nothing: its write-only fields are sent', async () => {
    const rig = differing({ requestCpu: 4, userTags: ['x'] })
    await rig.pass('a')
    rig.fleet.remove('a')
    rig.fleet.create('a', { uuid, requestCpu: 4, userTags: ['x'] })
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(2)
  })

  describe('of an object whose status Kubernetes refuses for good', () => {
    const refused = { fails: new Error('422: status.lastUpdate is invalid') }

    async function refusedForGood() {
      const rig = differing({})
      rig.fleet.nextWrite(...Array.from({ length: 20 }, () => refused))
      await expect(rig.pass('a')).rejects.toThrow('422')
      return rig
    }

    it('is nothing more, though ZStack is changed, while nobody wants anything else', async () => {
      const { pass, inventory } = await refusedForGood()
      await expect(pass('a')).rejects.toThrow('422')
      await expect(pass('a')).rejects.toThrow('422')
      expect(inventory.updates()).toEqual([{ requestCpu: 8 }])
    })

    it('are later edits all the same, each once', async () => {
      const { pass, fleet, inventory } = await refusedForGood()
      fleet.edit('a', { requestCpu: 16 })
      await expect(pass('a')).rejects.toThrow('422')
      await expect(pass('a')).rejects.toThrow('422')
      expect(inventory.updates()).toEqual([{ requestCpu: 8 }, { requestCpu: 16 }])
    })
  })
})
