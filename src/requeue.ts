/** When a key is worked on again: at a change, after a known time, or after a backoff. */
export type Requeue =
  /** At a change of the object, and not before. */
  | { readonly kind: 'awaitChange' }
  /** After `ms`. With `keepsBackoff` the work has not gone well yet, so the failures before it still count. */
  | { readonly kind: 'after'; readonly ms: number; readonly keepsBackoff?: boolean }
  /** Ever later, until a pass goes well. */
  | { readonly kind: 'backOff' }
