import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assess, reassess } from '../../src/decide/assess.ts'
import { encounters, encoded, read, take } from '../support/arbitrary.ts'
import { compared, desired, observation, uid, updated } from '../support/decide-inputs.ts'

describe('a comparison', () => {
  it('finds nothing where ZStack shows what is declared', () => {
    fc.assert(
      fc.property(encounters, ({ spec, server, live }) => {
        const want = encoded(spec)
        const shown = read(server, take(server, live, Object.fromEntries(want)))
        expect(assess(want, shown, {}, uid).differences).toEqual([])
      }),
      { seed: 20261123 },
    )
  })

  it('judges every declared field once, and no other', () => {
    fc.assert(
      fc.property(encounters, ({ spec, server, live }) => {
        const { differences, unverifiable, unsent, declared } = assess(encoded(spec), read(server, live), {}, uid)
        const differing = differences.map(({ field }) => field)
        expect(Object.keys(declared).sort()).toEqual(Object.keys(spec).sort())
        for (const field of [...differing, ...unsent, ...unverifiable]) expect(spec).toHaveProperty(field)
        expect(differing.filter((field) => unverifiable.includes(field) || unsent.includes(field))).toEqual([])
      }),
      { seed: 20261123 },
    )
  })

  it.each([
    ['an empty text', { description: '' }, {}],
    ['an empty list', { architectureImages: [] }, {}],
    ['an empty text shown as null', { description: '' }, { description: null }],
  ])('takes %s and what ZStack leaves out for one and the same', (_, spec, live) => {
    expect(compared(spec, live).assessment.differences).toEqual([])
  })

  it('takes something for a difference from nothing, both ways', () => {
    expect(compared({ description: '' }, { description: 'x' }).assessment.differences).toHaveLength(1)
    expect(compared({ description: 'x' }, {}).assessment.differences).toHaveLength(1)
    expect(compared({ requestCpu: 0 }, {}).assessment.differences).toHaveLength(1)
    expect(compared({ supportDistributed: false }, {}).assessment.differences).toHaveLength(1)
  })
})

describe('a field that only newer servers show', () => {
  const spec = { framework: 'vLLM' }

  it('cannot be verified on a server that was never seen to show it', () => {
    const { differences, unverifiable, unsent } = compared(spec, {}).assessment
    expect([differences, unverifiable, unsent]).toEqual([[], ['framework'], ['framework']])
  })

  it('is empty where a server that shows it shows none', () => {
    const { differences, unverifiable } = assess(desired(spec), observation({}, ['framework']), {}, uid)
    expect(differences).toEqual([{ field: 'framework', desired: 'vLLM', live: undefined }])
    expect(unverifiable).toEqual([])
  })

  it('is compared as soon as the service itself shows it', () => {
    expect(compared(spec, { framework: 'HuggingFace' }).assessment.differences).toHaveLength(1)
    expect(compared(spec, { framework: 'vLLM' }).assessment.unverifiable).toEqual([])
  })

  it('that was sent to an old server is compared when the server shows it after an upgrade', () => {
    const { accepted } = updated(spec, {}, ['framework']).assessment
    const { differences, drifted } = compared(spec, { framework: 'TGI' }, accepted).assessment
    expect(differences).toHaveLength(1)
    expect([...drifted]).toEqual(['framework'])
  })
})

