/** The series of single objects: written out from what is in memory at a scrape, and kept nowhere. */
import { catalogue, type Metric } from './catalogue.ts'

/** An object as Kubernetes keeps it. Its status is looked into, not judged: somebody else may have written it. */
export type ObservedObject = {
  readonly metadata: { readonly namespace: string; readonly name: string }
  readonly status?: unknown
}

/** In pieces: some hundred objects a piece. Series of what is gone are gone. */
export function* objectSeries(objects: () => Iterable<ObservedObject>): Generator<string> {
  yield* family(catalogue.condition, objects, ({ metadata: { namespace, name }, status }) =>
    listIn(status, 'conditions').map((condition) =>
      series(catalogue.condition, [namespace, name, ...textsOf(condition, ['type', 'status', 'reason'])], 1),
    ),
  )
  yield* family(catalogue.driftedFields, objects, ({ metadata: { namespace, name }, status }) =>
    // Without a condition nothing was compared yet.
    listIn(status, 'conditions').length === 0
      ? []
      : [series(catalogue.driftedFields, [namespace, name], listIn(status, 'drift').length)],
  )
}

function listIn(status: unknown, name: string): readonly unknown[] {
  const list = (status as Readonly<Record<string, unknown>> | null | undefined)?.[name]
  return Array.isArray(list) ? list : []
}

function textsOf(condition: unknown, names: readonly string[]): readonly string[] {
  const values = (condition ?? {}) as Readonly<Record<string, unknown>>
  return names.map((name) => (typeof values[name] === 'string' ? values[name] : ''))
}

const objectsPerChunk = 100

function* family(
  { kind, name, help }: Metric,
  objects: () => Iterable<ObservedObject>,
  seriesOf: (object: ObservedObject) => readonly string[],
): Generator<string> {
  let piece = `\n# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`
  let count = 0
  for (const object of objects()) {
    for (const line of seriesOf(object)) piece += line
    if (++count % objectsPerChunk > 0) continue
    yield piece
    piece = ''
  }
  yield piece
}

function series({ name, labelNames }: Metric, values: readonly string[], value: number): string {
  const labels = labelNames.map((label, index) => `${label}="${escape(values[index] ?? '')}"`)
  return `${name}{${labels.join(',')}} ${value}\n`
}

/** As the text format wants it. */
function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
