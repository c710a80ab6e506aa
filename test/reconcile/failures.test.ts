import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/decide/failure.ts'
import { createRig, lost, outage, refusal, uuid, type Rig } from '../support/reconciler.ts'

const minute = 60_000
const anySignal = new AbortController().signal

function differing(spec: object = { requestCpu: 8 }) {
  const rig = createRig()
  rig.inventory.place(uuid, { requestCpu: 4 })
  rig.fleet.create('a', { uuid, ...spec })
  return rig
}

const failure = (kind: Failure['kind']): Failure => ({ kind, code: 'ID.0', message: `it is ${kind}` })

describe('an update that ZStack refuses', () => {
  it.each([
    ['rejected' as const, 60, 'RemoteRejected'],
    ['operation' as const, 10, 'RemoteRejected'],
    ['permission' as const, 10, 'PermissionDenied'],
    ['quota' as const, 10, 'QuotaExceeded'],
  ])('as %s is not sent again for %i minutes, and then once', async (kind, minutes, reason) => {
    const rig = differing()
    rig.inventory.next('update', { fails: failure(kind) }, { fails: failure(kind) })
    expect(await rig.pass('a')).toEqual({ kind: 'after', ms: minutes * minute })
    expect(rig.ready('a')).toBe(`False ${reason}`)
    await rig.clock.advance((minutes - 1) * minute)
    expect(await rig.pass('a')).toEqual({ kind: 'after', ms: minute })
    expect(rig.inventory.updates()).toHaveLength(1)
    await rig.clock.advance(minute)
    await rig.pass('a')
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(2)
  })

  it.each(['rejected', 'operation', 'permission', 'quota'] as const)(
    'as %s is not sent again by a new process either, and its status stays as it is',
    async (kind) => {
      const rig = differing()
      rig.inventory.next('update', { fails: failure(kind) })
      await rig.pass('a')
      const writes = rig.fleet.writes.length
      rig.restart()
      expect(await rig.pass('a')).toMatchObject({ kind: 'after' })
      expect(rig.inventory.updates()).toHaveLength(1)
      expect(rig.fleet.writes).toHaveLength(writes)
    },
  )

  it.each([
    ['an edit', ({ fleet }: Rig) => fleet.edit('a', { requestCpu: 9 })],
    ['a request', ({ fleet }: Rig) => fleet.request('a', 'now')],
    ['a change in ZStack', ({ inventory }: Rig) => inventory.place(uuid, { requestCpu: 5 })],
  ])('is sent again at once after %s', async (_, change) => {
    const rig = differing()
    rig.inventory.next('update', { fails: refusal })
    await rig.pass('a')
    change(rig)
    await rig.inventory.refresh([uuid], anySignal)
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(2)
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('is settled without an update when somebody sets the values in ZStack', async () => {
    const rig = differing()
    rig.inventory.next('update', { fails: refusal })
    await rig.pass('a')
    rig.inventory.place(uuid, { requestCpu: 8 })
    await rig.inventory.refresh([uuid], anySignal)
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(1)
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('of write-only fields alone is held as well: no difference is one too', async () => {
    const rig = differing({ userTags: ['x'] })
    rig.inventory.next('update', { fails: refusal })
    await rig.pass('a')
    rig.restart()
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(1)
    expect(rig.ready('a')).toBe('False RemoteRejected')
  })
})

describe('an update without an answer', () => {
  it('is followed by a read before anything is written, and by no update if it took place', async () => {
    const rig = differing()
    rig.inventory.next('update', { fails: lost, carriedOut: true })
    expect(await rig.pass('a')).toEqual({ kind: 'backOff' })
    expect(rig.ready('a')).toBe('False Unreachable')
    await rig.pass('a')
    expect(rig.inventory.calls.map(({ kind }) => kind)).toEqual(['read', 'update', 'read'])
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('is sent again if the read shows that it did not take place', async () => {
    const rig = differing()
    rig.inventory.next('update', { fails: lost })
    await rig.passes('a', 2)
    expect(rig.inventory.calls.map(({ kind }) => kind)).toEqual(['read', 'update', 'read', 'update'])
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('writes nothing for as long as nothing can be read', async () => {
    const rig = differing()
    rig.inventory.next('update', { fails: lost })
    await rig.pass('a')
    rig.inventory.next('read', { fails: outage }, { fails: outage })
    await rig.passes('a', 2)
    expect(rig.inventory.updates()).toHaveLength(1)
  })

  it('counts for no refusal: the failures of an outage count as no ineffective update and hold nothing', async () => {
    const rig = differing()
    rig.inventory.next('update', ...Array.from({ length: 5 }, () => ({ fails: outage })))
    for (let i = 0; i < 5; i++) expect(await rig.pass('a')).toEqual({ kind: 'backOff' })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True InSync')
  })
})

describe('a read that fails', () => {
  it('leaves a new object unknown until one succeeds', async () => {
    const rig = differing({ requestCpu: 4 })
    rig.inventory.next('read', { fails: outage })
    expect(await rig.pass('a')).toEqual({ kind: 'backOff' })
    expect(rig.ready('a')).toBe('Unknown Unreachable')
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('of a service the account may not see is tried again slowly, and keeps nobody else waiting', async () => {
    const rig = differing()
    rig.inventory.next('read', { fails: failure('permission') })
    expect(await rig.pass('a')).toEqual({ kind: 'after', ms: 10 * minute })
    expect([...rig.reconciler.waiting()]).toEqual([])
  })
})
