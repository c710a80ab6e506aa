/** The dashboard as Grafana's JSON. */
import { rows, type Panel, type Row } from './panels.ts'

const datasource = { type: 'prometheus', uid: '${datasource}' }
const columns = 24
const good = { id: 'color', value: { mode: 'fixed', fixedColor: 'green' } }
const heights = { stat: 4, timeseries: 8, stacked: 8, table: 6 } as const

type Placed = { readonly panels: readonly object[]; readonly bottom: number }

export function dashboard(): object {
  let bottom = 0
  const panels = rows.flatMap((row) => {
    const placed = place(row, bottom)
    bottom = placed.bottom
    return placed.panels
  })
  return {
    uid: 'modelservice-operator',
    title: 'ModelService operator',
    description: 'What the ModelService operator keeps, how it fares with ZStack, and how it is itself.',
    tags: ['zstack', 'kubernetes'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        variable('job', 'Operator', 'label_values(zstack_operator_build_info, job)'),
        variable('namespace', 'Namespace', 'label_values(zstack_modelservice_condition{job=~"$job"}, namespace)'),
      ],
    },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  }
}

function variable(name: string, label: string, query: string): object {
  return {
    name,
    label,
    type: 'query',
    datasource,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
  }
}

/** From left to right, a new line where the next one has no room. */
function place({ title, panels }: Row, top: number): Placed {
  let [x, y, tallest] = [0, top + 1, 0]
  const placed = panels.map((panel) => {
    if (x + panel.width > columns) [x, y, tallest] = [0, y + tallest, 0]
    const gridPos = { x, y, w: panel.width, h: heights[panel.kind] }
    x += panel.width
    tallest = Math.max(tallest, gridPos.h)
    return { ...drawn(panel), gridPos }
  })
  const heading = { type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y: top, w: columns, h: 1 } }
  return { panels: [heading, ...placed], bottom: y + tallest }
}

function drawn({ kind, title, help, unit, queries, alarm }: Panel): object {
  const type = kind === 'stacked' ? 'timeseries' : kind
  const isNow = kind === 'stat' || kind === 'table'
  const targets = queries.map(({ expr, legend }, index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource,
    expr,
    ...(legend !== '' && { legendFormat: legend }),
    ...(isNow && { instant: true, range: false }),
    ...(kind === 'table' && { format: 'table' }),
  }))
  const steps = [{ color: 'green', value: null }, ...(alarm === undefined ? [] : [{ color: 'red', value: alarm }])]
  const custom =
    kind === 'stacked'
      ? { fillOpacity: 60, lineWidth: 1, stacking: { mode: 'normal', group: 'A' } }
      : { fillOpacity: 5, lineWidth: 1 }
  return {
    type,
    title,
    description: help,
    datasource,
    targets,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(type === 'timeseries' && { custom: { ...custom, showPoints: 'never' } }),
        ...(kind === 'stat' && { thresholds: { mode: 'absolute', steps } }),
      },
      overrides: kind === 'stacked' ? [{ matcher: { id: 'byName', options: 'InSync' }, properties: [good] }] : [],
    },
    ...(type === 'timeseries' && {
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    }),
    ...(kind === 'stat' && { options: { colorMode: 'value', graphMode: 'none', reduceOptions: { calcs: ['last'] } } }),
    ...(kind === 'table' && {
      transformations: [{ id: 'organize', options: { excludeByName: { Time: true, Value: true } } }],
    }),
  }
}
