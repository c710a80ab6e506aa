/** Lines over a common axis as SVG, readable on a light page and on a dark one. */
export type Series = { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] }

export type Chart = {
  readonly title: string
  readonly unit: string
  /** Steps of equal ratio, for sizes that range over powers of ten. */
  readonly isLogarithmic: boolean
  readonly series: readonly Series[]
}

export type Plot = {
  readonly title: string
  readonly caption: string
  readonly xTitle: string
  readonly charts: readonly Chart[]
}

const colours = ['#2563eb', '#d97706', '#6b7280']
const [width, height, gap, top] = [420, 300, 16, 66] as const
const area = { left: 58, right: width - 28, top: 36, bottom: height - 66 }
const ink = '#1f2937'
const faint = '#e5e7eb'

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function words(x: number, y: number, text: string, { size = 12, fill = ink, anchor = 'start' } = {}): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}">${escape(text)}</text>`
}

export function svgOf({ title, caption, xTitle, charts }: Plot): string {
  const columns = Math.min(2, charts.length)
  const full = [columns * width + (columns + 1) * gap, top + Math.ceil(charts.length / columns) * (height + gap)]
  const drawn = charts.map((chart, index) => {
    const [x, y] = [gap + (index % columns) * (width + gap), top + Math.floor(index / columns) * (height + gap)]
    return `<g transform="translate(${x} ${y})">${draw(chart, xTitle)}</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${full[0]}" height="${full[1]}" font-family="DejaVu Sans, sans-serif">
<rect width="100%" height="100%" fill="#ffffff"/>
${[words(gap, 28, title, { size: 18 }), words(gap, 50, caption, { fill: '#6b7280' }), ...drawn].join('\n')}
</svg>
`
}

type Scale = { readonly at: (value: number) => number; readonly ticks: readonly number[] }

function scale(values: readonly number[], isLogarithmic: boolean, from: number, to: number, zero: boolean): Scale {
  const [min, max] = [Math.min(...values), Math.max(...values)]
  const position = (part: number) => from + part * (to - from)
  if (isLogarithmic) {
    const [low, high] = [Math.log10(min), Math.log10(max)]
    const steps = [1, 3].flatMap((step) => Array.from({ length: 9 }, (_, power) => step * 10 ** (power - 3)))
    const at = (value: number) => position((Math.log10(value) - low) / (high - low || 1))
    return { at, ticks: steps.filter((step) => step >= min * 0.99 && step <= max * 1.01).sort((a, b) => a - b) }
  }
  const low = zero ? 0 : min
  const rough = (max - low || 1) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  const high = zero ? Math.ceil(max / step || 1) * step : max
  const ticks = Array.from({ length: Math.floor((high - low) / step + 1e-9) + 1 }, (_, index) => low + index * step)
  return { at: (value) => position((value - low) / (high - low || 1)), ticks }
}

const spell = (value: number) =>
  value >= 10 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)))

function draw({ title, unit, isLogarithmic, series }: Chart, xTitle: string): string {
  const points = series.flatMap((one) => one.points)
  const x = scale(
    points.map(([value]) => value),
    isLogarithmic,
    area.left,
    area.right,
    !isLogarithmic,
  )
  const y = scale(
    points.map(([, value]) => value),
    isLogarithmic,
    area.bottom,
    area.top,
    true,
  )
  const grid = [
    ...y.ticks.map((tick) => {
      const at = y.at(tick).toFixed(1)
      const line = `<line x1="${area.left}" x2="${area.right}" y1="${at}" y2="${at}" stroke="${faint}"/>`
      return line + words(area.left - 6, Number(at) + 4, spell(tick), { size: 11, anchor: 'end' })
    }),
    ...x.ticks.map((tick) => words(x.at(tick), area.bottom + 16, spell(tick), { size: 11, anchor: 'middle' })),
  ]
  const lines = series.map((one, index) => {
    const colour = colours[index % colours.length] ?? ink
    const path = one.points.map(([px, py]) => `${x.at(px).toFixed(1)},${y.at(py).toFixed(1)}`)
    const dots =
      one.points.length > 12
        ? []
        : path.map((at) => {
            const [cx = '', cy = ''] = at.split(',')
            return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`
          })
    return `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`
  })
  let left = area.left
  const legend = series.map(({ name }, index) => {
    const at = left
    left += 30 + name.length * 6.2
    return `<rect x="${at}" y="${height - 18}" width="14" height="3" fill="${colours[index % colours.length] ?? ink}"/>${words(at + 19, height - 12, name, { size: 11 })}`
  })
  const heading = words(8, 20, `${title}, ${unit}`, { size: 13 })
  const axis = words((area.left + area.right) / 2, area.bottom + 32, xTitle, { size: 11, anchor: 'middle' })
  return `<rect width="${width}" height="${height}" fill="none" stroke="${faint}"/>${[heading, ...grid, axis, ...lines, ...legend].join('')}`
}
