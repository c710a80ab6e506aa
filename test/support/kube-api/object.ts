import type { JsonObject } from '../../../src/cli/validation/json.ts'
import type { Metadata } from '../../../src/cli/validation/metadata.ts'

/** A Kubernetes object. Once stored it is never changed in place: watchers and lists share it. */
export type KubeObject = JsonObject & { apiVersion: string; kind: string; metadata: Metadata }

export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** The text of a point in time as Kubernetes writes it: whole seconds. */
export function timestamp(at: Date = new Date()): string {
  return `${at.toISOString().slice(0, 19)}Z`
}
