import { describe, expect, it, onTestFinished } from 'vitest'
import { reconcileRequestedAt } from '../../../src/api/names.ts'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { startTenants } from '../../support/tenants.ts'
import type { Fault } from '../../support/zstack/simulator.ts'

async function started(options: Parameters<typeof startTenants<'one' | 'other'>>[0]) {
  const tenants = await startTenants(options)
  onTestFinished(() => tenants.close())
  const operator = tenants.start()
  await tenants.inSync()
  const warnings = () => operator.log.filter(({ level }) => level !== 'info')
  const backAgain = () => operator.log.filter(({ msg }) => msg === 'ZStack answers again')
  return { ...tenants, operator, warnings, backAgain }
}

const words = 'what a proxy says'
const outages: readonly (readonly [string, Fault])[] = [
  ['answers 503', { kind: 'status', status: 503 }],
  ['is a page of a proxy, as 200', { kind: 'garbage', body: `<html><title>${words}</title></html>` }],
  ['is a page of a proxy, as 502', { kind: 'status', status: 502, body: `<html>${words}</html>` }],
  ['cuts every connection', { kind: 'reset' }],
]

describe.skipIf(apiServerMissing())('an outage', () => {
  it.for(outages)(
    'in which ZStack %s is told once, with a summary when it is over, and no status in sync changes for it',
    async ([, fault]) => {
      const tenants = await started({ sizes: { one: 30, other: 3 } })
      const { zstack, of, warnings, backAgain } = tenants
      const mark = await tenants.mark()
      zstack.fault({ fault })
      const before = zstack.counters.total
      await expect.poll(() => zstack.counters.total - before, { timeout: 20_000 }).toBeGreaterThan(6)
      expect(warnings()).toEqual([expect.objectContaining({ reason: 'Unreachable', zstack: zstack.url })])
      expect(await tenants.versionsSince(mark, 'one')).toEqual([])
      zstack.clearFaults()
      await expect.poll(backAgain, { timeout: 10_000 }).toHaveLength(1)
      expect(await tenants.editReachesZStack(of.one[0]!, { requestCpu: 8 })).toBeLessThan(2_000)
      expect(warnings()).toHaveLength(1)
    },
  )
})

describe.skipIf(apiServerMissing())('the right to query, when it is taken away,', () => {
  it('is told once, at once, on the connection, by its name', async () => {
    const tenants = await started({ sizes: { one: 25, other: 3 } })
    const { zstack, of, operator, warnings } = tenants
    zstack.fault({ operation: 'query', fault: { kind: 'error', code: 'ID.1002' } })
    await operator.logged(({ level }) => level === 'warn')
    const objects = [...of.one, ...of.other]
    const ready = async () => new Set(await Promise.all(objects.map((one) => one.ready())))
    await expect.poll(ready).toEqual(new Set(['False PermissionDenied']))
    expect(warnings()).toEqual([
      expect.objectContaining({
        reason: 'PermissionDenied',
        msg: expect.stringContaining('permission to query') as string,
      }),
    ])
    const events = (await Promise.all(objects.map((one) => one.events()))).flat()
    expect(events.filter(({ type }) => type === 'Warning')).toEqual([])
    expect(JSON.stringify(await of.one[0]!.get())).not.toContain('permission to update')
    zstack.clearFaults()
  })
})

describe.skipIf(apiServerMissing())('a session table that is full for everybody', () => {
  it('is told once and costs few log-ins', async () => {
    const tenants = await started({ sizes: { one: 25, other: 3 } })
    const { zstack, of, operator, warnings } = tenants
    zstack.set({ maxSessions: 0 })
    zstack.dropSessions()
    const [edited] = of.other
    await edited!.edit({ requestCpu: 8 })
    await operator.logged(({ reason }) => reason === 'TooManySessions')
    await expect.poll(() => edited!.ready()).toBe('False TooManySessions')
    const polls = 5
    const asked = Date.now()
    await expect.poll(() => Date.now() - asked, { timeout: 10_000 }).toBeGreaterThan(polls * 1_000)
    expect(zstack.counters.login).toBeLessThanOrEqual(3)
    expect(warnings().filter(({ name }) => name === undefined)).toHaveLength(1)
  })
})

describe.skipIf(apiServerMissing())('a token', () => {
  it('is not answered by a query that left before it', async () => {
    const tenants = await started({ sizes: { one: 3, other: 1 }, env: { POLL_INTERVAL: '2s' } })
    const { zstack, of } = tenants
    const [asked] = of.one
    const before = zstack.counters.query
    zstack.fault({ operation: 'query', times: 1, fault: { kind: 'slow', millis: 3_000 } })
    await expect.poll(() => zstack.counters.query, { interval: 10 }).toBe(before + 1)
    // The poll that is under way was answered with what was there before.
    zstack.drift(asked!.uuid, { requestCpu: 1 })
    await asked!.annotate({ [reconcileRequestedAt]: 'now' })
    await expect.poll(async () => (await asked!.get()).status?.lastHandledReconcileAt).toBe('now')
    expect(zstack.read(asked!.uuid)?.requestCpu).toBe(4)
  })
})

describe.skipIf(apiServerMissing())('reads of new objects', () => {
  it('do not queue behind one that hangs', async () => {
    const tenants = await started({ sizes: { one: 2, other: 4 }, env: { POLL_INTERVAL: '30s' } })
    const { zstack, of } = tenants
    const [hanging] = of.one
    zstack.fault({ operation: 'query', uuid: hanging!.uuid, fault: { kind: 'hang' } })
    await hanging!.replace({ requestCpu: 8 })
    const before = zstack.counters.query
    await hanging!.annotate({ [reconcileRequestedAt]: 'now' })
    await expect.poll(() => zstack.counters.query).toBeGreaterThan(before)
    for (const one of of.other) {
      await one.replace({ requestCpu: 16 })
      await expect.poll(() => zstack.read(one.uuid)?.requestCpu, { timeout: 2_500 }).toBe(16)
    }
  })
})

describe.skipIf(apiServerMissing())('edits of one namespace, 200 of them at once,', () => {
  it('let an edit of another namespace go before most of them', async () => {
    const tenants = await started({ sizes: { one: 200, other: 1 }, moods: { latencyMillis: 150 } })
    const { zstack, of } = tenants
    zstack.resetCounters()
    const editing = Promise.all(of.one.map((one) => one.edit({ requestCpu: 8 })))
    await expect.poll(() => zstack.counters.update, { interval: 5 }).toBeGreaterThan(10)
    const before = zstack.counters.update
    await tenants.editReachesZStack(of.other[0]!, { requestCpu: 8 })
    // Two rounds of requests in flight, and what was edited before it got its turn.
    const overtaken = zstack.requests('update').findIndex(({ uuid }) => uuid === of.other[0]!.uuid) - before
    await editing
    expect(overtaken).toBeLessThan(64)
  })
})
