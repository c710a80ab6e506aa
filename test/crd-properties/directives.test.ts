import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn } from '../support/scenario.ts'
import { newUuid } from '../support/zstack/model.ts'
import type { ValueCase } from './value-case.ts'
import { refusalProblem } from './problems.ts'
import { propertiesOf, specSchema, type Property } from './properties.ts'
import { casesOf } from './cases.ts'
import { startEnvironment, type Environment } from './environment.ts'

/** What becomes of a drift under each value, by property: what Ready says, and whether ZStack is written to. */
const meanings: Readonly<Record<string, Readonly<Record<string, readonly [ready: string, isMended: boolean]>>>> = {
  policy: {
    undefined: ['True InSync', true],
    Enforce: ['True InSync', true],
    ApplyChanges: ['True DriftDetected', false],
    Observe: ['True DriftDetected', false],
  },
  suspend: {
    undefined: ['True InSync', true],
    false: ['True InSync', true],
    true: ['Unknown Suspended', false],
  },
}

const properties = propertiesOf(specSchema())

describe.skipIf(apiServerMissing())('every property that tells the operator what to do', () => {
  it('is refused with a clear message, or does what it says', async () => {
    const tries = Object.keys(meanings).map((field) => ({ field, uuid: newUuid() }))
    const environment = await startEnvironment(tries.map(({ uuid }) => ({ uuid, name: uuid })))
    const problems = tries.map(async ({ field, uuid }) => {
      await environment.settled((await environment.create(field, { uuid, requestCpu: 8 })).object)
      const property = properties.find(({ path }) => path === field)!
      const found: string[] = []
      for (const tried of casesOf(property)) {
        const problem = await meant(environment, property, tried, uuid)
        if (problem !== undefined) found.push(`${field}, ${tried.what}: ${problem}`)
      }
      return found
    })
    expect((await Promise.all(problems)).flat()).toEqual([])
  })

  it('uuid is refused with a clear message, or the object speaks for the service of that name or says that there is none', async () => {
    const property = properties.find(({ path }) => path === 'uuid')!
    const cases = casesOf(property)
    const environment = await startEnvironment(
      cases.filter(({ outcome }) => outcome === 'applied').map(({ value }) => ({ uuid: String(value), name: 'there' })),
    )
    const ends = await Promise.all(
      cases.map(async ({ what, value, outcome }, i) => {
        const answer = await environment.create(`a-${i}`, { uuid: value, requestCpu: 8 })
        if (outcome === 'refused') return [what, refusalProblem(property, answer) ?? 'refused']
        const ready = conditionIn(await environment.settled(answer.object), 'Ready')
        return [what, ready?.reason]
      }),
    )
    const expected = { applied: 'InSync', reported: 'NotFound', refused: 'refused' }
    expect(ends).toEqual(cases.map(({ what, outcome }) => [what, expected[outcome]]))
  })

  it('and spec itself is refused with a clear message where it is no spec', async () => {
    const environment = await startEnvironment([])
    for (const spec of [undefined, null, 'text', [], 7, {}]) {
      const { status, message } = await environment.create('a', spec)
      expect(status).toBe(422)
      expect(message).toMatch(
        /spec(\.uuid)?: (Required value|Invalid value: "\w+": spec in body must be of type object)/,
      )
    }
  })
})

async function meant(
  environment: Environment,
  property: Property,
  tried: ValueCase,
  uuid: string,
): Promise<string | undefined> {
  const { zstack } = environment.scenario
  const answer = await environment.set(property.field, property.field, tried.value)
  if (tried.outcome === 'refused') return refusalProblem(property, answer)
  const [ready, isMended] = meanings[property.field]?.[wordOf(tried.value)] ?? []
  await environment.settled(answer.object)
  zstack.drift(uuid, { requestCpu: 3 })
  const after = conditionIn(await environment.settled((await environment.look(property.field)).object), 'Ready')
  if (`${after?.status} ${after?.reason}` !== ready) return `ends in ${JSON.stringify(after)}`
  return (zstack.read(uuid)?.requestCpu === 8) === isMended ? undefined : `leaves ${JSON.stringify(zstack.read(uuid))}`
}

function wordOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : 'undefined'
}
