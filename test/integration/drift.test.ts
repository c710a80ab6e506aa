import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn, startScenario } from '../support/scenario.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'

describe.skipIf(apiServerMissing())('drift', () => {
  it('is put back under Enforce, and recorded as an event', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    await scenario.untilReady('a', 'True', 'InSync')
    scenario.zstack.drift(uuid, { requestCpu: 2, description: 'not declared, not our business' })
    const object = await scenario.until('a', ({ status }) => status?.lastUpdate?.cause === 'DriftCorrected')
    expect(scenario.zstack.read(uuid)).toMatchObject({ requestCpu: 8, description: 'not declared, not our business' })
    expect(object.status?.lastUpdate?.fields).toEqual(['requestCpu'])
    await expect
      .poll(async () => (await scenario.events('a')).map(({ message }) => message))
      .toContain('requestCpu 2 → 8 (drift put back)')
  })

  it('is shown and left alone under ApplyChanges, while edits of the spec go out', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'a', spec: { uuid, policy: 'ApplyChanges', requestCpu: 8, pythonVersion: '3.11' } })
    await scenario.untilReady('a', 'True', 'InSync')
    scenario.zstack.drift(uuid, { requestCpu: 2 })
    const drifted = await scenario.untilReady('a', 'True', 'DriftDetected')
    expect(drifted.status?.drift).toEqual([{ field: 'requestCpu', desired: '8', live: '2' }])
    expect(conditionIn(drifted, 'Synced')).toMatchObject({ status: 'False', reason: 'DriftDetected' })

    await scenario.edit('a', { pythonVersion: '3.12' })
    await scenario.until('a', ({ status }) => status?.lastUpdate?.generation === 2)
    expect(scenario.zstack.read(uuid)).toMatchObject({ requestCpu: 2, pythonVersion: '3.12' })

    await scenario.edit('a', { policy: 'Enforce' })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.zstack.read(uuid)?.requestCpu).toBe(8)
  })

  it('is shown and nothing is ever written under Observe', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid, requestCpu: 4 })] })
    await scenario.create({
      name: 'a',
      spec: { uuid, policy: 'Observe', requestCpu: 8, environmentParameters: { A: 'b' } },
    })
    const object = await scenario.untilReady('a', 'True', 'DriftDetected')
    expect(conditionIn(object, 'Ready')?.message).toBe(
      'requestCpu: want 8, is 4 (and 1 more); policy Observe leaves it',
    )
    scenario.zstack.drift(uuid, { requestCpu: 8 })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.zstack.counters.update).toBe(0)
  })

  it('and changes of the spec wait while suspended, and go out when that ends', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid, requestCpu: 4 })] })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 4, suspend: true } })
    const equal = await scenario.untilReady('a', 'True', 'InSync')
    expect(conditionIn(equal, 'Suspended')).toMatchObject({ status: 'True', reason: 'Suspended' })
    await scenario.edit('a', { requestCpu: 8 })
    const waiting = await scenario.untilReady('a', 'Unknown', 'Suspended')
    expect(conditionIn(waiting, 'Synced')).toMatchObject({ status: 'False', reason: 'DriftDetected' })
    expect(scenario.zstack.counters.update).toBe(0)
    await scenario.edit('a', { suspend: null })
    const resumed = await scenario.untilReady('a', 'True', 'InSync')
    expect(conditionIn(resumed, 'Suspended')).toBeUndefined()
    expect(scenario.updates(uuid)).toEqual([{ requestCpu: 8 }])
  })

  it('costs nothing where there is none: at rest no update and no write to Kubernetes', async () => {
    const services = Array.from({ length: 5 }, () => modelService())
    const scenario = await startScenario({ services })
    for (const [index, service] of services.entries())
      await scenario.create({ name: `rest-${index}`, spec: { uuid: service.uuid, requestCpu: 9 } })
    for (const index of services.keys()) await scenario.untilReady(`rest-${index}`, 'True', 'InSync')
    const before = await scenario.get('rest-0')
    scenario.zstack.resetCounters()
    await expect.poll(() => scenario.zstack.counters.query, { timeout: 10_000 }).toBeGreaterThan(3)
    expect(scenario.zstack.counters.total).toBe(scenario.zstack.counters.query)
    expect((await scenario.get('rest-0')).metadata.resourceVersion).toBe(before.metadata.resourceVersion)
  })

  it('stays put back after a restart: the operator remembers through status', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8, servicePorts: [1] } })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(await scenario.operator.stop()).toBe(0)
    scenario.zstack.drift(uuid, { requestCpu: 1 })
    await scenario.restart()
    await scenario.until('a', ({ status }) => status?.lastUpdate?.cause === 'DriftCorrected')
    expect(scenario.updates(uuid)).toEqual([{ requestCpu: 8, servicePorts: [1] }, { requestCpu: 8 }])
  })
})
