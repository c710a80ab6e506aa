/** One request to ZStack's API as the rest of the operator words it, and its answer. */
import type { Result } from '../decide/failure.ts'
import type { Json } from '../api/json.ts'
import type { Turn } from '../priority.ts'
import type { Send } from '../send.ts'

/**
 * A `query` reads services, a `probe` none: it asks whether the connection works. An `update` changes a service, and a
 * `job` asks how ZStack carries an update out.
 */
export type CallKind = 'query' | 'probe' | 'update' | 'job'

export type Call = {
  readonly method: 'GET' | 'PUT'
  /** Below the base URL, with the query. */
  readonly path: string
  /** What the authenticator adds. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Json
  readonly kind: CallKind
  /** Texts that no message may hold, in case ZStack repeats them. */
  readonly secrets: readonly string[]
  /** How it waits while too many are under way. */
  readonly turn: Turn
  /** Asked in the moment before the call is sent, for it may have waited long. If it says no, the call is {@link Withdrawn}. */
  readonly isWanted?: (() => boolean) | undefined
}

/** A success; everything else is a failure. */
export type Reply = { readonly status: number; readonly json: unknown }

/** Sends a call. It rejects only if the signal is aborted, the call is withdrawn, or this process leads no more. */
export type SendCall = Send<Call, Result<Reply>>

/** When its turn came, nobody wanted the call any more: nothing was sent. */
export class Withdrawn extends Error {
  override readonly name = 'Withdrawn'

  constructor() {
    super('the call is not wanted any more')
  }
}
