import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { chartFolder } from '../../deploy/paths.ts'
import { reasons } from '../../src/api/reasons.ts'
import { promtoolMissing, runPromtool } from '../support/promtool.ts'
import { selectorsIn, strangersIn } from '../support/promql.ts'

type Alert = {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}
const text = readFileSync(new URL('files/alerts.yaml', chartFolder), 'utf8')
const { groups } = parse(text) as { groups: { rules: Alert[] }[] }
const alerts = groups.flatMap(({ rules }) => rules)

/** Values of series, one a minute, as promtool writes them: `1x20` is 1 twenty times more, `0+5x20` rises by 5. */
type Series = Readonly<Record<string, string>>

const target = 'job="operator",instance="10.0.0.1:8080"'
const other = 'job="operator",instance="10.0.0.2:8080"'
const condition = (type: string, status: string, reason: string) =>
  `zstack_modelservice_condition{${target},namespace="models",name="chat",type="${type}",status="${status}",reason="${reason}"}`
const of = (name: string, labels = '') => `${name}{${target}${labels && `,${labels}`}}`
const [depth, worked] = ['workqueue_depth', 'workqueue_work_duration_seconds_count'].map((n) =>
  of(n, 'name="modelservice"'),
)
const longestRunning = of('workqueue_longest_running_processor_seconds', 'name="modelservice"')
const errors = of('controller_runtime_reconcile_errors_total', 'controller="modelservice"')
const build = of('zstack_operator_build_info', 'version="1"')
const drifted = `zstack_modelservice_drifted_fields{${target},namespace="models",name="chat"}`
const ineffective = of('zstack_operator_updates_total', 'result="ineffective"')
const restarts = of('zstack_operator_watch_restarts_total')
const foreignWrites = of('zstack_operator_foreign_status_writes_total')
const converged = 'zstack_operator_convergence_seconds_count'
const corrected = of(converged, 'cause="DriftCorrected"')
const age = (connection: string) => of('zstack_operator_observation_age_seconds', `connection="${connection}"`)
const circuit = (connection: string, replica = target) =>
  `zstack_api_circuit_open{${replica},connection="${connection}"}`
const staleAfter = of('zstack_operator_stale_after_seconds')

type Situation = readonly [situation: string, series: Series, minute: number]

const fires: Readonly<Record<string, readonly Situation[]>> = {
  ModelServiceOperatorAbsent: [['there is no operator', {}, 6]],
  ModelServiceOperatorRestarting: [
    ['it starts every five minutes', { [build]: '1x40', [of('process_start_time_seconds')]: '1x4 2x4 3x4 4x40' }, 20],
  ],
  ModelServiceOperatorWithoutLeader: [
    ['both stand by', { [of('zstack_operator_leader')]: '0x20', [`zstack_operator_leader{${other}}`]: '0x20' }, 3],
  ],
  ModelServiceOperatorTwoLeaders: [
    ['both lead', { [of('zstack_operator_leader')]: '1x20', [`zstack_operator_leader{${other}}`]: '1x20' }, 3],
  ],
  ModelServiceConnectionDown: [
    ['the leader holds requests back', { [circuit('default')]: '1x20', [circuit('default', other)]: '0x20' }, 6],
    ['one of two connections is broken', { [circuit('default')]: '0x20', [circuit('lab')]: '1x20' }, 6],
  ],
  ModelServiceObservationStale: [
    ['polls fail', { [age('default')]: '0+60x20', [staleAfter]: '300x20' }, 7],
    [
      'polls of one of two connections fail',
      { [age('default')]: '30x20', [age('lab')]: '0+60x20', [staleAfter]: '300x20' },
      7,
    ],
  ],
  ModelServiceStalled: [
    ['a uuid is unknown', { [condition('Stalled', 'True', 'NotFound')]: '1x20' }, 6],
    [
      'updates up to the limit were without effect',
      { [condition('Stalled', 'True', 'UpdateNotEffective')]: '1x20' },
      6,
    ],
  ],
  ModelServiceNotReady: [
    ['an update stays unverified', { [condition('Ready', 'False', 'Updating')]: '1x30' }, 16],
    [
      'the reasons change and none is good',
      {
        [condition('Ready', 'False', 'Updating')]: '1x7 stale',
        [condition('Ready', 'False', 'AwaitingJob')]: '_x7 1x30',
      },
      17,
    ],
  ],
  ModelServiceDrifted: [
    ['Observe leaves a difference', { [drifted]: '2x70', [condition('Ready', 'True', 'DriftDetected')]: '1x70' }, 61],
  ],
  ModelServiceDriftRecurring: [['a script writes every five minutes', { [corrected]: '0+1x5 5x4 6+1x90' }, 85]],
  ModelServiceUpdatesIneffective: [['several objects are concerned', { [ineffective]: '0x2 9x30' }, 10]],
  ModelServiceReconcileErrors: [['status cannot be written', { [errors]: '0+2x40' }, 25]],
  ModelServiceQueueStuck: [
    ['keys wait and no pass ends', { [depth!]: '4x30', [worked!]: '100x30' }, 12],
    ['one pass never ends', { [depth!]: '0x30', [worked!]: '0+10x30', [longestRunning]: '0+60x30' }, 12],
  ],
  ModelServiceWatchRestarting: [['every try is refused', { [restarts]: '0+2x40' }, 25]],
  ModelServiceForeignStatusWrites: [
    ['a second operator answers every write', { [foreignWrites]: '0 8x3 9x4 10x4 11x4 12x4 13x4 14x4' }, 20],
  ],
  ModelServiceOperatorLagging: [
    ['the loop is late', { [build]: '1x30', [of('nodejs_eventloop_lag_max_seconds')]: '2x30' }, 11],
  ],
}

