import type { KubeObject } from '../../src/kube/resource.ts'

/** Some object of the API server's, for tests that care for no kind. */
export type Gadget = KubeObject & { readonly status?: Readonly<Record<string, unknown>> }

export type GadgetParts = {
  readonly namespace?: string
  readonly uid?: string
  readonly version?: number | string
  readonly status?: Readonly<Record<string, unknown>>
}

/** Its uid is its name unless told otherwise. */
export function gadget(
  name: string,
  { namespace = 'test', uid = name, version = 1, status }: GadgetParts = {},
): Gadget {
  return { metadata: { name, namespace, uid, resourceVersion: String(version) }, ...(status && { status }) }
}
