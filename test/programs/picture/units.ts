/** Numbers as Grafana spells them in its units. */
const tens: readonly (readonly [number, string])[] = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
]
const bytes: readonly (readonly [number, string])[] = [
  [2 ** 30, ' GiB'],
  [2 ** 20, ' MiB'],
  [2 ** 10, ' KiB'],
]

export function spell(value: number, unit: string): string {
  switch (unit) {
    case 's':
      if (value >= 60) return `${trim(value / 60)} min`
      return value >= 1 || value === 0 ? `${trim(value)} s` : `${trim(value * 1000)} ms`
    case 'bytes':
      return scaled(value, bytes, ' B')
    case 'reqps':
      return `${scaled(value, tens, '')} req/s`
    case 'ops':
      return `${scaled(value, tens, '')} ops/s`
    default:
      return scaled(value, tens, '')
  }
}

function scaled(value: number, steps: readonly (readonly [number, string])[], small: string): string {
  const step = steps.find(([min]) => Math.abs(value) >= min)
  return step ? trim(value / step[0]) + step[1] : trim(value) + small
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** The next larger number that reads well at the top of an axis of four steps. */
export function roundUp(max: number): number {
  if (max <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(max))
  return power * ([1, 1.2, 1.6, 2, 2.4, 3.2, 4, 5, 6, 8, 10].find((factor) => factor * power >= max * 1.02) ?? 10)
}
