import { describe, expect, it, onTestFinished } from 'vitest'
import { limits } from '../../../src/limits.ts'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { expectUndisturbed, startTenants, type TenantObject } from '../../support/tenants.ts'

const words = 'what ZStack says about somebody else'
const promisedMs = 2_000

async function started(options: Parameters<typeof startTenants<'well' | 'ill'>>[0]) {
  const tenants = await startTenants(options)
  onTestFinished(() => tenants.close())
  const operator = tenants.start()
  await tenants.inSync()
  return { ...tenants, operator }
}

describe.skipIf(apiServerMissing())('while the jobs of some services', () => {
  it('end in SYS.1000, each gets what its backoff allows, and edits of others leave within 2 s', async () => {
    const tenants = await started({ sizes: { well: 3, ill: 4 }, moods: { answer: 'async', jobMillis: 100 } })
    const { zstack, of } = tenants
    const uuids = of.ill.map(({ uuid }) => uuid)
    zstack.fault({ operation: 'update', uuids, fault: { kind: 'failed-job', code: 'SYS.1000', details: words } })
    const mark = await tenants.mark()
    for (const one of of.ill) await one.edit({ requestCpu: 8 })
    const tries = 3
    for (let cpu = 20; of.ill.some((one) => tenants.updates(one).length < tries); cpu++)
      expect(await tenants.editReachesZStack(of.well[cpu % 3]!, { requestCpu: cpu })).toBeLessThan(promisedMs)
    for (const one of of.ill) {
      const at = tenants.updates(one)
      for (const [i, time] of at.slice(1).entries())
        expect(time - at[i]!).toBeGreaterThan(0.7 * limits.retry.initialMs * 2 ** i)
    }
    expectUndisturbed(await tenants.versionsSince(mark, 'well'), words)
    const [{ namespace }] = of.well as [TenantObject]
    expect(tenants.operator.log.filter((line) => line.namespace === namespace && line.level !== 'info')).toEqual([])
  })

  it('hang when they are looked at, edits of others leave within 2 s and their jobs are seen to end', async () => {
    const tenants = await started({ sizes: { well: 4, ill: 24 }, moods: { answer: 'async', jobMillis: 200 } })
    const { zstack, of } = tenants
    zstack.fault({ operation: 'job', uuids: of.ill.map(({ uuid }) => uuid), fault: { kind: 'hang' } })
    await Promise.all(of.ill.map((one) => one.edit({ requestCpu: 8 })))
    await expect.poll(() => zstack.counters.job).toBeGreaterThan(0)
    for (const one of of.well) expect(await tenants.editReachesZStack(one, { requestCpu: 9 })).toBeLessThan(promisedMs)
    for (const one of of.well) await expect.poll(() => one.ready()).toBe('True InSync')
    for (const one of of.ill) {
      expect(await one.ready()).toBe('False AwaitingJob')
      expect(tenants.updates(one)).toHaveLength(1)
    }
  })
})

describe.skipIf(apiServerMissing())('a look at a job that is refused unsent, because others failed', () => {
  it('ends no job: it is asked after again, and the update goes out once', async () => {
    const tenants = await started({
      sizes: { well: 1, ill: 5 },
      moods: { answer: 'async', jobMillis: 5_000 },
      env: { ZSTACK_REQUEST_BODY: 'envelope' },
    })
    const { zstack, of, operator } = tenants
    for (const one of of.ill) await one.edit({ requestCpu: 8 })
    await expect.poll(() => zstack.counters.update).toBe(5)
    zstack.fault({ operation: 'query', fault: { kind: 'status', status: 503 } })
    await operator.logged(({ level, msg }) => level === 'warn' && msg?.includes('is not available') === true)
    const looks = zstack.counters.job
    await expect
      .poll(() => of.ill.every(({ uuid }) => zstack.read(uuid)?.requestCpu === 8), { timeout: 15_000 })
      .toBe(true)
    // Nobody has looked since: the jobs have ended unseen.
    expect(zstack.counters.job).toBe(looks)
    zstack.clearFaults()
    await tenants.inSync()
    expect(zstack.counters.update).toBe(5)
  })
})
