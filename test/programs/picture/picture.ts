/**
 * Draws the dashboard from a real run: `npm run picture`. Needs a Prometheus server (PROMETHEUS names it) and
 * rsvg-convert; the panels and queries are those of the dashboard, the values those that Prometheus scraped.
 */
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { dashboard } from '../../../deploy/dashboard/grafana.ts'
import { startPrometheus, type Prometheus, type Result } from './prometheus.ts'
import { startScenario } from './scenario.ts'
import { picture, type Drawn, type Span } from './svg.ts'

const out = fileURLToPath(new URL('../../../deploy/dashboard/dashboard.png', import.meta.url))
const job = 'modelservice-operator'
const stepSeconds = 2

type Panel = {
  readonly type: string
  readonly title: string
  readonly gridPos: Drawn['at']
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string; readonly instant?: boolean }[]
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit: string
      readonly custom?: { readonly stacking?: object }
      readonly thresholds?: { readonly steps: readonly { readonly value: number | null }[] }
    }
  }
}

async function draw(panel: Panel, prometheus: Prometheus, { start, end }: Span): Promise<Drawn> {
  const asked = (panel.targets ?? []).map(async ({ expr, legendFormat = '', instant = false }) => {
    const query = expr.replaceAll('$__rate_interval', '20s').replaceAll('$job', job).replaceAll('$namespace', '.*')
    const results = await (instant ? prometheus.instant(query, end) : prometheus.range(query, start, end, stepSeconds))
    return results.map((result) => ({ ...result, legend: legendOf(legendFormat, result) }))
  })
  const { unit = 'short', custom, thresholds } = panel.fieldConfig?.defaults ?? {}
  return {
    type: panel.type,
    title: panel.title,
    unit,
    alarm: thresholds?.steps.at(1)?.value ?? undefined,
    isStacked: custom?.stacking !== undefined,
    at: panel.gridPos,
    series: (await Promise.all(asked)).flat(),
  }
}

function legendOf(format: string, { labels }: Result): string {
  return format.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '')
}

/** Why nothing can be drawn here, or nothing. Asked before anything is started. */
async function missing(): Promise<string | undefined> {
  const answers = (file: string) =>
    promisify(execFile)(file, ['--version']).then(
      () => true,
      () => false,
    )
  if (!(await answers(program)))
    return `no Prometheus server answers as "${program}": put prometheus on PATH, or set PROMETHEUS to the path of one`
  if (!(await answers(converter))) return `${converter} is not on PATH: install librsvg`
  return undefined
}

const program = process.env.PROMETHEUS ?? 'prometheus'
const converter = 'rsvg-convert'
const problem = await missing()
if (problem !== undefined) {
  console.error(problem)
  process.exit(1)
}
const scenario = await startScenario()
const prometheus = await startPrometheus(program, job, scenario.targets)
try {
  const start = Date.now() / 1000
  for (let second = 0; second < scenario.seconds; second += 1) {
    await scenario.run(second)
    await setTimeout(Math.max(0, (start + second + 1) * 1000 - Date.now()))
  }
  const span = { start, end: start + scenario.seconds }
  const { panels } = dashboard() as { panels: Panel[] }
  const drawn = await Promise.all(panels.map((panel) => draw(panel, prometheus, span)))
  const svg = out.replace(/png$/, 'svg')
  await writeFile(svg, picture(drawn, scenario.caption, span))
  await promisify(execFile)(converter, ['--output', out, svg])
  await rm(svg)
  console.log(out)
} finally {
  await prometheus.close()
  await scenario.end()
}
