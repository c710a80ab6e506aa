import type { FieldError } from '../../../src/cli/validation/field-error.ts'
import type { Subject } from './status-error.ts'
import type { KubeObject } from './object.ts'
import type { Column } from './table.ts'
import type { Schema } from '../../../src/cli/validation/schema.ts'

/** One resource of the API at one version: what it is called, what its objects look like, what the server does with them. */
export type Kind = {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  /** True for a resource that a CustomResourceDefinition made. */
  readonly custom: boolean
  readonly status: boolean
  /** Whether metadata.generation counts the changes of the spec. */
  readonly generation: boolean
  /** Whether a PUT without a resourceVersion overwrites. */
  readonly unconditionalUpdate: boolean
  readonly createOnUpdate: boolean
  readonly schema: Schema
  readonly columns: readonly Column[]
  readonly selectableFields: readonly string[]
  /** Fills in what the server fills in; `old` is absent on create. The object is a copy and may be changed. */
  readonly prepare: (object: KubeObject, old: KubeObject | undefined) => void
  /** Findings about an object that decodes well. */
  readonly validate: (object: KubeObject, old: KubeObject | undefined) => FieldError[]
}

/** The resources the server knows at this moment. */
export interface Kinds {
  find(group: string, version: string, plural: string): Kind | undefined
  all(): Kind[]
  /** Replaces every version of the resource. */
  define(kinds: readonly Kind[]): void
  forget(group: string, plural: string): void
}

export function createKinds(builtIn: readonly Kind[]): Kinds {
  let known = [...builtIn]
  const forget = (group: string, plural: string) => {
    known = known.filter((kind) => kind.group !== group || kind.plural !== plural)
  }
  return {
    find: (group, version, plural) =>
      known.find((kind) => kind.plural === plural && kind.group === group && kind.version === version),
    all: () => [...known],
    define(kinds) {
      for (const kind of kinds) forget(kind.group, kind.plural)
      known.push(...kinds)
    },
    forget,
  }
}

export function collectionOf(kind: Kind): string {
  return `${kind.group}/${kind.plural}`
}

export function apiVersionOf(kind: Kind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
}

/** How answers about an object name it: the plural. */
export function resourceOf(kind: Kind): Subject {
  return { group: kind.group, name: kind.plural }
}

/** How answers about a malformed object name it: the kind. */
export function subjectOf(kind: Kind): Subject {
  return { group: kind.group, name: kind.kind }
}
