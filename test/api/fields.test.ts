import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldNames, type FieldName } from '../../src/api/modelservice.ts'
import { desiredOf, fields } from '../../src/api/fields.ts'
import type { Json } from '../../src/api/json.ts'
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
})

/** Whether what an inventory shows under the key of a field is what is declared of it. */
function isHeld(field: FieldName, declared: Json, shown: unknown): boolean {
  const row = fields[field]
  const live = row.decode?.(shown)
  return row.visibility !== 'hidden' && live !== undefined && row.equal(declared, live)
}

describe('what an inventory shows', () => {
  const wrong = { text: 5, number: '5', flag: 'true', list: {}, map: [] }
  const kinds: Readonly<Record<string, keyof typeof wrong>> = {
    requestCpu: 'number',
    requestMemory: 'number',
    supportDistributed: 'flag',
    architectureImages: 'list',
    vendorToSpecUuidsMap: 'map',
  }
  const readable = fieldNames.filter((field) => fields[field].visibility !== 'hidden')

  it.each(readable)('of %s counts as not shown where it is of another type than documented', (field) => {
    expect(fields[field].decode?.(wrong[kinds[field] ?? 'text'])).toBeUndefined()
    for (const nothing of [undefined, null]) expect(fields[field].decode?.(nothing)).toBeUndefined()
  })

  it.each<[FieldName, unknown, Json | undefined]>([
    ['requestCpu', 0.5, undefined],
    ['requestMemory', 2 ** 60, 2 ** 60],
    ['architectureImages', ['x86_64'], undefined],
    [
      'architectureImages',
      [{ cpuArchitecture: 'a', dockerImage: 5, name: null, uuid: 'u' }],
      [{ cpuArchitecture: 'a' }],
    ],
    ['vendorToSpecUuidsMap', { NVIDIA: 'a' }, undefined],
    ['vendorToSpecUuidsMap', { NVIDIA: [5] }, undefined],
    ['vendorToSpecUuidsMap', { NVIDIA: [], AMD: ['a'] }, { NVIDIA: [], AMD: ['a'] }],
  ])('of %s, %j, is read as %j', (field, shown, value) => {
    expect(fields[field].decode?.(shown)).toEqual(value)
  })
})

