import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { createEventRecorder } from '../../../src/kube/events.ts'
import { acquireLease, type LeaseOptions } from '../../../src/kube/lease.ts'
import { patience, soon, type ContractFixture } from './fixture.ts'

const log = pino({ level: 'silent' })

/** Leases and events. */
export function describeLeadingAndTelling(fixture: () => ContractFixture): void {
  describe('lease', () => {
    const candidate = (identity: string): LeaseOptions => ({
      cluster: fixture().cluster,
      namespace: fixture().namespace,
      name: 'leader',
      identity,
      clock: systemClock,
      random: () => 0,
      log,
    })
    const record = async () => {
      const { server, namespace } = fixture()
      const lease = await server.request('GET', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/leader`)
      return (lease as { spec: Record<string, unknown> }).spec
    }

    it('goes to one, and when that one releases it, to the next', async () => {
      const stop = new AbortController()
      const first = await acquireLease(candidate('first'), stop.signal)
      expect(await record()).toMatchObject({ holderIdentity: 'first', leaseDurationSeconds: 15, leaseTransitions: 0 })
      const waiting = acquireLease(candidate('second'), stop.signal)
      const { renewTime } = await record()
      await expect.poll(async () => (await record()).renewTime, patience).not.toBe(renewTime)
      expect(await record()).toMatchObject({ holderIdentity: 'first' })

      await first!.release()
      expect(first!.isHeld()).toBe(false)
      const second = await waiting
      expect(second!.isHeld()).toBe(true)
      expect(await record()).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 })
      await second!.release()
      expect(await record()).toMatchObject({ holderIdentity: '' })
    })

    it('goes to one alone of several that ask at the same moment', async () => {
      const stop = new AbortController()
      const asked = ['a', 'b', 'c', 'd'].map((identity) => acquireLease(candidate(identity), stop.signal))
      const winner = await Promise.race(asked)
      const { holderIdentity } = await record()
      stop.abort()
      const held = (await Promise.all(asked)).filter((one) => one !== undefined)
      expect(held).toEqual([winner])
      expect(await record()).toMatchObject({ holderIdentity })
      await winner!.release()
    })
  })

  it('tells events, and counts one that is repeated', async () => {
    const { cluster, namespace, server, create } = fixture()
    const object = await create('a')
    const recorder = createEventRecorder({
      cluster,
      clock: systemClock,
      log,
      component: 'contract',
      instance: 'contract-0',
      apiVersion: 'contract.example.com/v1',
      kind: 'Sample',
    })
    const text = { type: 'Warning', reason: 'Broken', message: 'a wheel is off' } as const
    recorder.record(object, text)
    recorder.record(object, text)
    recorder.record(object, { ...text, type: 'Normal', reason: 'Recovered' })
    await recorder.flush(soon())
    const { items } = (await server.request('GET', `/api/v1/namespaces/${namespace}/events`)) as {
      items: { reason: string; count: number; involvedObject: { uid: string } }[]
    }
    expect(items.map(({ reason, count }) => [reason, count]).sort()).toEqual([
      ['Broken', 2],
      ['Recovered', 1],
    ])
    expect(items[0]?.involvedObject.uid).toBe(object.metadata.uid)
  })
}
