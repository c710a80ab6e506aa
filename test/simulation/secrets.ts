/** The Secrets of a simulated world, and what a spec that takes values from them declares. */
import { desiredOf, type Desired } from '../../src/api/fields.ts'
import type { ParsedSpec } from '../../src/api/modelservice.ts'
import type { Chance } from './chance.ts'
import { hush, type Edit } from './values.ts'

export type Secret = {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string }
  /** In base64, as the API server gives it. */
  readonly data: Readonly<Record<string, string>>
}

export type SecretData = Readonly<Record<string, string>>

/** By `namespace/name`. */
export interface Secrets {
  get(key: string): Secret | undefined
  /** Writes the data in place of what is there, or makes the Secret anew. */
  write(key: string, data: SecretData): void
  /** Another version of the same data, as an annotation makes one. */
  touch(key: string): void
  remove(key: string): void
}

export function createSecrets(): Secrets {
  const secrets = new Map<string, Secret>()
  let version = 0

  function put(key: string, uid: string, data: Secret['data']) {
    version += 1
    secrets.set(key, { metadata: { uid, resourceVersion: String(version) }, data })
  }

  return {
    get: (key) => secrets.get(key),
    write(key, data) {
      const encoded = Object.entries(data).map(([name, text]) => [name, Buffer.from(text).toString('base64')])
      put(key, secrets.get(key)?.metadata.uid ?? `secret-${version}`, Object.fromEntries(encoded) as SecretData)
    },
    touch(key) {
      const secret = secrets.get(key)
      if (secret) put(key, secret.metadata.uid, secret.data)
    },
    remove: (key) => void secrets.delete(key),
  }
}

/**
 * The fields that a spec declares by what is known of Secrets; nothing where one that it needs is missing. Stated apart
 * from the code that is judged, for the references that schedules draw.
 */
export function declaredBy(
  spec: ParsedSpec,
  namespace: string,
  get: (key: string) => Secret | undefined,
): Desired | undefined {
  let isMissing = false
  const textsOf = (name: string): SecretData => {
    const secret = get(`${namespace}/${name}`)
    if (!secret) isMissing = true
    return Object.fromEntries(
      Object.entries(secret?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
    )
  }
  const { environmentParametersFrom = [], yamlFrom } = spec
  const variables: Record<string, string> = {}
  for (const { secretRef, secretKeyRef, prefix = '', as, optional } of environmentParametersFrom) {
    if (optional === true && !get(`${namespace}/${(secretRef ?? secretKeyRef)?.name}`)) continue
    if (secretRef) for (const [key, text] of Object.entries(textsOf(secretRef.name))) variables[prefix + key] = text
    if (secretKeyRef) {
      const text = textsOf(secretKeyRef.name)[secretKeyRef.key]
      if (text !== undefined) variables[as ?? secretKeyRef.key] = text
      else if (optional !== true) isMissing = true
    }
  }
  const yaml = yamlFrom?.secretKeyRef && textsOf(yamlFrom.secretKeyRef.name)[yamlFrom.secretKeyRef.key]
  if (yamlFrom && yaml === undefined) isMissing = true
  if (isMissing) return undefined
  return desiredOf({
    ...spec,
    ...(environmentParametersFrom.length > 0 && {
      environmentParameters: { ...variables, ...spec.environmentParameters },
    }),
    ...(yaml !== undefined && { yaml }),
  })
}

export const secretKeys = ['default/hub', 'default/more', 'other/hub', 'other/more'] as const

/** ZStack shows a yaml to everybody, so none holds a secret. */
export function anySecret(chance: Chance): SecretData {
  return {
    ...(chance.percent(85) && { token: `${hush}-${chance.pick(['token', 'rotated', '"quoted"\n'])}` }),
    ...(chance.percent(85) && { yaml: chance.pick(['a: 1\n', 'a: 2\n', 'b: [2\n']) }),
    ...(chance.percent(40) && { EXTRA: `${hush}-extra` }),
  }
}

const entries = [
  [{ secretKeyRef: { name: 'hub', key: 'token' }, as: 'HF_TOKEN' }],
  [{ secretRef: { name: 'hub' } }, { secretRef: { name: 'more' }, prefix: 'MORE_', optional: true }],
  [{ secretKeyRef: { name: 'hub', key: 'token' } }, { secretKeyRef: { name: 'more', key: 'token' } }],
  [{ secretKeyRef: { name: 'more', key: 'EXTRA' }, as: 'X', optional: true }],
]

/** An edit of what a spec refers to. */
export function anyReference(chance: Chance): readonly Edit[] {
  if (chance.percent(15)) return [{ field: 'environmentParametersFrom', value: undefined }]
  if (chance.percent(70)) return [{ field: 'environmentParametersFrom', value: chance.pick(entries) }]
  if (chance.percent(30)) return [{ field: 'yamlFrom', value: undefined }]
  return [
    { field: 'yaml', value: undefined },
    { field: 'yamlFrom', value: { secretKeyRef: { name: chance.pick(['hub', 'more']), key: 'yaml' } } },
  ]
}
