import { describe, expect, it } from 'vitest'
import { fields } from '../../src/api/fields.ts'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn } from '../support/scenario.ts'
import { sequencesOf, type EditSequence } from './edit-sequence.ts'
import { startEnvironment, type Environment } from './environment.ts'
import { conditionProblem, refusalProblem } from './problems.ts'
import { propertiesOf, specSchema } from './properties.ts'
import { configMapData, expectedOf, objectName, secretData, sourcedFields } from './sourced-fields.ts'
import type { ValueCase } from './value-case.ts'

const references = propertiesOf(specSchema()).filter(({ field }) => field in sourcedFields)

async function runReferences(environment: Environment, sequence: EditSequence): Promise<readonly string[]> {
  const { name, uuid, property, cases } = sequence
  const { status, message } = await environment.create(name, { uuid })
  if (status !== 201) return [`${name} cannot be created: ${message}`]
  const problems: string[] = []
  for (const tried of cases) {
    const problem = await tryReference(environment, sequence, tried)
    if (problem !== undefined) problems.push(`${property.path}, ${tried.what}: ${problem}`)
  }
  return problems
}

async function tryReference(
  environment: Environment,
  { name, uuid, property }: EditSequence,
  { value, outcome }: ValueCase,
): Promise<string | undefined> {
  const { scenario } = environment
  const answer = await environment.set(name, property.field, property.within(value))
  if (outcome === 'refused') return refusalProblem(property, answer)
  if (answer.status !== 200) return `was refused: ${answer.message}`
  const sent = scenario.updates(uuid).length
  const object = await environment.settled(answer.object)
  if (outcome === 'reported')
    return scenario.updates(uuid).length > sent ? 'is sent all the same' : conditionProblem(property, object)
  const ready = conditionIn(object, 'Ready')
  if (ready?.reason !== 'InSync') return `ends in ${JSON.stringify(ready)}`
  const declared = object.spec[property.field]
  const field = sourcedFields[property.field]!
  const held = fields[field].visibility === 'hidden' ? scenario.zstack.hidden(uuid) : scenario.zstack.read(uuid)
  const expected = expectedOf(declared)
  // What is declared no more is left as it is.
  if (expected === undefined) return undefined
  const [want, is] = [expected, held?.[field]].map(sorted)
  return want === is ? undefined : `is stored as ${is}, not ${want}`
}

const sorted = (value: unknown) =>
  JSON.stringify(typeof value === 'string' ? value : Object.entries(value ?? {}).sort())

describe.skipIf(apiServerMissing())('every property of a reference to a Secret or ConfigMap', () => {
  it('is refused with a clear message, or ends up in ZStack, or a condition tells why not', async () => {
    const sequences = references.flatMap(sequencesOf)
    const environment = await startEnvironment(sequences.map(({ uuid }) => ({ uuid, name: uuid })))
    const { server, namespace } = environment.scenario
    const metadata = { name: objectName }
    await server.request('POST', `/api/v1/namespaces/${namespace}/secrets`, { metadata, stringData: secretData })
    await server.request('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata, data: configMapData })
    const problems = await Promise.all(sequences.map((one) => runReferences(environment, one)))
    expect(problems.flat()).toEqual([])
  }, 120_000)
})
