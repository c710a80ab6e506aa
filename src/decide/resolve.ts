/** Puts what a spec takes from Secrets and ConfigMaps in its place: references in, a declaration out, or what is missing. */
import { desiredOf, type Desired, type Source, type Sources } from '../api/fields.ts'
import type { Json } from '../api/json.ts'
import type { FieldName, ParsedSpec } from '../api/modelservice.ts'
import { parameterNamePattern, targetOf, type MapEntry, type Target } from '../api/value-sources.ts'
import { limits } from '../limits.ts'
import type { ObjectRead, ObjectRef } from '../referenced-object.ts'

/** What ZStack shall hold, with the values from elsewhere in their places. */
export type Declaration = { readonly desired: Desired; readonly sources: Sources }

export type Resolution =
  | { readonly kind: 'resolved'; readonly declaration: Declaration }
  /** Not everything that is referred to was read yet. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'unresolved'; readonly issues: readonly string[] }

/** The last read of an object; `undefined` where there is none yet. */
export type ReadReferenced = (ref: ObjectRef) => ObjectRead | undefined

const mapFields = ['environmentParameters', 'startupParameters', 'inferenceParams'] as const
type MapField = (typeof mapFields)[number]

/** One reference of a spec: to what, and where it stands. */
type Reference = Target & { readonly where: string }

/** Every Secret and ConfigMap that a spec refers to, once each. */
export function referencesOf(spec: ParsedSpec, namespace: string): readonly ObjectRef[] {
  const targets: Target[] = mapFields.flatMap((field) => (spec[`${field}From`] ?? []).map(targetOf))
  if (spec.yamlFrom) targets.push(targetOf(spec.yamlFrom))
  const unique = new Map(targets.map(({ kind, name }) => [`${kind} ${name}`, { kind, namespace, name }]))
  return [...unique.values()]
}

export function resolve(spec: ParsedSpec, namespace: string, read: ReadReferenced): Resolution {
  const issues = new Set<string>()
  const values: Partial<Record<MapField, Readonly<Record<string, string>>>> & { yaml?: string } = {}
  const sources = new Map<FieldName, Source>()
  const unread = new Set<string>()
  let bytes = 0

  /** What a reference leads to, where it can be read; where not, that is noted unless it may be missing. */
  function look({ kind, name, key, where }: Reference, isOptional: boolean): Found | undefined {
    const found = read({ kind, namespace, name })
    switch (found?.kind) {
      case undefined:
        unread.add(name)
        return undefined
      case 'notFound':
        if (!isOptional) issues.add(`${where}: there is no ${kind} ${name} in namespace ${namespace}`)
        return undefined
      case 'forbidden':
        issues.add(`${where}: ${forbiddenMessage({ kind, namespace, name }, found.user)}`)
        return undefined
      case 'unreadable':
        issues.add(`${where}: ${kind} ${name} cannot be read, for the API server answers with ${found.status}`)
        return undefined
      case 'found': {
        if (key !== undefined && !found.data.has(key)) {
          if (!isOptional) issues.add(`${where}: ${kind} ${name} has no key ${key}`)
          return undefined
        }
        const { uid, resourceVersion, data } = found
        const texts = new Map<string, string>()
        for (const [one, text] of key === undefined ? data : [[key, data.get(key)] as const])
          if (text === undefined) issues.add(`${where}: key ${one} of ${kind} ${name} is not UTF-8 text`)
          else texts.set(one, text)
        return { texts, version: { uid, resourceVersion } }
      }
    }
  }

  function resolveText(): void {
    if (!spec.yamlFrom) return
    const target = targetOf(spec.yamlFrom)
    const found = look({ ...target, where: 'yamlFrom' }, false)
    const [text] = found?.texts.values() ?? []
    if (!found || text === undefined) return
    bytes += Buffer.byteLength(text)
    values.yaml = text
    const identity = { ...found.version, key: target.key ?? '' }
    sources.set('yaml', { identity, label: `from ${target.kind} ${target.name}` })
  }

  function resolveMap(field: MapField): void {
    const entries = spec[`${field}From`] ?? []
    if (entries.length === 0) return
    const merged = new Map<string, string>()
    const identity: Json[] = []
    for (const [index, entry] of entries.entries()) {
      const target = targetOf(entry)
      const where = `${field}From[${index}]`
      const found = look({ ...target, where }, entry.optional === true)
      identity.push(found ? { ...found.version, ...naming(entry, target) } : null)
      for (const [key, text] of found?.texts ?? []) {
        const name = nameOf(entry, target, key)
        const problem = problemOfName(field, name)
        if (problem !== undefined)
          issues.add(`${where}: key ${key} of ${target.kind} ${target.name} gives the name ${name}, ${problem}`)
        bytes += Buffer.byteLength(text)
        merged.set(name, text)
      }
    }
    const inline = spec[field] ?? {}
    values[field] = Object.fromEntries([...merged, ...Object.entries(inline)])
    const names = new Set(entries.map((entry) => targetOf(entry)).map(({ kind, name }) => `${kind} ${name}`))
    sources.set(field, { identity: [...identity, inline], label: `from ${[...names].join(', ')}` })
  }

  for (const field of mapFields) resolveMap(field)
  resolveText()
  if (bytes > limits.maxReferencedBytes)
    issues.add(
      `the values from Secrets and ConfigMaps come to ${bytes} bytes, more than ${limits.maxReferencedBytes}; refer to single keys`,
    )
  // What is missing is told at once of all, not one after the other as reads come in.
  if (unread.size > 0) return { kind: 'pending' }
  if (issues.size > 0) return { kind: 'unresolved', issues: [...issues] }
  return { kind: 'resolved', declaration: { desired: desiredOf({ ...spec, ...values }), sources } }
}

type Found = {
  readonly texts: ReadonlyMap<string, string>
  readonly version: { readonly uid: string; readonly resourceVersion: string }
}

/** What an entry makes of its keys. */
function naming({ as, prefix }: MapEntry, { key }: Target): Readonly<Record<string, string>> {
  return { ...(key !== undefined && { key }), ...(as !== undefined && { as }), ...(prefix !== undefined && { prefix }) }
}

function nameOf({ as, prefix = '' }: MapEntry, { key: single }: Target, key: string): string {
  return single === undefined ? prefix + key : (as ?? key)
}

function problemOfName(field: MapField, name: string): string | undefined {
  if (name === '__proto__') return 'which cannot be sent'
  if (field !== 'environmentParameters' || parameterNamePattern.test(name)) return undefined
  return 'which is no name of a variable (letters, digits, "-", "_" and ".", no digit first); use prefix or as'
}

/** The commands that grant the right, each with all it needs: one line, to be pasted. */
function forbiddenMessage({ kind, namespace, name }: ObjectRef, user: string | undefined): string {
  const resource = kind === 'Secret' ? 'secret' : 'configmap'
  const role = `modelservice-operator-read-${resource}-${name}`.slice(0, maxRoleName)
  const account = /^system:serviceaccount:([^:]+:[^:]+)$/.exec(user ?? '')?.[1]
  const subject = account === undefined ? `--user=${user ?? 'OPERATOR'}` : `--serviceaccount=${account}`
  const grant = [
    `kubectl create role ${role} -n ${namespace} --verb=get --resource=${resource}s --resource-name=${name}`,
    `kubectl create rolebinding ${role} -n ${namespace} --role=${role} ${subject}`,
  ]
  return `the operator may not get ${kind} ${name} in namespace ${namespace}; grant it: ${grant.join(' && ')}`
}

const maxRoleName = 253
