/** Sends one request; `signal` aborts it. What guards or counts requests takes one of these and returns another. */
export type Send<R, A> = (request: R, signal: AbortSignal) => Promise<A>
