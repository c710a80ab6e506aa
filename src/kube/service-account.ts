/** The service account that a bearer token speaks for. */
export type ServiceAccount = { readonly namespace: string; readonly name: string; readonly uid: string }

/**
 * Reads what the API server wrote into the token that it issued. Nothing is verified, for the API server does that at
 * every request; nothing is given where the header holds another sort of credentials.
 */
export function serviceAccountOf(authorization: string | undefined): ServiceAccount | undefined {
  const [, payload] = /^Bearer [\w-]+\.([\w-]+)\.[\w-]+$/.exec(authorization ?? '') ?? []
  if (payload === undefined) return undefined
  const { namespace, serviceaccount } = claimsIn(payload)['kubernetes.io'] ?? {}
  const { name, uid } = serviceaccount ?? {}
  return typeof namespace === 'string' && typeof name === 'string' && typeof uid === 'string'
    ? { namespace, name, uid }
    : undefined
}

type Claims = {
  readonly 'kubernetes.io'?: {
    readonly namespace?: unknown
    readonly serviceaccount?: { readonly name?: unknown; readonly uid?: unknown }
  }
}

function claimsIn(payload: string): Claims {
  try {
    return (JSON.parse(Buffer.from(payload, 'base64url').toString()) ?? {}) as Claims
  } catch {
    return {}
  }
}
