import { describe, expect, it } from 'vitest'
import { fieldNames } from '../../src/api/modelservice.ts'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { propertiesOf, specSchema } from './properties.ts'
import { takeAway, walk, walksOf } from './try.ts'
import { startWorld } from './world.ts'

const isManaged = (field: string) => (fieldNames as readonly string[]).includes(field)
const managed = propertiesOf(specSchema()).filter(({ field }) => isManaged(field))

describe.skipIf(apiServerMissing())('every property of what ZStack is to hold', () => {
  it('is refused with a clear message, or ends up in ZStack, or a condition tells why not; and can be taken away', async () => {
    const walks = managed.map(walksOf)
    const world = await startWorld(walks.flat().map(({ uuid }) => ({ uuid, name: uuid })))
    const problems = walks.map(async ([first, ...others]) => {
      const ends = await Promise.all([first!, ...others].map((one) => walk(world, one)))
      return [...ends.flat(), ...(await takeAway(world, first!))]
    })
    expect((await Promise.all(problems)).flat()).toEqual([])
  }, 120_000)
})
