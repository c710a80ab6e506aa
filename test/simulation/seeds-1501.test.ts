import { describe } from 'vitest'
import { testSeeds } from './verdict.ts'

describe('the operator among faults', () => {
  testSeeds(1501, 500)
})
