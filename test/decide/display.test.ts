import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldNames } from '../../src/api/modelservice.ts'
import type { Live } from '../../src/decide/assess.ts'
import { differenceMessage, display, driftOf, fingerprint, liveOf } from '../../src/decide/display.ts'
import { fields } from '../../src/api/fields.ts'
import type { Json } from '../../src/api/json.ts'
import { encoded, encounters, read } from '../support/arbitrary.ts'
import { compared, observation } from '../support/decide-inputs.ts'

describe('a value for people', () => {
  it.each<[string, Json | undefined, string]>([
    ['text', 'Endpoint', 'Endpoint'],
    ['a number', 8, '8'],
    ['nothing', undefined, '(none)'],
    ['empty text', '', '(empty)'],
    ['a list', [1, 2], '[1,2]'],
  ])('is %s as it is', (_, value, text) => {
    expect(display('type', value)).toBe(text)
  })

  it('is memory as a quantity', () => {
    expect(display('requestMemory', 16 * 2 ** 30)).toBe('16Gi')
  })

  it('is cut where it is long, and distinguished by size and fingerprint', () => {
    const [one, other] = ['x'.repeat(70), `${'x'.repeat(69)}y`]
    expect(display('name', one)).toBe(`${'x'.repeat(32)}… (70 bytes, sha256 ${fingerprint(one).sha256.slice(0, 8)})`)
    expect(display('name', other)).not.toBe(display('name', one))
  })

  it('is one line of bounded length, whatever the value', () => {
    const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.jsonValue())
    const isBounded = (text: string) => text.length < 110 && !text.includes('\n')
    fc.assert(
      fc.property(fc.constantFrom(...fieldNames), value, (field, json) => {
        expect(display(field, fields[field].decode?.(json))).toSatisfy(isBounded)
      }),
      { seed: 20261123 },
    )
    fc.assert(
      fc.property(encounters, ({ spec, live }) => {
        for (const [field, declared] of encoded(spec)) {
          expect(display(field, declared)).toSatisfy(isBounded)
          expect(display(field, live[field], declared)).toSatisfy(isBounded)
        }
      }),
      { seed: 20261123 },
    )
  })

  it.each(['x'.repeat(31) + '😀'.repeat(40), '\ud800broken'])(
    'is never half a character, which the API server would store as another: %j',
    (text) => {
      expect(display('description', text).isWellFormed()).toBe(true)
    },
  )

  it('is not shown at all where ZStack does not show it', () => {
    const hidden = fieldNames.filter((field) => fields[field].visibility === 'hidden')
    for (const field of hidden) expect(display(field, 'hush')).toBe('(not shown)')
  })

  it('of images is in the same order, however ZStack orders them, and in the letters it keeps', () => {
    const [x86, arm] = [{ cpuArchitecture: 'x86_64', dockerImage: 'i:1' }, { cpuArchitecture: 'aarch64' }]
    const text = '[{"cpuArchitecture":"aarch64"},{"cpuArchitecture":"x86_64","dockerImage":"i:1"}]'
    const cut = `${text.slice(0, 32)}… (${text.length} bytes, sha256 ${fingerprint(text).sha256.slice(0, 8)})`
    expect(display('architectureImages', [x86, arm])).toBe(cut)
    expect(display('architectureImages', [arm, { ...x86, cpuArchitecture: 'X86_64' }])).toBe(cut)
  })

  it('of vendors has their uuids as the set that they are', () => {
    const vendors = { B: ['b'], A: ['c', 'A', 'a'] }
    expect(display('vendorToSpecUuidsMap', vendors)).toBe('{"A":["a","c"],"B":["b"]}')
  })
})

