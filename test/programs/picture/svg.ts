/** Panels of the dashboard as SVG, drawn from what Prometheus answered. */
import type { Result } from './prometheus.ts'
import { roundUp, spell } from './units.ts'

export type Drawn = {
  readonly type: string
  readonly title: string
  readonly unit: string
  readonly alarm: number | undefined
  readonly isStacked: boolean
  readonly at: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly series: readonly (Result & { readonly legend: string })[]
}

export type Span = { readonly start: number; readonly end: number }

export const cell = { width: 66, height: 26 } as const
const gap = 6
const good = '#73bf69'
const colours = ['#f2cc0c', '#5794f2', '#ff780a', '#f2495c', '#b877d9', '#8ab8ff', '#ffb357', '#37872d', '#73bf69']

/** What is well is green, where a panel tells of it among others. */
function colourOf(legend: string, index: number): string {
  if (['InSync', 'success', 'verified'].includes(legend)) return good
  return colours[index % colours.length] ?? good
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function words(x: number, y: number, text: string, { size = 12, fill = '#ccccdc', more = '' } = {}): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="${fill}" ${more}>${escape(text)}</text>`
}

export function picture(panels: readonly Drawn[], caption: readonly string[], span: Span): string {
  const top = 34 + caption.length * 18
  const width = 24 * cell.width
  const height = top + Math.max(...panels.map(({ at }) => at.y + at.h)) * cell.height + gap
  const heading = words(gap + 4, 26, 'ModelService operator', { size: 20, fill: '#ffffff' })
  const lines = caption.map((line, index) => words(gap + 4, 46 + index * 18, line, { fill: '#8e8ea0' }))
  const body = panels.map((panel) => {
    const [x, y] = [panel.at.x * cell.width + gap / 2, top + panel.at.y * cell.height]
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, span)}</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans, sans-serif">
<rect width="100%" height="100%" fill="#111217"/>
${[heading, ...lines, ...body].join('\n')}
</svg>
`
}

function drawPanel(panel: Drawn, span: Span): string {
  const [width, height] = [panel.at.w * cell.width - gap, panel.at.h * cell.height - gap]
  if (panel.type === 'row') return words(4, 18, panel.title, { size: 15, fill: '#ffffff' })
  const frame = `<rect width="${width}" height="${height}" rx="2" fill="#181b1f" stroke="#2c2f36"/>${words(8, 17, panel.title)}`
  if (panel.type === 'stat') return frame + stat(panel, width, height)
  if (panel.type === 'table') return frame + table(panel, width, height)
  return frame + graph(panel, width, height, span)
}

function stat({ series, unit, alarm }: Drawn, width: number, height: number): string {
  const value = series[0]?.samples.at(-1)?.[1]
  const fill = value !== undefined && alarm !== undefined && value >= alarm ? '#f2495c' : good
  const text = value === undefined ? 'No data' : spell(value, unit)
  return words(width / 2, height / 2 + 20, text, { size: 26, fill, more: 'text-anchor="middle"' })
}

function table({ series }: Drawn, width: number, height: number): string {
  const names = ['namespace', 'name', 'status', 'reason']
  const column = (index: number) => 8 + (index * (width - 16)) / names.length
  const head = names.map((name, index) => words(column(index), 40, name, { fill: '#6e9fff' }))
  const room = Math.floor((height - 50) / 18)
  const rows = series
    .slice(0, room)
    .flatMap(({ labels }, row) => names.map((name, index) => words(column(index), 62 + row * 18, labels[name] ?? '')))
  const nothing = series.length === 0 ? [words(8, 62, 'No data: all are ready at the end of the run')] : []
  return [...head, ...rows, ...nothing].join('')
}

function graph({ series, unit, isStacked }: Drawn, width: number, height: number, { start, end }: Span): string {
  const shown = series.filter(({ samples }) => samples.some(([, value]) => Number.isFinite(value)))
  const area = { left: 58, right: width - 20, top: 30, bottom: height - 40 }
  const layers = isStacked ? stacked(shown) : shown.map(({ samples }) => samples)
  const max = roundUp(Math.max(0, ...layers.flat().flatMap(([, value]) => (Number.isFinite(value) ? [value] : []))))
  const x = (time: number) => area.left + ((time - start) / (end - start)) * (area.right - area.left)
  const y = (value: number) => area.bottom - (value / max) * (area.bottom - area.top)
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = y(part * max).toFixed(1)
    const line = `<line x1="${area.left}" x2="${area.right}" y1="${at}" y2="${at}" stroke="#2c2f36"/>`
    return line + words(area.left - 6, Number(at) + 4, spell(part * max, unit), { size: 10, more: 'text-anchor="end"' })
  })
  const minutes = Array.from({ length: Math.floor((end - start) / 60) + 1 }, (_, minute) =>
    words(x(start + minute * 60), area.bottom + 14, `${minute}:00`, { size: 10, more: 'text-anchor="middle"' }),
  )
  const lines = layers.map((samples, index) => {
    const colour = colourOf(shown[index]?.legend ?? '', index)
    const fill = isStacked
      ? `<path d="${band(samples, layers[index - 1], x, y)}" fill="${colour}" opacity="0.55"/>`
      : ''
    return `${fill}<path d="${path(samples, x, y)}" fill="none" stroke="${colour}" stroke-width="1.3"/>`
  })
  const nothing = shown.length === 0 ? words(width / 2, height / 2, 'No data', { fill: '#8e8ea0' }) : ''
  return [...grid, ...minutes, ...lines.reverse(), nothing, legend(shown, height)].join('')
}

type Samples = Result['samples']
type Scale = (value: number) => number

/** Each layer on top of the ones before it, over the moments of all. */
function stacked(series: readonly Result[]): Samples[] {
  const times = [...new Set(series.flatMap(({ samples }) => samples.map(([time]) => time)))].sort((a, b) => a - b)
  const sums = new Map<number, number>()
  return series.map(({ samples }) => {
    const values = new Map(samples)
    return times.map((time) => {
      const sum = (sums.get(time) ?? 0) + (values.get(time) ?? 0)
      sums.set(time, sum)
      return [time, sum] as const
    })
  })
}

/** A line that is broken where there is no value. */
function path(samples: Samples, x: Scale, y: Scale): string {
  let last = -Infinity
  return samples
    .filter(([, value]) => Number.isFinite(value))
    .map(([time, value]) => {
      const isNext = time - last < 5
      last = time
      return `${isNext ? 'L' : 'M'}${x(time).toFixed(1)} ${y(value).toFixed(1)}`
    })
    .join('')
}

function band(upper: Samples, lower: Samples | undefined, x: Scale, y: Scale): string {
  const floor = lower ?? upper.map(([time]) => [time, 0] as const)
  const points = [...upper, ...[...floor].reverse()].map(
    ([time, value]) => `${x(time).toFixed(1)} ${y(value).toFixed(1)}`,
  )
  return `M${points.join('L')}Z`
}

function legend(series: Drawn['series'], height: number): string {
  let left = 12
  return series
    .map(({ legend: text }, index) => {
      const at = left
      left += 26 + text.length * 6.4
      const mark = `<rect x="${at}" y="${height - 17}" width="10" height="3" fill="${colourOf(text, index)}"/>`
      return mark + words(at + 14, height - 12, text, { size: 10 })
    })
    .join('')
}
