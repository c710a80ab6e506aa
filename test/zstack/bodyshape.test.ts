import { describe, expect, it } from 'vitest'
import type { FieldName } from '../../src/api/modelservice.ts'
import type { Live } from '../../src/decide/assess.ts'
import type { Json } from '../../src/api/json.ts'
import { createBodyShapes, evidenceOf, saysNoAction } from '../../src/zstack/bodyshape.ts'
import type { BodyShape } from '../../src/zstack/wire.ts'
import { held } from '../support/scripted-http.ts'

const live = (values: Partial<Record<FieldName, Json>>): Live => ({
  values: new Map(Object.entries(values) as [FieldName, Json][]),
})

describe('what an update tells of the shape it was sent in', () => {
  it.each([
    ['taken', 'a field shows what was sent', { requestCpu: 8 }, { requestCpu: 4 }, { requestCpu: 8 }],
    ['taken', 'a field that was empty shows it', { description: 'x' }, {}, { description: 'x' }],
    ['taken', 'one of two shows it', { name: 'n', requestCpu: 8 }, { name: 'o' }, { name: 'o', requestCpu: 8 }],
    ['taken', 'it shows it reworded', { yaml: 'a: 1' }, { yaml: 'a: 2' }, { yaml: '{a: 1}\n' }],
    ['ignored', 'it shows what it showed before', { requestCpu: 8 }, { requestCpu: 4 }, { requestCpu: 4 }],
    [
      'ignored',
      'it was to be emptied and shows what it showed',
      { description: '' },
      { description: 'x' },
      { description: 'x' },
    ],
    ['none', 'it was as sent before', { requestCpu: 8 }, { requestCpu: 8 }, { requestCpu: 8 }],
    ['none', 'the field is never shown', { servicePorts: [80] }, {}, {}],
    ['none', 'an older server does not show the field', { framework: 'vLLM' }, {}, {}],
    ['none', 'an empty value was sent', { description: '' }, { description: 'x' }, {}],
  ] as const)('%s: %s', (evidence, _, patch, before, after) => {
    expect(evidenceOf(patch, live(before), live(after))).toBe(evidence)
  })

  it('nothing, where one of the two looks is missing', () => {
    expect(evidenceOf({ requestCpu: 8 }, undefined, live({ requestCpu: 8 }))).toBe('none')
    expect(evidenceOf({ requestCpu: 8 }, live({ requestCpu: 4 }), undefined)).toBe('none')
  })
})

function start(setting: 'auto' | BodyShape) {
  const learned: BodyShape[] = []
  return { learned, shapes: createBodyShapes(setting, (shape) => learned.push(shape)) }
}

describe('body shapes', () => {
  it('auto begins with the envelope, as a guess', () => {
    expect(start('auto').shapes.best()).toEqual({ shape: 'envelope', certain: false })
  })

  it('a shape that took effect is certain from then on, though an update now and then is ignored', () => {
    const { shapes, learned } = start('auto')
    shapes.note('envelope', 'taken')
    for (const evidence of ['ignored', 'ignored', 'taken', 'ignored', 'none', 'ignored'] as const)
      shapes.note('envelope', evidence)
    shapes.note('flat', 'taken')
    expect(shapes.best()).toEqual({ shape: 'envelope', certain: true })
    expect(learned).toEqual(['envelope'])
  })

  it('a shape that three updates in a row do not take effect in was learned from a coincidence: it is learned anew', () => {
    const { shapes, learned } = start('auto')
    shapes.note('envelope', 'taken')
    for (let i = 0; i < 3; i++) shapes.note('envelope', 'ignored')
    expect(shapes.best()).toEqual({ shape: 'flat', certain: false })
    shapes.note('flat', 'taken')
    expect(shapes.best()).toEqual({ shape: 'flat', certain: true })
    expect(learned).toEqual(['envelope', 'flat'])
  })

  it('an ignored shape turns the guess, and proves nothing', () => {
    const { shapes, learned } = start('auto')
    shapes.note('envelope', 'ignored')
    expect(shapes.best()).toEqual({ shape: 'flat', certain: false })
    expect(learned).toEqual([])
  })

  it('words of refusal settle it, and are believed of a server that changed its mind', () => {
    const { shapes, learned } = start('auto')
    shapes.refused('envelope')
    expect(shapes.best()).toEqual({ shape: 'flat', certain: true })
    shapes.refused('flat')
    expect(shapes.best()).toEqual({ shape: 'envelope', certain: true })
    expect(learned).toEqual(['flat', 'envelope'])
  })

  it.each(['envelope', 'flat'] as const)('a pinned %s never switches', (shape) => {
    const { shapes, learned } = start(shape)
    shapes.note(shape, 'ignored')
    shapes.refused(shape)
    shapes.note(shape === 'flat' ? 'envelope' : 'flat', 'taken')
    expect(shapes.best()).toEqual({ shape, certain: true })
    expect(learned).toEqual([])
  })

  it('holds updates back while one finds the shape out, and no longer', async () => {
    const { shapes } = start('auto')
    const lesson = held<unknown>()
    const started: number[] = []
    const all = Array.from({ length: 32 }, (_, i) =>
      shapes.learn(async () => {
        started.push(i)
        if (i === 0) await lesson.promise
        shapes.note('envelope', 'taken')
      }),
    )
    await Promise.resolve()
    expect(started).toEqual([0])
    lesson.release(undefined)
    await Promise.all(all)
    expect(started).toHaveLength(32)
  })

  it('lets another find the shape out when one failed', async () => {
    const { shapes } = start('auto')
    const started: number[] = []
    const ends = await Promise.allSettled(
      Array.from({ length: 4 }, (_, i) =>
        shapes.learn(async () => {
          started.push(i)
          await Promise.resolve()
          if (i === 0) throw new Error('broken')
          shapes.note('flat', 'taken')
        }),
      ),
    )
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(started).toEqual([0, 1, 2, 3])
  })

  it('keeps nobody waiting for ever while others find nothing out', async () => {
    const { shapes } = start('auto')
    const lessons = Array.from({ length: 32 }, () => held<unknown>())
    let started = 0
    const all = lessons.map(({ promise }) => shapes.learn(() => (started++, promise)))
    const teachNothing = async () => {
      const before = started
      lessons.slice(0, started).forEach(({ release }) => release(undefined))
      await expect.poll(() => started).toBeGreaterThan(before)
    }
    await teachNothing()
    await teachNothing()
    expect(started).toBe(32)
    lessons.forEach(({ release }) => release(undefined))
    await Promise.all(all)
  })
})

it("knows the dispatcher's words for a body without the action", () => {
  const words = "the body doesn't contain action mapping to the URL[/v1/ai/model-services/6c1a]"
  expect(saysNoAction(`ZStack refuses the request (400: ${words})`)).toBe(true)
  expect(saysNoAction('ZStack refuses the request (400: field[requestCpu] must be an integer)')).toBe(false)
})
