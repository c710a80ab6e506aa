import { catalogue, type Metric } from '../../src/telemetry/catalogue.ts'

/** Labels that Prometheus gives every series of a target. */
const targetLabels = ['job', 'instance', 'namespace', 'pod']
const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan'])
const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g

type Selector = { readonly name: string; readonly matchers: readonly Matcher[] }
export type Matcher = { readonly label: string; readonly operator: string; readonly value: string }

/** Every metric a query names, with its matchers. The query is held to be PromQL: promtool judges that. */
export function selectorsIn(query: string): readonly Selector[] {
  const selector = /\b([a-z_:][\w:]*)\b(?!\s*\()\s*(\{(?:[^}"]|"[^"]*")*\})?/gi
  const plain = query.replaceAll(grouping, ' ').replaceAll(/\[[^\]]*\]/g, ' ')
  return [...plain.matchAll(selector)]
    .map(([, name = '', braces = '']) => ({ name, matchers: matchersIn(braces) }))
    .filter(({ name }) => !words.has(name.toLowerCase()))
}

function matchersIn(braces: string): readonly Matcher[] {
  return [...braces.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label = '', operator = '', value = '']) => ({
    label,
    operator,
    value,
  }))
}

/** What a query names that the operator does not have: metrics, and labels in matchers and groups. */
export function strangersIn(query: string): readonly string[] {
  const selectors = selectorsIn(query)
  const known = selectors.flatMap(({ name }) => labelsOf(name) ?? [])
  const groups = [...query.matchAll(grouping)].flatMap(([, list = '']) => list.split(',').map((label) => label.trim()))
  return [
    ...(selectors.length === 0 ? [`no metric in ${query}`] : []),
    ...selectors.filter(({ name }) => !labelsOf(name)).map(({ name }) => name),
    ...selectors.flatMap(({ name, matchers }) =>
      matchers.filter(({ label }) => labelsOf(name)?.includes(label) === false).map(({ label }) => `${name}{${label}}`),
    ),
    ...groups.filter((label) => label !== '' && !known.includes(label)).map((label) => `by (${label})`),
  ]
}

/** The labels of a series by its name, those of a histogram's parts included. */
function labelsOf(name: string): readonly string[] | undefined {
  const all: readonly Metric[] = Object.values(catalogue)
  for (const metric of all) {
    const labels = [...metric.labelNames, ...targetLabels]
    if (metric.kind !== 'histogram' && metric.name === name) return labels
    if (metric.kind !== 'histogram') continue
    if (name === `${metric.name}_bucket`) return [...labels, 'le']
    if (name === `${metric.name}_sum` || name === `${metric.name}_count`) return labels
  }
  return undefined
}