describe('a difference', () => {
  it('names the first field and counts the rest', () => {
    const { assessment } = compared({ requestCpu: 8, name: 'a', servicePorts: [80] }, { requestCpu: 4, name: 'a' })
    expect(differenceMessage(assessment)).toBe('requestCpu: want 8, is 4 (and 1 more)')
    const more = compared({ requestCpu: 8, requestMemory: '16Gi', type: 'App' }, { requestCpu: 4, requestMemory: 1024 })
    expect(differenceMessage(more.assessment)).toBe('requestCpu: want 8, is 4 (and 2 more)')
  })

  it('of one field counts nothing', () => {
    expect(differenceMessage(compared({ requestMemory: '16Gi' }, { requestMemory: 2 ** 33 }).assessment)).toBe(
      'requestMemory: want 16Gi, is 8Gi',
    )
  })

  it('that cannot be read says what is not sent', () => {
    const { assessment } = compared({ servicePorts: [80], userTags: ['a'] }, {})
    expect(differenceMessage(assessment)).toBe('servicePorts: not sent yet (and 1 more)')
  })

  it('that is none says that the work is a request', () => {
    expect(differenceMessage(compared({}, {}).assessment)).toBe('what ZStack does not show is sent again, as requested')
  })
})

describe('drift', () => {
  it('is absent where nothing differs', () => {
    expect(driftOf([])).toBeUndefined()
  })

  it('has both values of each field', () => {
    expect(driftOf(compared({ requestCpu: 8, type: 'App' }, { requestCpu: 4 }).assessment.differences)).toEqual([
      { field: 'requestCpu', desired: '8', live: '4' },
      { field: 'type', desired: 'App', live: '(none)' },
    ])
  })

  it('of images has the parts of them that are declared, and no others', () => {
    const declared = { architectureImages: [{ cpuArchitecture: 'X86_64', name: 'a' }] }
    const live = { architectureImages: [{ cpuArchitecture: 'x86_64', name: 'b', dockerImage: 'registry.example/i:1' }] }
    const { assessment } = compared(declared, live)
    const [desired, is] = ['[{"cpuArchitecture":"x86_64","name":"a"}]', '[{"cpuArchitecture":"x86_64","name":"b"}]']
    expect(driftOf(assessment.differences)).toEqual([{ field: 'architectureImages', desired, live: is }])
    expect(differenceMessage(assessment)).toBe(`architectureImages: want ${desired}, is ${is}`)
  })

  it('of images is shown by texts that differ, whatever is declared of them', () => {
    fc.assert(
      fc.property(encounters, ({ spec, live }) => {
        for (const { desired, live: is } of driftOf(compared(spec, live).assessment.differences) ?? [])
          expect(desired).not.toBe(is)
      }),
      { seed: 20261123 },
    )
  })

  it('has at most 20 rows', () => {
    const { differences } = compared({ requestCpu: 8 }, { requestCpu: 4 }).assessment
    const many = Array.from({ length: 30 }, () => differences[0]!)
    expect(driftOf(many)).toHaveLength(20)
    expect(driftOf(many.slice(0, 20))).toHaveLength(20)
  })
})

describe('what ZStack last showed', () => {
  const shownOf = (live: Live) => liveOf(live, new Set())

  it('is a summary, the yaml as fingerprint and size', () => {
    const { live } = observation({ name: 'llm', type: 'Endpoint', requestCpu: 4, requestMemory: 2 ** 33, yaml: 'ä: 1' })
    expect(shownOf({ ...live, modelCenterUuid: 'c', system: false })).toEqual({
      name: 'llm',
      type: 'Endpoint',
      requestCpu: 4,
      requestMemory: '8Gi',
      yaml: { sha256: fingerprint('ä: 1').sha256, size: 5 },
      modelCenterUuid: 'c',
      system: false,
    })
  })

  it('leaves out what ZStack did not show, or not as it should', () => {
    expect(shownOf(observation({ name: 5, requestCpu: 1.5, requestMemory: 'much', yaml: null }).live)).toEqual({})
  })

  it('stays small, however long a name ZStack holds', () => {
    const { live } = observation({ name: 'n'.repeat(1_000_000), type: 't'.repeat(255), yaml: 'y'.repeat(1_000_000) })
    expect(JSON.stringify(shownOf(live)).length).toBeLessThan(700)
    expect(shownOf(live)?.type).toBe('t'.repeat(255))
    expect(shownOf(observation({ name: 'half a character: \ud800' }).live)?.name?.isWellFormed()).toBe(true)
  })

  it('is well-formed and bounded for any inventory', () => {
    fc.assert(
      fc.property(encounters, ({ server, live }) => {
        const text = JSON.stringify(shownOf(read(server, live).live))
        expect(text.isWellFormed()).toBe(true)
        expect(text.length).toBeLessThan(1_000)
      }),
      { seed: 20261123 },
    )
  })
})
