import { describe, expect, it, onTestFinished } from 'vitest'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { startScenario } from '../../support/scenario.ts'
import { startTenants } from '../../support/tenants.ts'
import { modelService } from '../../support/zstack/simulator.ts'

/** So long ZStack takes over the update in the middle of which something happens. */
const flightMs = 3_000

describe.skipIf(apiServerMissing())('the owner of a uuid that is deleted while its PUT flies', () => {
  it('leaves the service to the next owner: within two polls its own value is there, and only then it is in sync', async () => {
    const service = modelService({ requestCpu: 4 })
    const { uuid } = service
    const scenario = await startScenario({ services: [service] })
    const { zstack } = scenario
    await scenario.create({ name: 'first', spec: { uuid, requestCpu: 4 } })
    await scenario.untilReady('first', 'True', 'InSync')
    await scenario.create({ name: 'next', spec: { uuid, requestCpu: 16 } })
    await scenario.untilReady('next', 'False', 'UUIDConflict')
    zstack.fault({ operation: 'update', times: 1, fault: { kind: 'slow', millis: flightMs } })
    await scenario.edit('first', { requestCpu: 8 })
    await expect.poll(() => zstack.read(uuid)?.requestCpu).toBe(8)
    await scenario.remove('first')
    await scenario.untilReady('next', 'True', 'InSync')
    expect(zstack.read(uuid)?.requestCpu).toBe(16)
    expect((await scenario.get('next')).status?.lastUpdate?.fields).toEqual(['requestCpu'])
  })
})

describe.skipIf(apiServerMissing())('kubectl replace --force while a PUT flies', () => {
  it('is handled at once, not when a pass over the old object is given up', async () => {
    const tenants = await startTenants({ sizes: { one: 3 } })
    onTestFinished(() => tenants.close())
    tenants.start()
    await tenants.inSync()
    const { zstack, of } = tenants
    zstack.fault({
      operation: 'update',
      uuids: of.one.map(({ uuid }) => uuid),
      times: of.one.length,
      fault: { kind: 'slow', millis: flightMs },
    })
    for (const one of of.one) await one.edit({ requestCpu: 8 })
    await expect.poll(() => of.one.map(({ uuid }) => zstack.read(uuid)?.requestCpu)).toEqual([8, 8, 8])
    const replacedAt = Date.now()
    for (const one of of.one) await one.replace({ requestCpu: 16 })
    for (const one of of.one)
      await expect.poll(() => tenants.updates(one, replacedAt).length, { timeout: flightMs + 2_000 }).toBe(1)
    await tenants.inSync()
    expect(of.one.map(({ uuid }) => zstack.read(uuid)?.requestCpu)).toEqual([16, 16, 16])
  })
})
