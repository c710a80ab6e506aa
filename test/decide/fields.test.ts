import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldNames, type FieldName } from '../../src/api/modelservice.ts'
import { canonical, desiredOf, fields, isEmpty, type Json } from '../../src/decide/fields.ts'
import { encoded, specs } from '../support/arbitrary.ts'
import { uuid } from '../support/decide-inputs.ts'

const named = (visibility: string) => fieldNames.filter((field) => fields[field].visibility === visibility)

describe('the table of fields', () => {
  it('has a row for every field of the schema', () => {
    expect(Object.keys(fields).sort()).toEqual([...fieldNames].sort())
  })

  it('holds for never shown what ZStack never shows', () => {
    expect(named('hidden')).toEqual([
      ...['environmentParameters', 'startupParameters', 'inferenceParams'],
      ...['serviceName', 'serviceLivez', 'serviceReadyz', 'serviceInstallPath', 'serviceStartCommand'],
      ...['servicePorts', 'serviceBootupTime', 'systemTags', 'userTags'],
    ])
    expect(named('newer')).toEqual(['framework', 'source', 'containerCommand', 'containerArgs', 'vendorToSpecUuidsMap'])
  })
})

describe('what is declared', () => {
  it('is what the spec has, and not one field more', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        expect([...encoded(spec).keys()].sort()).toEqual(Object.keys(spec).sort())
      }),
      { seed: 20261123 },
    )
  })

  it('leaves out what steers the operator alone', () => {
    expect(desiredOf({ uuid, policy: 'Observe', suspend: true })).toEqual(new Map())
  })

  it.each(['16Gi', '17179869184', 17179869184, '16777216Ki'])('memory of %s goes out as bytes', (requestMemory) => {
    expect(desiredOf({ uuid, requestMemory }).get('requestMemory')).toBe(17179869184)
  })

  it('counts as empty where ZStack would show nothing, but zero and false are values', () => {
    expect([undefined, null, '', [], {}].map(isEmpty)).toEqual([true, true, true, true, true])
    expect([0, false, ' ', [0], { a: '' }].map(isEmpty)).toEqual([false, false, false, false, false])
  })
})

describe('equality', () => {
  const a = 'a'.repeat(32)
  const b = 'b'.repeat(32)
  const x86 = { cpuArchitecture: 'X86_64', vmImageUuid: a, dockerImage: 'image:1' }
  const arm = { cpuArchitecture: 'aarch64', dockerImage: 'image:2' }
  const shown = {
    ...x86,
    cpuArchitecture: 'x86_64',
    uuid: b,
    modelServiceUuid: uuid,
    lastOpDate: 'Nov 25, 2025 11:51:50 AM',
  }

  it.each<[string, FieldName, Json, Json]>([
    ['images with keys of the server', 'architectureImages', [x86], [shown]],
    ['images in another order', 'architectureImages', [x86, arm], [arm, shown]],
    ['an image uuid in capitals', 'architectureImages', [x86], [{ ...x86, vmImageUuid: a.toUpperCase() }]],
    ['an image without what the server shows empty', 'architectureImages', [arm], [{ ...arm, vmImageUuid: null }]],
    ['vendors in another order', 'vendorToSpecUuidsMap', { A: [a], B: [b] }, { B: [b], A: [a] }],
    [
      'uuids of a vendor in another order, in capitals or twice',
      'vendorToSpecUuidsMap',
      { A: [a, b] },
      { A: [b.toUpperCase(), a, a] },
    ],
    ['reformatted yaml', 'yaml', 'a: 1', '{"a": 1}'],
  ])('does not mind %s', (_, field, declared, live) => {
    expect(fields[field].equal(declared, live)).toBe(true)
  })

  it.each<[string, FieldName, Json, Json]>([
    ['another image', 'architectureImages', [x86], [{ ...shown, dockerImage: 'image:3' }]],
    ['an image that is missing', 'architectureImages', [x86, arm], [shown]],
    ['an image too many', 'architectureImages', [arm], [arm, shown]],
    ['a second image of an architecture', 'architectureImages', [x86], [{ ...shown, dockerImage: 'image:3' }, shown]],
    ['an image for machines that nobody declared', 'architectureImages', [arm], [{ ...arm, vmImageUuid: a }]],
    ['an image that is not even an object', 'architectureImages', [arm], [null, 'x', 5]],
    ['images that are no list', 'architectureImages', [arm], 'x86_64'],
    ['the letters of a container image', 'architectureImages', [arm], [{ ...arm, dockerImage: 'IMAGE:2' }]],
    ['a vendor’s uuid', 'vendorToSpecUuidsMap', { A: [a] }, { A: [b] }],
    ['a vendor', 'vendorToSpecUuidsMap', { A: [a] }, { B: [a] }],
    ['vendors that are no map', 'vendorToSpecUuidsMap', { A: [a] }, 5],
    ['a number shown as text', 'requestCpu', 8, '8'],
    ['a space at the end', 'startCommand', 'run', 'run '],
    ['yaml that is no text', 'yaml', 'a: 1', { a: 1 }],
  ])('minds %s', (_, field, declared, live) => {
    expect(fields[field].equal(declared, live)).toBe(false)
  })

  it('of every field holds between a value and itself', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        for (const [field, value] of encoded(spec)) expect(fields[field].equal(value, value), field).toBe(true)
      }),
      { seed: 20261123 },
    )
  })
})

describe('canonical JSON', () => {
  it('has the keys of every object in order, and lists as they are', () => {
    expect(canonical({ b: [{ d: 1, c: 2 }, 'x'], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1},"x"]}')
  })

  it('is the same for the same value, and reads back as it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonical(value as Json)
        expect(canonical(JSON.parse(text) as Json)).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      { seed: 20261123 },
    )
  })
})