const quiet: Readonly<Record<string, readonly Situation[]>> = {
  ModelServiceOperatorAbsent: [['there is one', { [build]: '1x20' }, 15]],
  ModelServiceOperatorRestarting: [
    ['it was upgraded once', { [build]: '1x40', [of('process_start_time_seconds')]: '1x4 2x36' }, 30],
    ['another program restarts', { 'process_start_time_seconds{job="x",instance="y"}': '1x4 2x4 3x4 4x40' }, 20],
  ],
  ModelServiceOperatorWithoutLeader: [
    ['one of two leads', { [of('zstack_operator_leader')]: '0x20', [`zstack_operator_leader{${other}}`]: '1x20' }, 15],
    ['leadership moves within a minute', { [of('zstack_operator_leader')]: '1x5 0x0 1x20' }, 7],
  ],
  ModelServiceOperatorTwoLeaders: [
    ['one of two leads', { [of('zstack_operator_leader')]: '1x20', [`zstack_operator_leader{${other}}`]: '0x20' }, 15],
    [
      'one takes over from the other, whose last word is scraped late',
      { [of('zstack_operator_leader')]: '1x6 stale', [`zstack_operator_leader{${other}}`]: '0x5 1x20' },
      8,
    ],
    [
      'two operators lead, each in its namespace',
      {
        [of('zstack_operator_leader', 'namespace="a"')]: '1x20',
        [`zstack_operator_leader{${other},namespace="b"}`]: '1x20',
      },
      15,
    ],
  ],
  ModelServiceConnectionDown: [['ZStack was away for two minutes', { [circuit('default')]: '0x3 1x1 0x20' }, 10]],
  ModelServiceObservationStale: [
    ['each poll succeeds', { [age('default')]: '30x20', [age('lab')]: '40x20', [staleAfter]: '300x20' }, 15],
    ['polls are rare by configuration', { [age('default')]: '0+60x50', [staleAfter]: '10800x50' }, 45],
  ],
  ModelServiceStalled: [
    ['the credentials are refused for all', { [condition('Stalled', 'True', 'CredentialsRejected')]: '1x20' }, 15],
    ['the account of all is disabled', { [condition('Stalled', 'True', 'AccountDisabled')]: '1x20' }, 15],
  ],
  ModelServiceNotReady: [
    ['it is suspended', { [condition('Ready', 'Unknown', 'Suspended')]: '1x30' }, 25],
    ['ZStack is away', { [condition('Ready', 'Unknown', 'ObservationStale')]: '1x30' }, 25],
    [
      'it is stalled, which has an alert of its own',
      { [condition('Ready', 'False', 'NotFound')]: '1x30', [condition('Stalled', 'True', 'NotFound')]: '1x30' },
      25,
    ],
    ['it converged after ten minutes', { [condition('Ready', 'False', 'Updating')]: '1x10 stale' }, 20],
    ['it was deleted', { [condition('Ready', 'False', 'Updating')]: '1x14 stale' }, 20],
  ],
  ModelServiceDrifted: [
    ['the difference was put back', { [drifted]: '2x30 0x40', [condition('Ready', 'True', 'InSync')]: '1x70' }, 65],
  ],
  ModelServiceDriftRecurring: [
    ['a backup was restored, and all was put back', { [corrected]: '0x5 200x100' }, 100],
    ['changes of specs converge', { [of(converged, 'cause="SpecChanged"')]: '0+3x100' }, 100],
  ],
  ModelServiceUpdatesIneffective: [['one object reached its limit', { [ineffective]: '0x2 3x30' }, 10]],
  ModelServiceReconcileErrors: [['one write met a conflict', { [errors]: '0x5 1x40' }, 25]],
  ModelServiceQueueStuck: [
    ['much waits and passes end', { [depth!]: '400x30', [worked!]: '0+50x30', [longestRunning]: '1x30' }, 20],
    ['nothing is to be done', { [depth!]: '0x30', [worked!]: '100x30', [longestRunning]: '0x30' }, 20],
  ],
  ModelServiceWatchRestarting: [['the API server was upgraded', { [restarts]: '0x3 60x3 60x40' }, 20]],
  ModelServiceForeignStatusWrites: [
    ['a former leader wrote a hundred at its end', { [foreignWrites]: '0x3 100x40' }, 18],
    ['nobody else writes', { [foreignWrites]: '0x40' }, 30],
  ],
  ModelServiceOperatorLagging: [
    ['it was late once', { [build]: '1x30', [of('nodejs_eventloop_lag_max_seconds')]: '0x5 2x1 0x20' }, 20],
  ],
}

