import { describe, expect, it } from 'vitest'
import { objectSeries, type ObservedObject } from '../../src/telemetry/object-metrics.ts'

const ready = { type: 'Ready', status: 'True', reason: 'InSync' }
const object = (name: string, status?: unknown): ObservedObject => ({ metadata: { namespace: 'models', name }, status })

const pieces = (objects: readonly ObservedObject[]) => [...objectSeries(() => objects)]
const samples = (objects: readonly ObservedObject[]) =>
  pieces(objects)
    .join('')
    .split('\n')
    .filter((line) => /^[^#]/.test(line))

describe('the series of objects', () => {
  it('name every condition with its status and reason, and how many fields drifted', () => {
    const stalled = { type: 'Stalled', status: 'True', reason: 'NotFound' }
    const status = { conditions: [ready, stalled], drift: [{ field: 'requestCpu' }, { field: 'yaml' }] }
    expect(samples([object('a', status)])).toEqual([
      'zstack_modelservice_condition{namespace="models",name="a",type="Ready",status="True",reason="InSync"} 1',
      'zstack_modelservice_condition{namespace="models",name="a",type="Stalled",status="True",reason="NotFound"} 1',
      'zstack_modelservice_drifted_fields{namespace="models",name="a"} 2',
    ])
  })

  it('say zero where nothing drifted, and nothing of an object without a status', () => {
    const drifted = (lines: readonly string[]) => lines.filter((line) => line.includes('drifted'))
    expect(drifted(samples([object('a', { conditions: [ready] }), object('b')]))).toEqual([
      'zstack_modelservice_drifted_fields{namespace="models",name="a"} 0',
    ])
    expect(samples([object('b')])).toEqual([])
  })

  it.each([
    ['no object', 'odd'],
    ['null', null],
    ['of other types', { conditions: 'many', drift: 7 }],
  ])('bear a status that is %s', (_, status) => {
    expect(samples([object('a', status)])).toEqual([])
  })

  it('stay text that can be read where somebody wrote odd conditions', () => {
    const odd = { type: 'a"b', status: 'c\\d', reason: 'e\nf' }
    expect(samples([object('a', { conditions: [odd, null, { type: 7 }] })]).slice(0, 3)).toEqual([
      String.raw`zstack_modelservice_condition{namespace="models",name="a",type="a\"b",status="c\\d",reason="e\nf"} 1`,
      'zstack_modelservice_condition{namespace="models",name="a",type="",status="",reason=""} 1',
      'zstack_modelservice_condition{namespace="models",name="a",type="",status="",reason=""} 1',
    ])
  })

  it('come in pieces of bounded size, all series of one metric together', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => object(`object-${i}`, { conditions: [ready] }))
    expect(Math.max(...pieces(many).map((piece) => piece.length))).toBeLessThan(20_000)
    const names = samples(many).map((line) => line.split('{', 1)[0])
    expect(names).toEqual([...names].sort())
    expect(names).toHaveLength(2_000)
  })
})