describe('equality', () => {
  const a = 'a'.repeat(32)
  const b = 'b'.repeat(32)
  const x86 = { cpuArchitecture: 'X86_64', vmImageUuid: a, dockerImage: 'image:1' }
  const arm = { cpuArchitecture: 'aarch64', dockerImage: 'image:2' }
  const gpu = { cpuArchitecture: 'aarch64', acceleratorType: 'NVIDIA' }
  const npu = { cpuArchitecture: 'aarch64', acceleratorType: 'Ascend', imageNamePattern: '.*npu.*' }
  const shown = {
    ...x86,
    cpuArchitecture: 'x86_64',
    uuid: b,
    modelServiceUuid: uuid,
    lastOpDate: 'Nov 25, 2025 11:51:50 AM',
  }

  it.each<[string, FieldName, Json, unknown]>([
    ['images with keys of the server', 'architectureImages', [x86], [shown]],
    ['images in another order', 'architectureImages', [x86, arm], [arm, shown]],
    ['an image uuid in capitals', 'architectureImages', [x86], [{ ...x86, vmImageUuid: a.toUpperCase() }]],
    ['an image without what the server shows empty', 'architectureImages', [arm], [{ ...arm, vmImageUuid: null }]],
    ['what nobody declared of an image', 'architectureImages', [{ cpuArchitecture: 'X86_64' }], [shown]],
    [
      'what newer servers add to an image',
      'architectureImages',
      [x86],
      [{ ...shown, name: 'n', acceleratorType: 'g' }],
    ],
    ['several images of an architecture', 'architectureImages', [gpu, arm, npu], [npu, gpu, arm]],
    [
      'which of two like images is which',
      'architectureImages',
      [gpu, { cpuArchitecture: 'aarch64', dockerImage: 'image:2' }],
      [
        { ...gpu, dockerImage: 'image:2' },
        { ...gpu, dockerImage: 'image:3' },
      ],
    ],
    ['that nothing is shown of a part declared empty', 'architectureImages', [{ ...arm, name: '' }], [arm]],
    ['the new name of a framework', 'framework', 'llama.cpp', 'LlamaCpp'],
    ['the former name of a framework', 'framework', 'SentenceTransformers', 'sentence_transformers'],
    ['vendors in another order', 'vendorToSpecUuidsMap', { A: [a], B: [b] }, { B: [b], A: [a] }],
    [
      'uuids of a vendor in another order, in capitals or twice',
      'vendorToSpecUuidsMap',
      { A: [a, b] },
      { A: [b.toUpperCase(), a, a] },
    ],
    ['reformatted yaml', 'yaml', 'a: 1', '{"a": 1}'],
  ])('does not mind %s', (_, field, declared, shown) => {
    expect(isHeld(field, declared, shown)).toBe(true)
  })

  it.each<[string, FieldName, Json, unknown]>([
    ['another image', 'architectureImages', [x86], [{ ...shown, dockerImage: 'image:3' }]],
    ['an image that is missing', 'architectureImages', [x86, arm], [shown]],
    ['an image too many', 'architectureImages', [arm], [arm, shown]],
    ['a second image of an architecture', 'architectureImages', [x86], [{ ...shown, dockerImage: 'image:3' }, shown]],
    ['the name of an image', 'architectureImages', [{ ...arm, name: 'one' }], [{ ...arm, name: 'other' }]],
    ['a part of an image that is not shown', 'architectureImages', [{ ...arm, name: 'one' }], [arm]],
    ['a part of an image declared empty', 'architectureImages', [{ ...arm, name: '' }], [{ ...arm, name: 'one' }]],
    ['one live image for two', 'architectureImages', [gpu, gpu], [gpu, npu]],
    ['an image that is not even an object', 'architectureImages', [arm], [null, 'x', 5]],
    ['images that are no list', 'architectureImages', [arm], 'x86_64'],
    ['the letters of a container image', 'architectureImages', [arm], [{ ...arm, dockerImage: 'IMAGE:2' }]],
    ['another framework', 'framework', 'llama.cpp', 'vLLM'],
    ['the letters of a framework', 'framework', 'llama.cpp', 'llamacpp'],
    ['a framework for the other', 'framework', 'LlamaCpp', 'SentenceTransformers'],
    ['a vendor’s uuid', 'vendorToSpecUuidsMap', { A: [a] }, { A: [b] }],
    ['a vendor', 'vendorToSpecUuidsMap', { A: [a] }, { B: [a] }],
    ['vendors that are no map', 'vendorToSpecUuidsMap', { A: [a] }, 5],
    ['a number shown as text', 'requestCpu', 8, '8'],
    ['a space at the end', 'startCommand', 'run', 'run '],
    ['yaml that is no text', 'yaml', 'a: 1', { a: 1 }],
  ])('minds %s', (_, field, declared, shown) => {
    expect(isHeld(field, declared, shown)).toBe(false)
  })

  it('of images is a pairing of each with one of its own, whichever pairing that takes', () => {
    const part = fc.constantFrom('1', '2')
    const image = fc.record({ cpuArchitecture: fc.constant('x'), dockerImage: part, name: part }, { requiredKeys: [] })
    const list = fc.array(image, { maxLength: 4 })
    fc.assert(
      fc.property(list, list, (declared, live) => {
        const fits = (order: typeof live) =>
          declared.every((one, i) => Object.entries(one).every(([key, value]) => order[i]?.[key as 'name'] === value))
        const isPaired = declared.length === live.length && permutations(live).some(fits)
        expect(isHeld('architectureImages', declared, live)).toBe(isPaired)
      }),
      { numRuns: 2_000, seed: 20261123 },
    )
  })

  it('of every field that can be read holds between a value and itself', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        for (const [field, value] of encoded(spec))
          if (fields[field].visibility !== 'hidden') expect(isHeld(field, value, value), field).toBe(true)
      }),
      { seed: 20261123 },
    )
  })
})

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))
}
