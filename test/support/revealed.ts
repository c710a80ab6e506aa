import type { Secret } from '../../src/secret.ts'

type Revealed<T> = { readonly [K in keyof T]: T[K] extends Secret ? string : T[K] }

/** Credentials with their secrets as plain text, to be compared. */
export function revealed<T extends object>(credentials: T): Revealed<T> {
  const open = (value: unknown) =>
    typeof value === 'object' && value !== null && 'reveal' in value ? (value as Secret).reveal() : value
  return Object.fromEntries(Object.entries(credentials).map(([key, value]) => [key, open(value)])) as Revealed<T>
}
