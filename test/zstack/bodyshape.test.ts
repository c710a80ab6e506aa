import { describe, expect, it } from 'vitest'
import type { FieldName } from '../../src/api/modelservice.ts'
import type { Live } from '../../src/decide/assess.ts'
import type { Json } from '../../src/api/json.ts'
import { createBodyShapePreference, evidenceOf, saysNoAction } from '../../src/zstack/bodyshape.ts'
import type { BodyShape } from '../../src/zstack/wire.ts'

const live = (values: Partial<Record<FieldName, Json>>): Live => ({
  values: new Map(Object.entries(values) as [FieldName, Json][]),
})

describe('the evidence of an update for the shape it was sent in', () => {
  it.each([
    ['effective', 'a field shows what was sent', { requestCpu: 8 }, { requestCpu: 4 }, { requestCpu: 8 }],
    ['effective', 'a field that was empty shows it', { description: 'x' }, {}, { description: 'x' }],
    ['effective', 'one of two shows it', { name: 'n', requestCpu: 8 }, { name: 'o' }, { name: 'o', requestCpu: 8 }],
    ['effective', 'it shows it reworded', { yaml: 'a: 1' }, { yaml: 'a: 2' }, { yaml: '{a: 1}\n' }],
    ['ineffective', 'it shows what it showed before', { requestCpu: 8 }, { requestCpu: 4 }, { requestCpu: 4 }],
    [
      'ineffective',
      'it was to be emptied and shows what it showed',
      { description: '' },
      { description: 'x' },
      { description: 'x' },
    ],
    ['inconclusive', 'it was as sent before', { requestCpu: 8 }, { requestCpu: 8 }, { requestCpu: 8 }],
    ['inconclusive', 'the field is never shown', { servicePorts: [80] }, {}, {}],
    ['inconclusive', 'an older server does not show the field', { framework: 'vLLM' }, {}, {}],
    ['inconclusive', 'an empty value was sent', { description: '' }, { description: 'x' }, {}],
  ] as const)('%s: %s', (evidence, _, patch, before, after) => {
    expect(evidenceOf(patch, live(before), live(after))).toBe(evidence)
  })

  it('inconclusive: one of the two observations is missing', () => {
    expect(evidenceOf({ requestCpu: 8 }, undefined, live({ requestCpu: 8 }))).toBe('inconclusive')
    expect(evidenceOf({ requestCpu: 8 }, live({ requestCpu: 4 }), undefined)).toBe('inconclusive')
  })
})

function start(setting: 'auto' | BodyShape) {
  const confirmed: BodyShape[] = []
  return { confirmed, shapes: createBodyShapePreference(setting, (shape) => confirmed.push(shape)) }
}

describe('the body shape preference', () => {
  it('auto begins with the envelope, unconfirmed', () => {
    const { shapes, confirmed } = start('auto')
    expect([shapes.preferred(), shapes.isConfirmed(), shapes.isPinned]).toEqual(['envelope', false, false])
    expect(confirmed).toEqual([])
  })

  it.each(['envelope', 'flat'] as const)(
    '%s that was seen to work is preferred from then on, and reported once',
    (shape) => {
      const { shapes, confirmed } = start('auto')
      shapes.noteWorked(shape)
      shapes.noteWorked(shape)
      expect([shapes.preferred(), shapes.isConfirmed()]).toEqual([shape, true])
      expect(confirmed).toEqual([shape])
    },
  )

  it('follows a server that is seen to take the other shape later', () => {
    const { shapes, confirmed } = start('auto')
    shapes.noteWorked('envelope')
    shapes.noteWorked('flat')
    expect([shapes.preferred(), shapes.isConfirmed()]).toEqual(['flat', true])
    expect(confirmed).toEqual(['envelope', 'flat'])
  })

  it('takes words of refusal as proof of the other shape, whatever was confirmed before', () => {
    const { shapes, confirmed } = start('auto')
    shapes.noteRefused('envelope')
    expect([shapes.preferred(), shapes.isConfirmed()]).toEqual(['flat', true])
    shapes.noteRefused('flat')
    expect([shapes.preferred(), shapes.isConfirmed()]).toEqual(['envelope', true])
    expect(confirmed).toEqual(['flat', 'envelope'])
  })

  it.each(['envelope', 'flat'] as const)('pinned to %s never changes, and learns nothing', (shape) => {
    const { shapes, confirmed } = start(shape)
    shapes.noteRefused(shape)
    shapes.noteWorked(shape === 'flat' ? 'envelope' : 'flat')
    expect([shapes.preferred(), shapes.isConfirmed(), shapes.isPinned]).toEqual([shape, true, true])
    expect(confirmed).toEqual([])
  })
})

it("knows the dispatcher's words for a body without the action", () => {
  const words = "the body doesn't contain action mapping to the URL[/v1/ai/model-services/6c1a]"
  expect(saysNoAction(`ZStack refuses the request (400: ${words})`)).toBe(true)
  expect(saysNoAction('ZStack refuses the request (400: field[requestCpu] must be an integer)')).toBe(false)
})
