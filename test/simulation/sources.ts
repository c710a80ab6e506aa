/** The Secrets and ConfigMaps of a simulated world, and what a spec that takes values from them declares. */
import { desiredOf, type Desired } from '../../src/api/fields.ts'
import type { ParsedSpec } from '../../src/api/modelservice.ts'
import type { Chance } from './chance.ts'
import { hush, type Edit } from './values.ts'

export type Texts = Readonly<Record<string, string>>

export type Source = {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string }
  readonly texts: Texts
}

/** What a process that asks for a source is shown. */
export type SourceRead = Source | 'missing' | 'forbidden'

/** By `Kind namespace/name`. */
export interface Sources {
  read(key: string): SourceRead
  /** Of all that happens to them, refusals included. */
  version(): number
  /** Writes the data in place of what is there, or makes the object anew. */
  write(key: string, texts: Texts): void
  /** Another version of the same data, as an annotation makes one. */
  touch(key: string): void
  remove(key: string): void
  /** From now on RBAC lets nobody get it, or does again. */
  forbid(key: string): void
  allow(key: string): void
  /** Is told the key of each that was written, touched or removed. */
  onChange(listener: (key: string) => void): void
}

export function createSources(): Sources {
  const sources = new Map<string, Source>()
  const forbidden = new Set<string>()
  const listeners: ((key: string) => void)[] = []
  let version = 0

  function put(key: string, uid: string, texts: Texts) {
    version += 1
    sources.set(key, { metadata: { uid, resourceVersion: String(version) }, texts })
    for (const listener of listeners) listener(key)
  }

  return {
    read: (key) => (forbidden.has(key) ? 'forbidden' : (sources.get(key) ?? 'missing')),
    version: () => version,
    write: (key, texts) => put(key, sources.get(key)?.metadata.uid ?? `source-${version}`, texts),
    touch(key) {
      const source = sources.get(key)
      if (source) put(key, source.metadata.uid, source.texts)
    },
    remove(key) {
      if (!sources.delete(key)) return
      version += 1
      for (const listener of listeners) listener(key)
    },
    forbid(key) {
      forbidden.add(key)
      version += 1
    },
    allow(key) {
      forbidden.delete(key)
      version += 1
    },
    onChange: (listener) => void listeners.push(listener),
  }
}

/** As the API server gives it: a Secret is all base64, a ConfigMap where it is binary; here that is what is extra. */
export function objectOf(key: string, { metadata, texts }: Source): object {
  const [kind] = key.split(' ')
  const isEncoded = (name: string) => kind === 'Secret' || name === extra
  const part = (wanted: boolean) =>
    Object.fromEntries(
      Object.entries(texts)
        .filter(([name]) => isEncoded(name) === wanted)
        .map(([name, text]) => [name, wanted ? Buffer.from(text).toString('base64') : text]),
    )
  return kind === 'Secret' ? { metadata, data: part(true) } : { metadata, data: part(false), binaryData: part(true) }
}

/** What such an object holds. */
export function sourceOf(key: string, object: unknown): Source {
  const {
    metadata,
    data = {},
    binaryData = {},
  } = object as Pick<Source, 'metadata'> & {
    readonly data?: Texts
    readonly binaryData?: Texts
  }
  const isSecret = key.startsWith('Secret ')
  const decoded = Object.entries(isSecret ? data : binaryData).map(([name, text]) => [
    name,
    Buffer.from(text, 'base64').toString(),
  ])
  return { metadata, texts: { ...(isSecret ? {} : data), ...(Object.fromEntries(decoded) as Texts) } }
}

/**
 * The fields that a spec declares by what is known of its sources; nothing where one that it needs is missing, or one that
 * it names may not be read. Stated apart from the code that is judged, for the references that schedules draw.
 */
