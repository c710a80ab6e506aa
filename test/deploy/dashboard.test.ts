import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chartFolder } from '../../deploy/paths.ts'
import { catalogue } from '../../src/telemetry/catalogue.ts'
import { promtoolMissing, runPromtool } from '../support/promtool.ts'
import { selectorsIn, strangersIn } from '../support/promql.ts'

type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[]
}
type Variable = { readonly name: string; readonly query: string | { readonly query: string } }

const dashboard = JSON.parse(readFileSync(new URL('files/dashboard.json', chartFolder), 'utf8')) as {
  panels: Panel[]
  templating: { list: Variable[] }
}
const { panels } = dashboard
const queries = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))
/** A query as Grafana sends it, everything chosen. */
const sent = (expr: string) => expr.replaceAll('$__rate_interval', '2m').replaceAll(/\$\w+/g, '.*')

describe('the dashboard', () => {
  it.each(queries)('$title: $expr names only metrics and labels that there are', ({ expr }) => {
    expect(strangersIn(sent(expr))).toEqual([])
  })

  it.each(queries)('$title: $expr looks at the chosen operators alone', ({ expr }) => {
    for (const { matchers } of selectorsIn(expr))
      expect(matchers).toContainEqual({ label: 'job', operator: '=~', value: '$job' })
  })

  it.each(queries)('$title: $expr leaves the labels that its legend names', ({ expr, legendFormat = '' }) => {
    const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
    const groups = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ')
    if (groups) expect(groups).toEqual(expect.arrayContaining(named))
  })

  it('fills its choices from metrics that there are', () => {
    const asked = dashboard.templating.list
      .map(({ query }) => (typeof query === 'string' ? query : query.query))
      .map((query) => /^label_values\((.*), (\w+)\)$/.exec(query))
      .filter((match) => match !== null)
    expect(asked).toHaveLength(2)
    for (const [, expr = '', label = ''] of asked) expect(strangersIn(`sum by (${label}) (${sent(expr)})`)).toEqual([])
  })

  it('uses no variable that it does not declare', () => {
    const declared = [...dashboard.templating.list.map(({ name }) => name), '__rate_interval']
    const used = queries.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name))
    expect(declared).toEqual(expect.arrayContaining([...new Set(used)]))
  })

  it('shows every metric that there is, but those that a shown one contains', () => {
    const contained = [
      'workqueue_adds_total',
      'workqueue_retries_total',
      'workqueue_work_duration_seconds',
      'workqueue_unfinished_work_seconds',
      'workqueue_longest_running_processor_seconds',
      'zstack_api_body_shape',
      'process_start_time_seconds',
    ]
    const shown = new Set(queries.flatMap(({ expr }) => selectorsIn(sent(expr)).map(({ name }) => name)))
    const missing = Object.values(catalogue).filter(({ name }) => !shown.has(name) && !shown.has(`${name}_bucket`))
    expect(missing.map(({ name }) => name)).toEqual(contained)
  })

  it('has panels that each say how to read them, and that do not overlap', () => {
    for (const { type, description } of panels) if (type !== 'row') expect(description).toMatch(/\.$/)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})

describe.skipIf(promtoolMissing !== undefined)('the dashboard, judged by promtool', () => {
  it('asks nothing but PromQL', async () => {
    const rules = queries.map(({ expr }, index) => ({ record: `panel_${index}`, expr: sent(expr) }))
    const file = JSON.stringify({ groups: [{ name: 'dashboard', rules }] })
    const result = await runPromtool(['check', 'rules', 'queries.yaml'], { files: { 'queries.yaml': file } })
    expect(result).toMatchObject({ ok: true, output: expect.stringContaining(`${rules.length} rules found`) as string })
  })
})
