/** Sets each property to all its values, on objects of its own, and returns what did not come out as expected. */
import type { FieldName } from '../../src/api/modelservice.ts'
import { newUuid } from '../support/zstack/model.ts'
import type { ValueCase } from './value-case.ts'
import { appliedProblem, refusalProblem, conditionProblem } from './problems.ts'
import { sampleOf, type Property } from './properties.ts'
import { casesOf } from './cases.ts'
import type { Environment } from './environment.ts'

/** One object that goes through these cases of one property: each is an edit of what the one before left. */
export type EditSequence = {
  readonly name: string
  readonly uuid: string
  readonly property: Property
  readonly cases: readonly ValueCase[]
}

/** Small enough that no property takes much longer than the others. */
const maxEditsPerSequence = 8

export function sequencesOf(property: Property): readonly EditSequence[] {
  const cases = casesOf(property)
  const count = Math.ceil(cases.length / maxEditsPerSequence)
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

export async function runSequence(
  environment: Environment,
  { name, uuid, property, cases }: EditSequence,
): Promise<readonly string[]> {
  const field = property.field as FieldName
  const problems: string[] = []
  const { status, message } = await environment.create(name, { uuid })
  if (status !== 201) return [`${name} cannot be created: ${message}`]
  for (const tried of cases) {
    const answer = await environment.set(name, field, property.within(tried.value))
    const problem = await judge(tried, answer)
    if (problem !== undefined) problems.push(`${property.path}, ${tried.what}: ${problem}`)
  }
  return problems

  async function judge(tried: ValueCase, answer: Awaited<ReturnType<Environment['set']>>): Promise<string | undefined> {
    if (tried.outcome === 'refused') return refusalProblem(property, answer)
    if (answer.status !== 200) return `was refused: ${answer.message}`
    const object = await environment.settled(answer.object)
    return tried.outcome === 'reported'
      ? conditionProblem(property, object)
      : appliedProblem(field, tried, object, environment.scenario.zstack)
  }
}

/** A property that was declared and is declared no more is left as it is, whatever becomes of it in ZStack. */
export async function removeField(
  environment: Environment,
  { name, uuid, property }: EditSequence,
): Promise<readonly string[]> {
  const { scenario } = environment
  const field = property.field as FieldName
  const sent = () => scenario.updates(uuid).length
  await environment.settled((await environment.set(name, field, property.within(sampleOf(property.schema)))).object)
  const before = sent()
  await environment.settled((await environment.set(name, field, undefined)).object)
  scenario.zstack.drift(uuid, { [field === 'architectureImages' ? 'modelServiceImages' : field]: null })
  await environment.settled((await environment.look(name)).object)
  return sent() === before ? [] : [`${property.path}: is still sent after it was taken away`]
}
