/** The chart's README.md: its values as values.yaml explains them, with the types of values.schema.json. */
import { isMap, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml'
import { markdownTable } from './tables.ts'

export type ChartFiles = {
  readonly name: string
  readonly version: string
  /** The texts of values.yaml and values.schema.json. */
  readonly values: string
  readonly schema: string
}

type Schema = {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
}

type Row = { readonly path: string; readonly type: string; readonly fallback: string; readonly meaning: string }

export function chartReadme({ name, version, values, schema }: ChartFiles): string {
  const { contents } = parseDocument(values)
  if (!isMap(contents)) throw new Error('values.yaml holds no map')
  const { properties } = JSON.parse(schema) as Schema
  const sections: { readonly title: string; readonly rows: Row[] }[] = []
  for (const { pair, comment } of entriesOf(contents)) {
    const [, title] = sectionLine.exec(comment) ?? []
    if (title !== undefined) sections.push({ title, rows: [] })
    sections.at(-1)?.rows.push(...rowsOf(pair, comment.split(sectionLine).at(-1) ?? '', '', properties))
  }
  return `<!-- Generated from values.yaml and values.schema.json by "npm run generate"; edits are lost. -->
# ${name} ${version}

Installs the operator that keeps ZStack AI model services as their ModelService objects declare them.

\`\`\`sh
kubectl create namespace modelservice-system
kubectl -n modelservice-system create secret generic modelservice-operator-zstack \\
  --from-literal=ZSTACK_ACCESS_KEY_ID=... --from-literal=ZSTACK_ACCESS_KEY_SECRET=...
helm install modelservice-operator . -n modelservice-system \\
  --set image.repository=registry.example.com/modelservice-operator \\
  --set zstack.endpoint=http://zstack.example.com:8080/zstack \\
  --set zstack.credentials.existingSecret=modelservice-operator-zstack
helm test modelservice-operator -n modelservice-system --logs
\`\`\`

\`helm test\` tries endpoint, certificate, credentials and the right to query; the pod of a failed one stays until the next. A wrong or unknown value is refused. The CRD is installed and upgraded with the release; CRD and ModelServices stay when it goes.

## Values
${sections.map(({ title, rows }) => `\n### ${title}\n\n${tableOf(rows)}\n`).join('')}`
}

const sectionLine = /^ -- (.*?) -+$\n?/m

const tableOf = (rows: readonly Row[]) =>
  markdownTable(
    ['value', 'type', 'default', 'meaning'],
    rows.map(({ path, type, fallback, meaning }) => [`\`${path}\``, type, fallback, meaning]),
  )

/** The entries of a map, each with the comment above it; that above the first one the parser gives to the map. */
function entriesOf(map: YAMLMap): { readonly pair: Pair; readonly comment: string }[] {
  return map.items.map((pair, index) => {
    const own = isScalar(pair.key) ? (pair.key.commentBefore ?? '') : ''
    return { pair, comment: index === 0 ? [map.commentBefore ?? '', own].filter(Boolean).join('\n') : own }
  })
}

/** One row for a value; for a map whose fields the schema names, one each, after one for what is said of all of them. */
function rowsOf({ key, value }: Pair, comment: string, prefix: string, schemas: Schema['properties']): Row[] {
  const name = String(isScalar(key) ? key.value : key)
  const path = `${prefix}${name}`
  const schema = schemas?.[name]
  if (schema === undefined) throw new Error(`values.schema.json does not know ${path}`)
  const meaning = comment.replaceAll(/\s+/g, ' ').trim()
  if (isMap(value) && schema.properties) {
    const { properties } = schema
    const within = entriesOf(value).flatMap((entry) => rowsOf(entry.pair, entry.comment, `${path}.`, properties))
    return meaning === '' ? within : [{ path, type: '', fallback: '', meaning }, ...within]
  }
  const json = (value as { toJSON(): unknown }).toJSON()
  return [{ path, type: typeName(schema), fallback: `\`${JSON.stringify(json)}\``, meaning }]
}

function typeName({ type, enum: choices }: Schema): string {
  if (choices) return choices.map((choice) => `\`${String(choice)}\``).join(' ')
  const words: Readonly<Record<string, string>> = { array: 'list', object: 'map' }
  return [type ?? 'any']
    .flat()
    .map((each) => words[each] ?? each)
    .join(' or ')
}
