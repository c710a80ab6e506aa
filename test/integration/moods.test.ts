import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn, startScenario } from '../support/scenario.ts'
import { modelService, type Moods } from '../support/zstack/simulator.ts'

const services = Array.from({ length: 6 }, () => modelService({ requestCpu: 4 }))

const moods: readonly (readonly [string, Partial<Moods>])[] = [
  ['takes the envelope', {}],
  ['takes the flat body', { bodyShape: 'flat' }],
  ['ignores a body without the action key', { bodyShape: 'single-api' }],
  ['answers with jobs', { answer: 'async' }],
  ['answers with jobs and takes the flat body', { answer: 'async', bodyShape: 'flat' }],
  ['answers without inventory', { answer: 'bare' }],
]

describe.skipIf(apiServerMissing())('a ZStack that', () => {
  it.each(moods)(
    '%s gets each change once, and in the wrong body shape at most what was under way',
    async (_, mood) => {
      const scenario = await startScenario({ services, moods: mood })
      for (const [index, { uuid }] of services.entries())
        await scenario.create({ name: `a-${index}`, spec: { uuid, requestCpu: 8, environmentParameters: { A: 'b' } } })
      for (const [index, { uuid }] of services.entries()) {
        await scenario.untilReady(`a-${index}`, 'True', 'InSync')
        expect(scenario.zstack.read(uuid)?.requestCpu).toBe(8)
        expect(scenario.zstack.hidden(uuid).environmentParameters).toEqual({ A: 'b' })
      }
      const takesEnvelope = mood.bodyShape !== 'flat'
      const updates = scenario.zstack.requests('update')
      const right = updates.filter(({ body }) => 'updateModelService' in (body as object) === takesEnvelope)
      expect(right).toHaveLength(services.length)
      if (takesEnvelope) expect(updates).toHaveLength(services.length)
      else expect(updates.length).toBeLessThanOrEqual(2 * services.length)
    },
  )

  it.each([['envelope'], ['flat'], ['single-api']] as const)(
    'takes the %s body gets a change that no inventory can show',
    async (bodyShape) => {
      const [service] = services
      const scenario = await startScenario({ services, moods: { bodyShape } })
      await scenario.create({ name: 'a', spec: { uuid: service!.uuid, userTags: ['t'], inferenceParams: { a: 'b' } } })
      await scenario.untilReady('a', 'True', 'InSync')
      expect(scenario.zstack.hidden(service!.uuid)).toMatchObject({ userTags: ['t'], inferenceParams: { a: 'b' } })
    },
  )

  it('takes long over a job shows AwaitingJob meanwhile', async () => {
    const [service] = services
    const scenario = await startScenario({
      services,
      moods: { answer: 'async', jobMillis: 1_500 },
      env: { ZSTACK_REQUEST_BODY: 'envelope' },
    })
    await scenario.create({ name: 'a', spec: { uuid: service!.uuid, requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', 'AwaitingJob')
    expect(conditionIn(object, 'Reconciling')).toMatchObject({ status: 'True', reason: 'AwaitingJob' })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.zstack.counters.update).toBe(1)
  })

  it('is older and hides some fields has them listed as unverifiable', async () => {
    const [service] = services
    const scenario = await startScenario({ services, moods: { hides: ['framework', 'source'] } })
    await scenario.create({ name: 'a', spec: { uuid: service!.uuid, requestCpu: 8, framework: 'vLLM' } })
    const object = await scenario.untilReady('a', 'True', 'InSync')
    expect(object.status?.unverifiableFields).toEqual(['framework'])
    expect(scenario.zstack.counters.update).toBe(1)
  })

  it('wants access keys gets signed requests and no session', async () => {
    const [service] = services
    const env = {
      ZSTACK_ACCOUNT_NAME: '',
      ZSTACK_ACCOUNT_PASSWORD: '',
      ZSTACK_ACCESS_KEY_ID: 'sim-access-key-id',
      ZSTACK_ACCESS_KEY_SECRET: 'sim-access-key-secret',
    }
    const scenario = await startScenario({ services, env })
    await scenario.create({ name: 'a', spec: { uuid: service!.uuid, requestCpu: 8 } })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.zstack.counters.login).toBe(0)
  })
})
