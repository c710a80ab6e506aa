import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn } from '../support/scenario.ts'
import { newUuid } from '../support/zstack/model.ts'
import type { Case } from './case.ts'
import { judgeRefusal } from './judge.ts'
import { propertiesOf, specSchema, type Property } from './properties.ts'
import { casesOf } from './values.ts'
import { startWorld, type World } from './world.ts'

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
    const world = await startWorld(tries.map(({ uuid }) => ({ uuid, name: uuid })))
    const problems = tries.map(async ({ field, uuid }) => {
      await world.settled((await world.create(field, { uuid, requestCpu: 8 })).object)
      const property = properties.find(({ path }) => path === field)!
      const found: string[] = []
      for (const tried of casesOf(property)) {
        const problem = await meant(world, property, tried, uuid)
        if (problem !== undefined) found.push(`${field}, ${tried.what}: ${problem}`)
      }
      return found
    })
    expect((await Promise.all(problems)).flat()).toEqual([])
  })

  it('uuid is refused with a clear message, or the object speaks for the service of that name or says that there is none', async () => {
    const property = properties.find(({ path }) => path === 'uuid')!
    const cases = casesOf(property)
    const world = await startWorld(
      cases.filter(({ end }) => end === 'held').map(({ value }) => ({ uuid: String(value), name: 'there' })),
    )
    const ends = await Promise.all(
      cases.map(async ({ what, value, end }, i) => {
        const answer = await world.create(`a-${i}`, { uuid: value, requestCpu: 8 })
        if (end === 'refused') return [what, judgeRefusal(property, answer) ?? 'refused']
        const ready = conditionIn(await world.settled(answer.object), 'Ready')
        return [what, ready?.reason]
      }),
    )
    const expected = { held: 'InSync', told: 'NotFound', refused: 'refused' }
    expect(ends).toEqual(cases.map(({ what, end }) => [what, expected[end]]))
  })

  it('and spec itself is refused with a clear message where it is no spec', async () => {
    const world = await startWorld([])
    for (const spec of [undefined, null, 'text', [], 7, {}]) {
      const { status, message } = await world.create('a', spec)
      expect(status).toBe(422)
      expect(message).toMatch(
        /spec(\.uuid)?: (Required value|Invalid value: "\w+": spec in body must be of type object)/,
      )
    }
  })
})

async function meant(world: World, property: Property, tried: Case, uuid: string): Promise<string | undefined> {
  const { zstack } = world.scenario
  const answer = await world.set(property.field, property.field, tried.value)
  if (tried.end === 'refused') return judgeRefusal(property, answer)
  const [ready, isMended] = meanings[property.field]?.[wordOf(tried.value)] ?? []
  await world.settled(answer.object)
  zstack.drift(uuid, { requestCpu: 3 })
  const after = conditionIn(await world.settled((await world.look(property.field)).object), 'Ready')
  if (`${after?.status} ${after?.reason}` !== ready) return `ends in ${JSON.stringify(after)}`
  return (zstack.read(uuid)?.requestCpu === 8) === isMended ? undefined : `leaves ${JSON.stringify(zstack.read(uuid))}`
}

function wordOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : 'undefined'
}
