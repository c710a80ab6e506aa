import type { Redacted } from '../../src/redacted.ts'

type WithPlainSecrets<T> = { readonly [K in keyof T]: T[K] extends Redacted ? string : T[K] }

/** Credentials with their secrets as plain text, to be compared. */
export function withPlainSecrets<T extends object>(credentials: T): WithPlainSecrets<T> {
  const open = (value: unknown) =>
    typeof value === 'object' && value !== null && 'reveal' in value ? (value as Redacted).reveal() : value
  return Object.fromEntries(
    Object.entries(credentials).map(([key, value]) => [key, open(value)]),
  ) as WithPlainSecrets<T>
}
