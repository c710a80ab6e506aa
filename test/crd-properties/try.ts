/** Tries properties one after the other on objects of their own, and tells in words what did not end as it must. */
import type { FieldName } from '../../src/api/modelservice.ts'
import { newUuid } from '../support/zstack/model.ts'
import type { Case } from './case.ts'
import { judgeHolding, judgeRefusal, judgeWords } from './judge.ts'
import { sampleOf, type Property } from './properties.ts'
import { casesOf } from './values.ts'
import type { World } from './world.ts'

/** One object that goes through these cases of one property: each is an edit of what the one before left. */
export type Walk = {
  readonly name: string
  readonly uuid: string
  readonly property: Property
  readonly cases: readonly Case[]
}

/** Few enough that no property takes much longer than the others. */
const stepsOfAWalk = 8

export function walksOf(property: Property): readonly Walk[] {
  const cases = casesOf(property)
  const count = Math.ceil(cases.length / stepsOfAWalk)
  return Array.from({ length: count }, (_, i) => ({
    name: `${nameOf(property)}-${i}`,
    uuid: newUuid(),
    property,
    cases: cases.filter((_, at) => at % count === i),
  }))
}

function nameOf({ path }: Property): string {
  return path.replaceAll('[]', '-item').replaceAll('{}', '-value').replaceAll('.', '-').toLowerCase()
}

export async function walk(world: World, { name, uuid, property, cases }: Walk): Promise<readonly string[]> {
  const field = property.field as FieldName
  const problems: string[] = []
  const { status, message } = await world.create(name, { uuid })
  if (status !== 201) return [`${name} cannot be created: ${message}`]
  for (const tried of cases) {
    const answer = await world.set(name, field, property.within(tried.value))
    const problem = await judge(tried, answer)
    if (problem !== undefined) problems.push(`${property.path}, ${tried.what}: ${problem}`)
  }
  return problems

  async function judge(tried: Case, answer: Awaited<ReturnType<World['set']>>): Promise<string | undefined> {
    if (tried.end === 'refused') return judgeRefusal(property, answer)
    if (answer.status !== 200) return `was refused: ${answer.message}`
    const object = await world.settled(answer.object)
    return tried.end === 'told'
      ? judgeWords(property, object)
      : judgeHolding(field, tried, object, world.scenario.zstack)
  }
}

/** A property that was declared and is declared no more is left as it is, whatever becomes of it in ZStack. */
export async function takeAway(world: World, { name, uuid, property }: Walk): Promise<readonly string[]> {
  const { scenario } = world
  const field = property.field as FieldName
  const sent = () => scenario.updates(uuid).length
  await world.settled((await world.set(name, field, property.within(sampleOf(property.schema)))).object)
  const before = sent()
  await world.settled((await world.set(name, field, undefined)).object)
  scenario.zstack.drift(uuid, { [field === 'architectureImages' ? 'modelServiceImages' : field]: null })
  await world.settled((await world.look(name)).object)
  return sent() === before ? [] : [`${property.path}: is still sent after it was taken away`]
}