async function judge(series: Series, assertions: object) {
  const file = {
    rule_files: ['alerts.yaml'],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        ...assertions,
      },
    ],
  }
  return runPromtool(['test', 'rules', 'test.yaml'], {
    files: { 'alerts.yaml': text, 'test.yaml': JSON.stringify(file) },
  })
}

function firing(alert: string, minute: number, count: number) {
  const expr = `count(ALERTS{alertname="${alert}", alertstate="firing"})`
  const samples = count === 0 ? [] : [{ labels: '{}', value: count }]
  return { promql_expr_test: [{ expr, eval_time: `${minute}m`, exp_samples: samples }] }
}

const rows = (table: Readonly<Record<string, readonly Situation[]>>) =>
  Object.entries(table).flatMap(([alert, situations]) => situations.map((situation) => [alert, ...situation] as const))

describe('the alerts', () => {
  it('are each tried by a situation in which they fire and one in which they do not', () => {
    const names = alerts.map(({ alert }) => alert)
    expect([Object.keys(fires), Object.keys(quiet)]).toEqual([names, names])
  })

  it.each(alerts)('$alert names only metrics and labels that there are', ({ expr }) => {
    expect(strangersIn(expr)).toEqual([])
  })

  it.each(alerts)('$alert names only reasons that there are', ({ expr, annotations }) => {
    const matched = selectorsIn(expr).flatMap(({ matchers }) => matchers.filter(({ label }) => label === 'reason'))
    const advised = /reason ([A-Z]\w+)/g
    const named = [...annotations.description.matchAll(advised)].map(([, reason]) => reason)
    const all = [...matched.flatMap(({ value }) => value.split('|')), ...named]
    expect(all.filter((reason) => !Object.keys(reasons).includes(reason ?? ''))).toEqual([])
  })

  it.each(alerts)('$alert names no label that its expression sums away', ({ expr, annotations }) => {
    const named = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
    const groups = [...expr.matchAll(/\bby \(([^)]*)\)/g)].map(([, list = '']) => list.split(', '))
    for (const left of groups) expect(left).toEqual(expect.arrayContaining(named))
  })

  it.each(alerts)('$alert says how bad it is, what is the matter and what to do', ({ labels, annotations }) => {
    expect(['critical', 'warning', 'info']).toContain(labels.severity)
    expect(annotations.summary.length).toBeGreaterThan(20)
    expect(annotations.description).toMatch(/\b(?:look|log|Compare|kubectl|restart|change)\b/i)
  })
})

describe.skipIf(promtoolMissing !== undefined)('the alerts, judged by promtool', () => {
  it('are rules that Prometheus takes', async () => {
    expect(await runPromtool(['check', 'rules', 'alerts.yaml'], { files: { 'alerts.yaml': text } })).toMatchObject({
      ok: true,
    })
  })

  it.concurrent.each(rows(fires))('%s fires where %s', async (alert, _, series, minute) => {
    expect(await judge(series, firing(alert, minute, 1))).toMatchObject({ ok: true })
  })

  it.concurrent.each(rows(quiet))('%s is quiet where %s', async (alert, _, series, minute) => {
    expect(await judge(series, firing(alert, minute, 0))).toMatchObject({ ok: true })
  })

  it('name the object and the reason where one object is meant', async () => {
    const { annotations, labels } = alerts.find(({ alert }) => alert === 'ModelServiceStalled')!
    const filled = { namespace: 'models', name: 'chat', reason: 'NotFound' }
    const fill = (template: string) =>
      template.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: keyof typeof filled) => filled[label])
    const expected = {
      exp_labels: { ...filled, ...labels },
      exp_annotations: { summary: fill(annotations.summary), description: fill(annotations.description) },
    }
    const test = { eval_time: '6m', alertname: 'ModelServiceStalled', exp_alerts: [expected] }
    const series = { [condition('Stalled', 'True', 'NotFound')]: '1x20' }
    expect(await judge(series, { alert_rule_test: [test] })).toMatchObject({ ok: true })
    expect(expected.exp_annotations.summary).toBe('ModelService models/chat needs a person (NotFound)')
  })
})