describe('a write-only field', () => {
  const spec = { environmentParameters: { HF_TOKEN: 'hush' } }

  it('is unsent until ZStack accepted its value, and again when the value changes', () => {
    expect(compared(spec, {}).assessment.unsent).toEqual(['environmentParameters'])
    const { accepted, unsent } = updated(spec, {}, ['environmentParameters']).assessment
    expect(unsent).toEqual([])
    expect(compared(spec, {}, accepted).assessment.unsent).toEqual([])
    const changed = { environmentParameters: { HF_TOKEN: 'louder' } }
    expect(compared(changed, {}, accepted).assessment.unsent).toEqual(['environmentParameters'])
  })

  it('is not resent for the order of its keys', () => {
    const { accepted } = updated({ startupParameters: { a: '1', b: '2' } }, {}, ['startupParameters']).assessment
    expect(compared({ startupParameters: { b: '2', a: '1' } }, {}, accepted).assessment.unsent).toEqual([])
  })

  it('that is declared again after it was not counts as unsent', () => {
    const { accepted } = updated(spec, {}, ['environmentParameters']).assessment
    const without = compared({}, {}, accepted).assessment.accepted
    expect(compared(spec, {}, without).assessment.unsent).toEqual(['environmentParameters'])
  })

  it('does not count as sent because another field was', () => {
    const both = { ...spec, serviceName: 'main' }
    expect(updated(both, {}, ['serviceName']).assessment.unsent).toEqual(['environmentParameters'])
  })

  it('has another hash in another object and field, so that none can be looked up in a table', () => {
    const hash = (owner: string, field: 'serviceName' | 'serviceLivez') =>
      assess(desired({ [field]: 'hush' }), observation({}), {}, owner).declared[field]
    const hashes = [hash('one', 'serviceName'), hash('two', 'serviceName'), hash('one', 'serviceLivez')]
    expect(new Set(hashes).size).toBe(3)
    expect(hash('one', 'serviceName')).toBe(hashes[0])
  })
})

describe('drift', () => {
  it('is a difference of a value that was in effect', () => {
    const { accepted } = compared({ requestCpu: 8 }, { requestCpu: 8 }).assessment
    const { drifted } = compared({ requestCpu: 8 }, { requestCpu: 4 }, accepted).assessment
    expect([...drifted]).toEqual(['requestCpu'])
  })

  it('is not a difference that an edit of the spec made', () => {
    const { accepted } = compared({ requestCpu: 8 }, { requestCpu: 8 }).assessment
    expect(compared({ requestCpu: 16 }, { requestCpu: 8 }, accepted).assessment.drifted.size).toBe(0)
  })

  it('is still drift after another spelling of the same value', () => {
    const { accepted } = compared({ requestMemory: '16Gi' }, { requestMemory: 2 ** 34 }).assessment
    const { drifted } = compared({ requestMemory: 2 ** 34 }, { requestMemory: 1 }, accepted).assessment
    expect([...drifted]).toEqual(['requestMemory'])
  })
})

describe('a text that is worded otherwise', () => {
  it('is left as it is where ZStack, or whoever was there first, worded it', () => {
    expect(compared({ yaml: 'a: 1' }, { yaml: '{"a": 1}' }).assessment.unsent).toEqual([])
    const { accepted } = updated({ yaml: 'a: 1' }, { yaml: '{"a": 1}' }, ['yaml']).assessment
    expect(compared({ yaml: 'a: 1' }, { yaml: 'a:  1' }, accepted).assessment.unsent).toEqual([])
  })

  it('is sent once when a person reworded it, even if ZStack never shows the words', () => {
    const { accepted } = compared({ yaml: 'a: 1' }, { yaml: 'a: 1' }).assessment
    const reworded = { yaml: '# why\na: 1' }
    expect(compared(reworded, { yaml: 'a: 1' }, accepted).assessment).toMatchObject({
      unsent: ['yaml'],
      differences: [],
    })
    const sent = updated(reworded, { yaml: 'a: 1' }, ['yaml'], accepted).assessment
    expect(sent.unsent).toEqual([])
    expect(compared(reworded, { yaml: 'a: 1' }, sent.accepted).assessment.unsent).toEqual([])
  })
})

describe('an update', () => {
  it('that ZStack accepted and does not show in effect proves nothing', () => {
    const { differences, accepted, drifted } = updated({ requestCpu: 8 }, { requestCpu: 4 }, ['requestCpu']).assessment
    expect(differences).toHaveLength(1)
    expect([accepted, drifted.size]).toEqual([{}, 0])
  })

  it('leaves nothing unsent of what it carried, and forgets nothing that was in effect', () => {
    fc.assert(
      fc.property(encounters, ({ spec, server, live }) => {
        const want = encoded(spec)
        const fields = [...want.keys()]
        const shown = read(server, take(server, live, Object.fromEntries(want)))
        const after = reassess(want, shown, {}, fields, uid)
        expect(after.unsent).toEqual([])
        expect(Object.keys(after.accepted).sort()).toEqual([...fields].sort())
        expect(assess(want, shown, after.accepted, uid)).toEqual(after)
      }),
      { seed: 20261123 },
    )
  })
})
