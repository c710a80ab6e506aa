import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/decide/failure.ts'
import { keyOf } from '../support/fleet.ts'
import { createRig, lost, outage, staleAfterMs, uuid } from '../support/reconciler.ts'

const anySignal = new AbortController().signal
const wrongPassword: Failure = { kind: 'credentials', code: 'ID.1000', message: 'ZStack refuses the password' }

async function inSync(spec: object = { requestCpu: 4 }) {
  const rig = createRig()
  rig.inventory.place(uuid, { requestCpu: 4 })
  rig.fleet.create('a', { uuid, ...spec })
  await rig.pass('a')
  return { ...rig, rig, writes: () => rig.fleet.writes.length }
}

describe('an outage', () => {
  it('changes no status of an object in sync while it is short', async () => {
    const { pass, clock, inventory, connections, writes } = await inSync()
    const before = writes()
    connections.trouble = outage
    inventory.next('read', { fails: outage })
    await clock.advance(staleAfterMs)
    await pass('a')
    expect(writes()).toBe(before)
  })

  it('of one service alone is said at once, for its object alone', async () => {
    const { pass, inventory, condition, ready } = await inSync()
    inventory.forget()
    inventory.next('read', { fails: { ...outage, kind: 'unreadable' } })
    expect(await pass('a')).toEqual({ kind: 'backOff' })
    expect(ready('a')).toBe('Unknown Unreachable')
    expect(condition('a', 'Connected')).toMatchObject({ status: 'True' })
  })

  it('that lasts makes the last observation stale, and one write says so', async () => {
    const { pass, clock, inventory, condition, ready, writes } = await inSync()
    const before = writes()
    await clock.advance(staleAfterMs + 1)
    inventory.next('read', { fails: outage }, { fails: outage })
    expect(await pass('a')).toEqual({ kind: 'backOff' })
    await clock.advance(60_000)
    await pass('a')
    expect(condition('a', 'Synced')).toMatchObject({ status: 'Unknown', reason: 'ObservationStale' })
    expect(condition('a', 'Connected')).toMatchObject({ status: 'False', reason: 'Unreachable' })
    expect(ready('a')).toBe('Unknown ObservationStale')
    expect(writes()).toBe(before + 1)
  })

  it('makes nothing stale that the polls go on to read', async () => {
    const { pass, clock, inventory, writes } = await inSync()
    const before = writes()
    for (let i = 0; i < 10; i++) {
      await clock.advance(staleAfterMs / 2)
      await inventory.refresh([uuid], anySignal)
      await pass('a')
    }
    expect(writes()).toBe(before)
    expect(inventory.calls.filter(({ kind }) => kind === 'read')).toHaveLength(1)
  })

  it('makes a new object stale too that could never be read', async () => {
    const rig = createRig()
    rig.fleet.create('a', { uuid, requestCpu: 4 })
    rig.inventory.next('read', { fails: outage }, { fails: outage }, { fails: outage })
    await rig.pass('a')
    await rig.clock.advance(staleAfterMs)
    await rig.pass('a')
    expect(rig.ready('a')).toBe('Unknown Unreachable')
    await rig.clock.advance(1)
    await rig.pass('a')
    expect(rig.ready('a')).toBe('Unknown ObservationStale')
  })

  it('counts from the last read, not from one that failed before it', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { requestCpu: 4 })
    rig.fleet.create('a', { uuid, requestCpu: 4 })
    rig.inventory.next('read', { fails: outage })
    await rig.pass('a')
    await rig.pass('a')
    await rig.clock.advance(staleAfterMs + 1)
    rig.fleet.edit('a', { requestCpu: 8 })
    rig.inventory.next('update', { fails: lost })
    await rig.pass('a')
    rig.inventory.next('read', { fails: outage })
    await rig.pass('a')
    expect(rig.condition('a', 'Synced')?.reason).toBe('Unreachable')
  })

  it('over, the first read puts all right', async () => {
    const { pass, clock, inventory, condition, ready } = await inSync()
    await clock.advance(staleAfterMs + 1)
    inventory.next('read', { fails: outage })
    await pass('a')
    await pass('a')
    expect(ready('a')).toBe('True InSync')
    expect(condition('a', 'Connected')?.status).toBe('True')
  })

  it('shows at once on an object with work undone', async () => {
    const { pass, inventory, fleet, ready, condition } = await inSync()
    fleet.edit('a', { requestCpu: 8 })
    inventory.next('update', { fails: outage })
    expect(await pass('a')).toEqual({ kind: 'backOff' })
    expect(ready('a')).toBe('False Unreachable')
    expect(condition('a', 'Synced')?.message).toContain('requestCpu: want 8, is 4')
  })

  it('does not hide drift that was read before it', async () => {
    const { pass, connections, ready } = await inSync({ requestCpu: 8, policy: 'Observe' })
    connections.trouble = outage
    await pass('a')
    expect(ready('a')).toBe('True DriftDetected')
  })
})

