import type { JsonObject } from './json.ts'

export type Metadata = {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: JsonObject[]
  finalizers?: string[]
  managedFields?: JsonObject[]
}

/** A Kubernetes object. Once stored it is never changed in place: watchers and lists share it. */
export type KubeObject = JsonObject & { apiVersion: string; kind: string; metadata: Metadata }

export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** The text of a point in time as Kubernetes writes it: whole seconds. */
export function timestamp(at: Date = new Date()): string {
  return `${at.toISOString().slice(0, 19)}Z`
}
