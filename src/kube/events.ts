/** Kubernetes events: sent in the background, repeats counted, floods cut off. */
import type { Logger } from 'pino'
import { withTimeout, type Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import { ApiError, type Cluster } from './cluster.ts'

export type EventText = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

/** What an event is about. */
export type EventSubject = {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion?: string
  }
}

export interface EventRecorder {
  /** Never fails and never waits; an event reaches the API server within a second or so. */
  record(object: EventSubject, text: EventText): void
  /** Sends at once what was recorded. Resolves when that is done, or when aborted. */
  flush(signal: AbortSignal): Promise<void>
}

export type EventRecorderOptions = {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly log: Logger
  readonly component: string
  readonly instance: string
  readonly apiVersion: string
  readonly kind: string
}

const { eventBurst: burst, eventRefillMs: refillMs } = limits
/** Beyond so many unsent ones the oldest have lost their worth. */
const maxPending = 1_000
/** Status comes first: the events of a whole fleet wait until its passes, and their status writes, are over. */
const quietMs = 300
const maxQuietWaitMs = 5_000
const requestLimitMs = 10_000
/** As many objects and repeats as client-go's correlator remembers. */
const maxRemembered = 4_096

type SentEvent = { readonly name: string; readonly count: number }
type Pending = { readonly object: EventSubject; readonly text: EventText; readonly at: number }

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { cluster, clock, log, component, instance, apiVersion, kind } = options
  const sent = new Map<string, SentEvent>()
  const budgets = new Map<string, { readonly left: number; readonly at: number }>()
  const pending: Pending[] = []
  let sending: Promise<void> | undefined
  let flushNow = new AbortController()
  let serial = 0

  function mayRecord(uid: string): boolean {
    const now = clock.monotonic()
    const before = budgets.get(uid) ?? { left: burst, at: now }
    const left = Math.min(burst, before.left + (now - before.at) / refillMs)
    if (left < 1) return false
    remember(budgets, uid, { left: left - 1, at: now })
    return true
  }

  async function sendAll() {
    flushNow = new AbortController()
    await untilQuiet(flushNow.signal)
    for (let next = pending.shift(); next; next = pending.shift()) {
      try {
        const event = next
        await withTimeout(clock, requestLimitMs, (signal) => send(event, signal))
      } catch (error) {
        log.debug({ reason: (error as Error).message }, 'an event was not taken')
      }
    }
    // In the same step as the look at the empty list: an event recorded later must start a sender of its own.
    sending = undefined
  }

  /** Until nothing new was recorded for a moment, or the first event has waited long enough. */
  async function untilQuiet(flushed: AbortSignal) {
    const limit = clock.monotonic() + maxQuietWaitMs
    let before: number
    do {
      before = pending.length
      await clock.sleep(quietMs, flushed)
    } while (pending.length !== before && !flushed.aborted && clock.monotonic() < limit)
  }

  async function send({ object, text, at }: Pending, signal: AbortSignal) {
    const { name, namespace, uid, resourceVersion } = object.metadata
    const collection = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`
    const key = JSON.stringify([uid, text.type, text.reason, text.message])
    const time = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
    const before = sent.get(key)
    if (before) {
      const count = before.count + 1
      const body = { count, lastTimestamp: time }
      const path = `${collection}/${encodeURIComponent(before.name)}`
      try {
        await cluster.send({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' }, signal)
        remember(sent, key, { ...before, count })
        return
      } catch (error) {
        // The API server keeps an event for an hour: where it has dropped this one, a new one is created.
        if (!(error instanceof ApiError) || error.status !== 404) throw error
      }
    }
    const event = `${startOf(name)}.${at.toString(16)}${(serial++).toString(16).padStart(4, '0')}`
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: event, namespace },
      involvedObject: { apiVersion, kind, name, namespace, uid, resourceVersion },
      ...text,
      source: { component },
      reportingComponent: component,
      reportingInstance: instance,
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    }
    await cluster.send({ method: 'POST', path: collection, body }, signal)
    remember(sent, key, { name: event, count: 1 })
  }

  return {
    record(object, text) {
      if (!mayRecord(object.metadata.uid)) return
      if (pending.length >= maxPending) pending.shift()
      // A queue of whole objects would keep in memory what the store has long replaced.
      const { name, namespace, uid, resourceVersion } = object.metadata
      const metadata = { name, namespace, uid, ...(resourceVersion !== undefined && { resourceVersion }) }
      pending.push({ object: { metadata }, text, at: clock.now() })
      sending ??= sendAll()
    },
    async flush(signal) {
      if (signal.aborted) return
      flushNow.abort()
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      await Promise.race([sending, aborted])
    },
  }
}

/** So much of a name that a suffix fits behind it in the 253 characters of a name. */
function startOf(name: string): string {
  return name.slice(0, 230).replace(/[.-]+$/, '')
}

/** Keeps the latest so many. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= maxRemembered) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