describe('trouble that people have to correct', () => {
  it('shows on objects in sync as well, and ends with it', async () => {
    const { pass, connections, ready } = await inSync()
    connections.trouble = wrongPassword
    expect(await pass('a')).toEqual({ kind: 'awaitChange' })
    expect(ready('a')).toBe('False CredentialsRejected')
    connections.trouble = undefined
    await pass('a')
    expect(ready('a')).toBe('True InSync')
  })

  it('of a connection that cannot be opened shows on every object', async () => {
    const rig = createRig()
    rig.fleet.create('a', { uuid })
    rig.connections.get = () => ({ ok: false, failure: { kind: 'noCredentials', message: 'the Secret is not there' } })
    expect(await rig.pass('a')).toEqual({ kind: 'awaitChange' })
    expect(rig.ready('a')).toBe('False SecretNotFound')
    expect([...rig.reconciler.waiting()]).toEqual([keyOf('a')])
  })
})

describe('who waits for the connection', () => {
  it('are the objects whose pass failed for its sake, in the order in which they began to wait, until one goes well', async () => {
    const { rig, pass, inventory, fleet } = await inSync()
    const others = ['b', 'c'].map((name) => name.repeat(32))
    fleet.create('b', { uuid: others[0] })
    fleet.create('c', { uuid: others[1] })
    inventory.next('read', { fails: outage }, { fails: outage }, { fails: outage })
    await pass('c')
    await pass('b')
    expect([...rig.reconciler.waiting()]).toEqual(['default/c', 'default/b'])
    await pass('c')
    expect([...rig.reconciler.waiting()]).toEqual(['default/b', 'default/c'])
    await pass('b')
    expect([...rig.reconciler.waiting()]).toEqual(['default/c'])
  })

  it('is nobody whom ZStack has refused, and nobody who is gone', async () => {
    const { rig, pass, inventory, fleet } = await inSync()
    fleet.edit('a', { requestCpu: 8 })
    inventory.next('update', { fails: { kind: 'quota', message: 'too much' } })
    await pass('a')
    expect([...rig.reconciler.waiting()]).toEqual([])
    fleet.edit('a', { requestCpu: 9 })
    inventory.next('update', { fails: outage })
    await pass('a')
    fleet.remove('a')
    await pass('a')
    expect([...rig.reconciler.waiting()]).toEqual([])
  })
})

describe('an object is settled or active', () => {
  it.each([
    ['in sync', { requestCpu: 4 }],
    ['drifted where the policy leaves it', { requestCpu: 8, policy: 'Observe' as const }],
    ['suspended', { requestCpu: 8, suspend: true }],
    ['invalid', { requestCpu: -1 }],
  ])('when it is %s', async (_, spec) => {
    const { reconciler } = await inSync(spec)
    expect(reconciler.isSettledOrActive(keyOf('a'))).toBe(true)
  })

  it('no more once a pass over it goes wrong in any way, be it a bug', async () => {
    const { rig, pass, inventory, fleet } = await inSync()
    fleet.edit('a', { requestCpu: 8 })
    inventory.next('update', { after: Promise.reject(new Error('a bug')) })
    await expect(pass('a')).rejects.toThrow('a bug')
    expect(rig.reconciler.isSettledOrActive(keyOf('a'))).toBe(false)
  })

  it('while a pass over it is under way: a poll of that moment shall not call for another', async () => {
    const { rig, begin, inventory, fleet } = await inSync()
    fleet.edit('a', { requestCpu: 8 })
    const answer = Promise.withResolvers<undefined>()
    inventory.next('update', { after: answer.promise })
    const { ended } = await begin('a')
    expect(rig.reconciler.isSettledOrActive(keyOf('a'))).toBe(true)
    answer.reject(new Error('a bug'))
    await expect(ended).rejects.toThrow('a bug')
    expect(rig.reconciler.isSettledOrActive(keyOf('a'))).toBe(false)
  })

  it('not before its first pass, nor with work undone', async () => {
    const rig = createRig({ isIneffective: true })
    rig.inventory.place(uuid, { requestCpu: 4 })
    rig.fleet.create('a', { uuid, requestCpu: 8 })
    expect(rig.reconciler.isSettledOrActive(keyOf('a'))).toBe(false)
    await rig.pass('a')
    expect(rig.reconciler.isSettledOrActive(keyOf('a'))).toBe(false)
  })
})
