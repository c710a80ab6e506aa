import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn, startScenario, type Scenario } from '../support/scenario.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'
const token = 'hf_correcthorsebatterystaple'

async function writeSecret({ server, namespace }: Scenario, name: string, data: Readonly<Record<string, string>>) {
  const path = `/api/v1/namespaces/${namespace}/secrets`
  const answer = await server.request('POST', path, { metadata: { name }, stringData: data })
  expect(answer.status).toBe(201)
}

const tokenFrom = (name: string) => ({
  uuid,
  environmentParametersFrom: [{ secretKeyRef: { name, key: 'token' }, as: 'HF_TOKEN' }],
})

describe.skipIf(apiServerMissing())('an object that takes a value from a Secret', () => {
  it('gets it to ZStack, and keeps it out of its status', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await writeSecret(scenario, 'hub', { token })
    await scenario.create({ name: 'a', spec: tokenFrom('hub') })
    const object = await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.updates(uuid)).toContainEqual({ environmentParameters: { HF_TOKEN: token } })
    expect(JSON.stringify(object)).not.toContain(token)
  })

  it('says which Secret is missing, sends nothing, and goes on as soon as it is there', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'a', spec: { ...tokenFrom('hub'), requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', 'ReferenceNotFound')
    expect(conditionIn(object, 'Stalled')?.message).toBe(
      `environmentParametersFrom[0]: there is no Secret hub in namespace ${scenario.namespace}`,
    )
    expect(scenario.updates(uuid)).toEqual([])
    await writeSecret(scenario, 'hub', { token })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.updates(uuid)).toContainEqual({ requestCpu: 8, environmentParameters: { HF_TOKEN: token } })
  })
})