export function declaredBy(
  spec: ParsedSpec,
  namespace: string,
  read: (key: string) => SourceRead,
): Desired | undefined {
  const missing: string[] = []
  const textsOf = (kind: string, name: string, isOptional: boolean): Texts => {
    const source = read(`${kind} ${namespace}/${name}`)
    if (source === 'forbidden' || (source === 'missing' && !isOptional)) missing.push(name)
    return typeof source === 'string' ? {} : source.texts
  }
  const textOf = (kind: string, { name, key }: { name: string; key: string }, isOptional: boolean) => {
    const text = textsOf(kind, name, isOptional)[key]
    if (text === undefined && !isOptional) missing.push(`${name}.${key}`)
    return text
  }
  const { environmentParametersFrom = [], yamlFrom } = spec
  const variables: Record<string, string> = {}
  for (const entry of environmentParametersFrom) {
    const { secretRef, configMapRef, secretKeyRef, configMapKeyRef, prefix = '', as, optional = false } = entry
    const kind = secretRef || secretKeyRef ? 'Secret' : 'ConfigMap'
    const [whole, single] = [secretRef ?? configMapRef, secretKeyRef ?? configMapKeyRef]
    if (whole)
      for (const [key, text] of Object.entries(textsOf(kind, whole.name, optional))) variables[prefix + key] = text
    const text = single && textOf(kind, single, optional)
    if (single && text !== undefined) variables[as ?? single.key] = text
  }
  const yamlRef = yamlFrom?.secretKeyRef ?? yamlFrom?.configMapKeyRef
  const yaml = yamlRef && textOf(yamlFrom?.secretKeyRef ? 'Secret' : 'ConfigMap', yamlRef, false)
  if (missing.length > 0) return undefined
  return desiredOf({
    ...spec,
    ...(environmentParametersFrom.length > 0 && {
      environmentParameters: { ...variables, ...spec.environmentParameters },
    }),
    ...(yaml !== undefined && { yaml }),
  })
}

export const sourceKeys = [
  'Secret default/hub',
  'Secret default/more',
  'Secret other/hub',
  'Secret other/more',
  'ConfigMap default/hub',
  'ConfigMap other/hub',
] as const

/** A key whose value is binary in a ConfigMap. */
const extra = 'EXTRA'

/** ZStack shows a yaml to everybody, so none holds a secret. */
export function anyTexts(chance: Chance): Texts {
  return {
    ...(chance.percent(85) && { token: `${hush}-${chance.pick(['token', 'rotated', '"quoted"\n'])}` }),
    ...(chance.percent(85) && { yaml: chance.pick(['a: 1\n', 'a: 2\n', 'b: [2\n']) }),
    ...(chance.percent(40) && { [extra]: `${hush}-extra` }),
  }
}

const entries = [
  [{ secretKeyRef: { name: 'hub', key: 'token' }, as: 'HF_TOKEN' }],
  [{ secretRef: { name: 'hub' } }, { secretRef: { name: 'more' }, prefix: 'MORE_', optional: true }],
  [{ secretKeyRef: { name: 'hub', key: 'token' } }, { secretKeyRef: { name: 'more', key: 'token' } }],
  [{ secretKeyRef: { name: 'more', key: extra }, as: 'X', optional: true }],
  [{ configMapKeyRef: { name: 'hub', key: 'token' }, as: 'HF_TOKEN' }],
  [{ configMapRef: { name: 'hub' }, optional: true }, { secretKeyRef: { name: 'hub', key: 'token' } }],
  [
    { secretRef: { name: 'more' }, prefix: 'P_' },
    { configMapKeyRef: { name: 'hub', key: extra }, optional: true },
  ],
]

/** An edit of what a spec refers to. */
export function anyReference(chance: Chance): readonly Edit[] {
  if (chance.percent(15)) return [{ field: 'environmentParametersFrom', value: undefined }]
  if (chance.percent(70)) return [{ field: 'environmentParametersFrom', value: chance.pick(entries) }]
  if (chance.percent(30)) return [{ field: 'yamlFrom', value: undefined }]
  const ref = { name: chance.pick(['hub', 'more']), key: 'yaml' }
  const from = chance.percent(40) ? { configMapKeyRef: { ...ref, name: 'hub' } } : { secretKeyRef: ref }
  return [
    { field: 'yaml', value: undefined },
    { field: 'yamlFrom', value: from },
  ]
}
