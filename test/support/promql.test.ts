import { describe, expect, it } from 'vitest'
import { selectorsIn, strangersIn } from './promql.ts'

describe('what a query names', () => {
  it('is its metrics with their matchers, functions and groups left out', () => {
    const query =
      'histogram_quantile(0.95, sum by (job, le) (rate(a_bucket{job=~"x|y{}"}[5m]))) > 1e3 unless on (job) b == 1'
    expect(selectorsIn(query)).toEqual([
      { name: 'a_bucket', matchers: [{ label: 'job', operator: '=~', value: 'x|y{}' }] },
      { name: 'b', matchers: [] },
    ])
  })

  it.each([
    ['rate(zstack_operator_updates_total{result="verified", job="x"}[5m])', []],
    ['sum by (cause, le) (zstack_operator_convergence_seconds_bucket)', []],
    ['zstack_operator_convergence_seconds', ['zstack_operator_convergence_seconds']],
    ['zstack_operator_leader_total', ['zstack_operator_leader_total']],
    ['zstack_operator_updates_total{reason="x"}', ['zstack_operator_updates_total{reason}']],
    ['sum by (operation) (zstack_operator_leader)', ['by (operation)']],
    ['vector(1)', ['no metric in vector(1)']],
  ])('is strange in %s: %j', (query, strangers) => {
    expect(strangersIn(query)).toEqual(strangers)
  })
})
