/** Sends one request of some protocol; `signal` aborts it. What guards and counts requests wraps one of these. */
export type Send<R, A> = (request: R, signal: AbortSignal) => Promise<A>
