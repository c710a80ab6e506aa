import { describe, expect, it } from 'vitest'
import { fieldNames } from '../../src/api/modelservice.ts'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { propertiesOf, specSchema } from './properties.ts'
import { removeField, runSequence, sequencesOf } from './edit-sequence.ts'
import { startEnvironment } from './environment.ts'

const isManaged = (field: string) => (fieldNames as readonly string[]).includes(field)
const managed = propertiesOf(specSchema()).filter(({ field }) => isManaged(field))

describe.skipIf(apiServerMissing())('every property of what ZStack is to hold', () => {
  it('is refused with a clear message, or ends up in ZStack, or a condition tells why not; and can be taken away', async () => {
    const sequences = managed.map(sequencesOf)
    const environment = await startEnvironment(sequences.flat().map(({ uuid }) => ({ uuid, name: uuid })))
    const problems = sequences.map(async ([first, ...others]) => {
      const ends = await Promise.all([first!, ...others].map((one) => runSequence(environment, one)))
      return [...ends.flat(), ...(await removeField(environment, first!))]
    })
    expect((await Promise.all(problems)).flat()).toEqual([])
  }, 120_000)
})
