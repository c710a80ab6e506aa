import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assess, isEqual } from '../../src/decide/assess.ts'
import { createEquality } from '../../src/reconcile/equality.ts'
import { encounters, encoded } from '../support/arbitrary.ts'
import { desired, observation, uid } from '../support/decide-inputs.ts'

describe('the passes over one object', () => {
  it('judge two texts once, and again when one of them is another', () => {
    let judged = 0
    const equality = createEquality((field, want, live) => {
      if (field === 'yaml') judged++
      return isEqual(field, want, live)
    })
    const pass = (yaml: string, live: string) =>
      assess(desired({ yaml, requestCpu: 8 }), observation({ yaml: live, requestCpu: 4 }), {}, uid, { equality })
        .differences.map(({ field }) => field)
        .join(' ')
    for (let looks = 0; looks < 3; looks++) expect(pass('a: 1', '{a: 1}')).toBe('requestCpu')
    expect(judged).toBe(1)
    for (let looks = 0; looks < 3; looks++) expect(pass('a: 1', '{a: 2}')).toBe('yaml requestCpu')
    expect(judged).toBe(2)
    expect(pass('a: 2', '{a: 2}')).toBe('requestCpu')
    expect(judged).toBe(3)
  })

  it('judge all fields as a first look does, whatever was judged before', () => {
    fc.assert(
      fc.property(fc.array(encounters, { minLength: 2, maxLength: 5 }), (looks) => {
        const equality = createEquality()
        for (const { spec, live } of looks)
          for (const [field, want] of encoded(spec))
            expect(equality(field, want, live[field])).toBe(isEqual(field, want, live[field]))
      }),
      { seed: 20261123 },
    )
  })
})
