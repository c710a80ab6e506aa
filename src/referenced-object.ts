/** A Secret or ConfigMap that something refers to by name, and what a read of it shows. */
export type ObjectRef = {
  readonly kind: 'Secret' | 'ConfigMap'
  readonly namespace: string
  readonly name: string
}

/** The texts by key; a value that is not UTF-8 has none. */
export type ObjectData = ReadonlyMap<string, string | undefined>

export type ObjectRead =
  | { readonly kind: 'found'; readonly uid: string; readonly resourceVersion: string; readonly data: ObjectData }
  | { readonly kind: 'notFound' }
  /** `user`: who may not get it, as the API server calls this process. */
  | { readonly kind: 'forbidden'; readonly user: string | undefined }
  /** It was never read, and the API server goes on failing. */
  | { readonly kind: 'unreadable'; readonly status: number }
