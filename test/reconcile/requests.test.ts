import { describe, expect, it } from 'vitest'
import { createRig, lost, outage, refusal, uuid } from '../support/reconciler.ts'

const secretTags = { userTags: ['x'], environmentParameters: { TOKEN: 'secret' } }

/** In sync, with write-only fields that were sent once; then a person asks to look. */
async function requested(spec: object = {}) {
  const rig = createRig()
  rig.inventory.place(uuid, { requestCpu: 4 })
  rig.fleet.create('a', { uuid, requestCpu: 4, ...secretTags, ...spec })
  await rig.pass('a')
  rig.fleet.request('a', 'one')
  const before = rig.inventory.updates().length
  return { ...rig, sent: () => rig.inventory.updates().slice(before) }
}

describe('a request to look now', () => {
  it('reads, sends the write-only fields again and nothing else, once, and is echoed', async () => {
    const { passes, inventory, sent, fleet, ready } = await requested()
    const before = inventory.calls.length
    await passes('a', 3)
    expect(inventory.calls.slice(before).map(({ kind }) => kind)).toEqual(['read', 'update'])
    expect(sent()).toEqual([secretTags])
    expect(fleet.status('a')).toMatchObject({ lastHandledReconcileAt: 'one', lastUpdate: { cause: 'Requested' } })
    expect(ready('a')).toBe('True InSync')
  })

  it('finds what has changed in ZStack since the last poll', async () => {
    const { pass, inventory, sent } = await requested()
    inventory.place(uuid, { requestCpu: 2 })
    await pass('a')
    expect(sent()).toEqual([{ requestCpu: 4, ...secretTags }])
  })

  it('is dealt with once by a new process too', async () => {
    const { pass, restart, sent } = await requested()
    await pass('a')
    restart()
    await pass('a')
    expect(sent()).toHaveLength(1)
  })

  it('with another token is another request', async () => {
    const { pass, fleet, sent } = await requested()
    await pass('a')
    fleet.request('a', 'two')
    await pass('a')
    expect(sent()).toHaveLength(2)
    expect(fleet.status('a').lastHandledReconcileAt).toBe('two')
  })

  it('in an outage is not echoed, and is dealt with when ZStack is back', async () => {
    const { pass, inventory, fleet, sent } = await requested()
    inventory.next('read', { fails: outage }, { fails: outage })
    await pass('a')
    await pass('a')
    expect(fleet.status('a').lastHandledReconcileAt).toBeUndefined()
    expect(sent()).toEqual([])
    await pass('a')
    expect(fleet.status('a').lastHandledReconcileAt).toBe('one')
    expect(sent()).toHaveLength(1)
  })

  it('whose push got no answer is pushed again, and echoed only then', async () => {
    const { pass, inventory, fleet, sent } = await requested()
    inventory.next('update', { fails: lost, carriedOut: true })
    await pass('a')
    expect(fleet.status('a').lastHandledReconcileAt).toBeUndefined()
    await pass('a')
    await pass('a')
    expect(sent()).toHaveLength(2)
    expect(fleet.status('a').lastHandledReconcileAt).toBe('one')
  })

  it('whose push is refused is echoed, for ZStack has had its say, and recorded as an event', async () => {
    const { pass, inventory, fleet, announced } = await requested()
    inventory.next('update', { fails: refusal })
    await pass('a')
    expect(fleet.status('a').lastHandledReconcileAt).toBe('one')
    expect(announced.some((text) => text.includes('RemoteRejected'))).toBe(true)
  })

  it.each([
    ['suspended', { suspend: true }],
    ['only observed', { policy: 'Observe' as const }],
  ])('of an object that is %s looks and writes nothing', async (_, spec) => {
    const { pass, fleet, sent, ready } = await requested()
    await pass('a')
    const before = sent().length
    fleet.edit('a', spec)
    fleet.request('a', 'two')
    await pass('a')
    expect(sent()).toHaveLength(before)
    expect(fleet.status('a').lastHandledReconcileAt).toBe('two')
    expect(ready('a')).toBe('True InSync')
  })

  it('for a service that ZStack does not have is echoed', async () => {
    const { pass, inventory, fleet } = await requested()
    inventory.remove(uuid)
    await pass('a')
    expect(fleet.status('a').lastHandledReconcileAt).toBe('one')
  })

  it('asks for a read that leaves after it, not for one under way', async () => {
    const { pass, inventory } = await requested()
    const fresh: unknown[] = []
    const read = inventory.read.bind(inventory)
    inventory.read = (uuid, signal, options) => {
      fresh.push(options?.isFresh)
      return read(uuid, signal)
    }
    await pass('a')
    expect(fresh).toEqual([true])
  })

  it('pushes once although Kubernetes takes the status only at the third try', async () => {
    const { pass, fleet, sent, counted, announced } = await requested()
    const before = counted.length
    fleet.nextWrite({ fails: new Error('503') }, { fails: new Error('503') })
    await expect(pass('a')).rejects.toThrow('503')
    await expect(pass('a')).rejects.toThrow('503')
    await pass('a')
    expect(sent()).toHaveLength(1)
    expect(counted).toHaveLength(before + 1)
    expect(fleet.status('a')).toMatchObject({ lastHandledReconcileAt: 'one', lastUpdate: { cause: 'Requested' } })
    expect(announced.filter((text) => text.includes('ReconcileRequestHandled'))).toHaveLength(1)
  })
})
