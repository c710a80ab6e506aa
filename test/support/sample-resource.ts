import type { KubeObject } from '../../src/kube/resource.ts'

/** A custom resource for tests to which its kind does not matter. */
export type Sample = KubeObject & { readonly status?: Readonly<Record<string, unknown>> }

export type SampleParts = {
  readonly namespace?: string
  readonly uid?: string
  readonly version?: number | string
  readonly status?: Readonly<Record<string, unknown>>
}

/** Builds one; its uid is its name unless another is given. */
export function sample(
  name: string,
  { namespace = 'test', uid = name, version = 1, status }: SampleParts = {},
): Sample {
  return { metadata: { name, namespace, uid, resourceVersion: String(version) }, ...(status && { status }) }
}
