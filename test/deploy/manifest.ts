import { parseAllDocuments } from 'yaml'

/** An object as a manifest has it: what the tests look into is typed, the rest is not. */
export type Manifest = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: Readonly<Record<string, unknown>>
  readonly data?: Readonly<Record<string, string>>
  readonly stringData?: Readonly<Record<string, string>>
  readonly rules?: readonly Rule[]
  readonly subjects?: readonly { readonly name: string; readonly namespace: string }[]
}

export type Rule = {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

export type Container = {
  readonly name: string
  readonly image: string
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly volumeMounts?: readonly unknown[]
  readonly [field: string]: unknown
}

export type PodSpec = {
  readonly containers: readonly [Container, ...Container[]]
  readonly serviceAccountName: string
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly volumes?: readonly Readonly<Record<string, unknown>>[]
  readonly [field: string]: unknown
}

export type PodTemplate = {
  readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: object }
  readonly spec: PodSpec
}

/** The objects of a YAML stream; documents of comments alone are none. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null)
}

export function ofKind(manifests: readonly Manifest[], kind: string): Manifest[] {
  return manifests.filter((manifest) => manifest.kind === kind)
}

/** The one object of the kind; more or fewer is an error. */
export function theOnly(manifests: readonly Manifest[], kind: string): Manifest {
  const [first, ...others] = ofKind(manifests, kind)
  if (first === undefined || others.length > 0) throw new Error(`${ofKind(manifests, kind).length} objects of ${kind}`)
  return first
}

export function podTemplate(deployment: Manifest): PodTemplate {
  return deployment.spec?.template as PodTemplate
}
