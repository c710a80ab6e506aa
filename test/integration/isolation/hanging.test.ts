import { describe, expect, it, vi } from 'vitest'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { conditionIn, startScenario } from '../../support/scenario.ts'
import { modelService, type Fault } from '../../support/zstack/simulator.ts'

const [well, ...ill] = Array.from({ length: 41 }, () => modelService({ requestCpu: 4 }))

async function fortyAndOne() {
  const scenario = await startScenario({ services: [well!, ...ill] })
  await scenario.create({ name: 'well', spec: { uuid: well!.uuid, requestCpu: 4 } })
  for (const [i, { uuid }] of ill.entries()) await scenario.create({ name: `ill-${i}`, spec: { uuid, requestCpu: 4 } })
  await scenario.untilReady('well', 'True', 'InSync')
  for (const i of ill.keys()) await scenario.untilReady(`ill-${i}`, 'True', 'InSync')
  return scenario
}

describe.skipIf(apiServerMissing())('while updates of 40 services', () => {
  it.each<[string, Fault]>([
    ['hang', { kind: 'hang' }],
    ['are answered with SYS.1000', { kind: 'error', code: 'SYS.1000' }],
  ])('%s, an edit of another service is an update within two seconds', async (_, fault) => {
    const scenario = await fortyAndOne()
    const { zstack } = scenario
    for (const { uuid } of ill) zstack.fault({ operation: 'update', uuid, fault })
    for (const i of ill.keys()) await scenario.edit(`ill-${i}`, { requestCpu: 8 })
    await expect.poll(() => zstack.counters.update, { timeout: 10_000 }).toBeGreaterThanOrEqual(ill.length)
    for (const cpu of [5, 6, 7]) {
      await scenario.edit('well', { requestCpu: cpu })
      await expect.poll(() => zstack.read(well!.uuid)?.requestCpu, { timeout: 2_000, interval: 20 }).toBe(cpu)
    }
    await scenario.untilReady('well', 'True', 'InSync')
  })
})

describe.skipIf(apiServerMissing())('an object that is edited while ZStack hangs', () => {
  it('says Updating within a second', async () => {
    const scenario = await fortyAndOne()
    scenario.zstack.fault({ fault: { kind: 'hang' } })
    await scenario.edit('well', { requestCpu: 8 })
    await vi.waitFor(async () => expect(conditionIn(await scenario.get('well'), 'Ready')?.reason).toBe('Updating'), {
      timeout: 1_000,
      interval: 20,
    })
  })
})
