/**
 * List and watch as a state machine, as an async generator of what happened.
 *
 *   empty ──list──▶ listed ──open──▶ watching ──lines──▶ watching
 *   watching ──stream ends, breaks or stalls──▶ listed (goes on from the last version)
 *   listed, watching ──410 Gone──▶ empty (the history is gone: list again)
 *   watching ──a line that cannot be understood──▶ empty (the same version would yield the same line again)
 *
 * Every way back but the ordinary end of a stream goes through a pause that grows until a stream has lived for a while.
 */
import { steadyBackoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { ApiError } from './cluster.ts'
import { lines, MalformedLineError } from './lines.ts'
import type { KubeObject, Resource } from './resource.ts'
import { isStarting, retryDelays, classify, type ApiErrorClass } from './api-errors.ts'

export type WatchEvent<T> =
  | { readonly kind: 'listed'; readonly objects: readonly T[]; readonly version: string }
  | { readonly kind: 'applied' | 'deleted'; readonly object: T }
  /** The watch works though nothing changes: a bookmark came, or the stream ended when it should. */
  | { readonly kind: 'alive' }
  /** Not an end: the watch goes on by itself after a pause. */
  | { readonly kind: 'broken'; readonly error: Error }

export type WatchOptions = {
  readonly clock: Clock
  readonly random: () => number
  /** Waits for about `ms` after a failure; by default exactly that long. */
  readonly pause?: (ms: number, error: Error, signal: AbortSignal) => Promise<void>
}

type State =
  | { readonly at: 'empty' }
  | { readonly at: 'listed'; readonly version: string }
  | { readonly at: 'watching'; readonly version: string; readonly stream: Stream }

type Stream = {
  readonly lines: AsyncIterator<string>
  readonly abort: AbortController
  readonly openedAt: number
  readonly cancel: () => void
}

type Step<T> = { readonly state: State; readonly event?: WatchEvent<T>; readonly pauseFor?: Error }

const pageSize = 500
/** The server ends a watch after this long; with the margin it is also how late a dead connection is noticed. */
const serverTimeoutSeconds = 120
/** A dead peer sends no close: so long after the server should have ended the watch, it is held to be dead. */
const stallMarginMs = 10_000
/** A stream that lived this long was no failure, whatever ended it. */
const healthyMs = 5_000
/** Longer waits than this are not believed. */
const maxRetryAfterMs = 30_000

export async function* watch<T extends KubeObject>(
  resource: Resource<T>,
  { clock, random, pause = (ms, _, until) => clock.sleep(ms, until) }: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void> {
  let state: State = { at: 'empty' }
  let streak: FailureStreak = { trouble: 'unreachable', failures: 0 }
  const isStopped = () => signal.aborted
  try {
    while (!isStopped()) {
      const step: Step<T> = await next(state)
      const lived = state.at === 'watching' && hasLived(state.stream)
      state = step.state
      if (isStopped()) return
      if (lived) streak = { ...streak, failures: 0 }
      if (step.event) yield step.event
      if (!step.pauseFor) continue
      streak = lengthen(streak, step.pauseFor)
      await pause(pauseAfter(step.pauseFor, streak, random), step.pauseFor, signal)
    }
  } finally {
    if (state.at === 'watching') close(state.stream)
  }

  function next(from: State): Promise<Step<T>> {
    switch (from.at) {
      case 'empty':
        return list()
      case 'listed':
        return open(from.version)
      case 'watching':
        return read(from.version, from.stream)
    }
  }

  async function list(): Promise<Step<T>> {
    try {
      const objects: T[] = []
      let more: string | undefined
      for (;;) {
        const page = await resource.list({ limit: pageSize, more }, signal)
        objects.push(...page.items)
        more = page.more
        if (more === undefined)
          return {
            state: { at: 'listed', version: page.resourceVersion },
            event: { kind: 'listed', objects, version: page.resourceVersion },
          }
      }
    } catch (error) {
      return broken({ at: 'empty' }, error)
    }
  }

  async function open(version: string): Promise<Step<T>> {
    const abort = new AbortController()
    const limit = serverTimeoutSeconds * 1000 + stallMarginMs
    const cancel = clock.after(limit, () =>
      abort.abort(new Error(`the watch was silent beyond its end (${limit / 1000} s)`)),
    )
    try {
      const chunks = await resource.watch(version, serverTimeoutSeconds, AbortSignal.any([signal, abort.signal]))
      const stream = { lines: lines(chunks), abort, openedAt: clock.monotonic(), cancel }
      return { state: { at: 'watching', version, stream } }
    } catch (error) {
      cancel()
      return lost(version, error)
    }
  }

  async function read(version: string, stream: Stream): Promise<Step<T>> {
    try {
      const line = await stream.lines.next()
      if (line.done === true) {
        close(stream)
        const again: State = { at: 'listed', version }
        return hasLived(stream)
          ? { state: again, event: { kind: 'alive' } }
          : broken(again, new Error('the watch ended as soon as it began'))
      }
      return understand(line.value, version, stream)
    } catch (error) {
      close(stream)
      return lost(version, error)
    }
  }

  function hasLived({ openedAt }: Stream): boolean {
    return clock.monotonic() - openedAt >= healthyMs
  }

  function understand(line: string, version: string, stream: Stream): Step<T> {
    const parsed = parseLine(line)
    const type = parsed.type
    const object = parsed.object as T
    if (type === 'ERROR') {
      const status = object as unknown as { code?: number; message?: string }
      throw new ApiError(status.code ?? 0, status.message ?? 'the watch ended with an error')
    }
    const state: State = { at: 'watching', version: object.metadata.resourceVersion, stream }
    if (type === 'BOOKMARK') return { state, event: { kind: 'alive' } }
    if (type === 'DELETED') return { state, event: { kind: 'deleted', object } }
    if (type === 'ADDED' || type === 'MODIFIED') return { state, event: { kind: 'applied', object } }
    return { state: { ...state, version } }
  }
}

function parseLine(line: string): { type: string; object: unknown } {
  const parsed = parseJson(line) as {
    type?: unknown
    object?: { metadata?: { resourceVersion?: unknown } } | null
  } | null
  const isEvent = typeof parsed?.type === 'string' && typeof parsed.object === 'object' && parsed.object !== null
  const isVersioned = parsed?.type === 'ERROR' || typeof parsed?.object?.metadata?.resourceVersion === 'string'
  if (!isEvent || !isVersioned) throw new MalformedLineError('a line of the watch is no event')
  return parsed as { type: string; object: unknown }
}

/** The parser's own words would quote the line, which may hold secrets. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new MalformedLineError('a line of the watch is no JSON')
  }
}

function broken<T>(state: State, cause: unknown): Step<T> {
  const error = cause instanceof Error ? cause : new Error(String(cause))
  return { state, event: { kind: 'broken', error }, pauseFor: error }
}

function close(stream: Stream): void {
  stream.cancel()
  stream.abort.abort()
}

/**
 * Where a watch goes on that could not be opened or read: from its version, or from a new list if its history is gone or
 * cannot be understood.
 */
function lost<T>(version: string, error: unknown): Step<T> {
  if (error instanceof ApiError && error.status === 410) return { state: { at: 'empty' }, pauseFor: error }
  return broken(error instanceof MalformedLineError ? { at: 'empty' } : { at: 'listed', version }, error)
}

/** Failures of one class without a success between. Another class begins with the shortest wait, however long this lasted. */
type FailureStreak = { readonly trouble: ApiErrorClass; readonly failures: number }

function lengthen({ trouble, failures }: FailureStreak, error: Error): FailureStreak {
  const now = classify(error)
  return { trouble: now, failures: now === trouble ? failures + 1 : 1 }
}

function pauseAfter(error: Error, { trouble, failures }: FailureStreak, random: () => number): number {
  const pause = steadyBackoff(retryDelays[trouble], failures - 1, random)
  const asked = error instanceof ApiError && !isStarting(error) ? (error.retryAfterMs ?? 0) : 0
  return Math.max(pause, Math.min(asked, maxRetryAfterMs))
}
