/**
 * Reads Secrets and ConfigMaps by name, and never lists them: each once an interval, however many refer to it, and at once
 * when a watch on its name tells of a change, where RBAC allows one. What nobody refers to any more is forgotten. While
 * the API server cannot be reached, one read at a time finds out when it can be.
 */
import { steadyBackoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import type { ObjectData, ObjectRead, ObjectRef } from '../referenced-object.ts'
import { classify } from './api-errors.ts'
import { ApiError, type Cluster } from './cluster.ts'
import { watchNamed } from './named-watch.ts'

export type ReferencedObjectsOptions = {
  readonly cluster: Pick<Cluster, 'send' | 'stream'>
  readonly clock: Clock
  readonly random: () => number
}

/** Something else was read of an object than before; or something for the first time (`isFirst`). */
export type OnReferencedChange = (referrers: readonly string[], isFirst: boolean) => void

export interface ReferencedObjects {
  /** What `referrer` refers to from now on, in place of what it referred to before. */
  refer(referrer: string, refs: readonly ObjectRef[]): void
  /** The last read, the same one until something has changed; `undefined` where there is none yet. */
  get(ref: ObjectRef): ObjectRead | undefined
  /**
   * Reads these now, without waiting for the interval. Resolves when the API server has answered a read of each that began
   * afterwards, whatever it said, or nobody refers to it any more.
   */
  refresh(refs: readonly ObjectRef[]): Promise<void>
  /** Calls the listener at every change from now on. */
  subscribe(listener: OnReferencedChange): void
  /** Reads until aborted, and resolves when nothing is under way any more. */
  run(signal: AbortSignal): Promise<void>
}

/** Reads that are under way at once. */
const maxReads = 4
/** Watches at once: each takes a connection. Whoever gets none is read at every interval, as all are. */
const maxWatches = 100
/** No object is read more often, however often it changes or somebody asks for it. */
const minPauseMs = 1_000
/** A watch that ends sooner is not opened again before the next interval. */
const shortWatchMs = 10_000
/** Failures in a row before an object that was never read counts as unreadable. */
const failuresToTell = 3
/** A refresh comes by so much of the interval too early at most, so that not all come at once. */
const jitter = 0.1

type Entry = {
  readonly ref: ObjectRef
  readonly referrers: Set<string>
  last: ObjectRead | undefined
  /** Reads in a row that did not find it, and that failed. */
  vain: number
  failures: number
  isReading: boolean
  /** Whether it is to be read once more as soon as the read under way has ended, for that may show what was before. */
  isOutdated: boolean
  /** Who waits for the answer to a read that has not begun yet. */
  awaiting: (() => void)[]
  /** When it was last read, by the monotonic clock. */
  readAt: number
  cancelRead: () => void
  watch: AbortController | undefined
  /** No watch is opened before then. */
  watchFrom: number
}

export function createReferencedObjects(options: ReferencedObjectsOptions): ReferencedObjects {
  const { cluster, clock, random } = options
  const listeners: OnReferencedChange[] = []
  const entries = new Map<string, Entry>()
  const byReferrer = new Map<string, readonly string[]>()
  /** What is to be read as soon as there is room, first come first served. */
  const due = new Set<Entry>()
  let reads = 0
  let watches = 0
  /** Reads and watches. */
  const underWay = new Set<Promise<void>>()
  let stop: AbortSignal | undefined
  /** Reads in a row for which the API server could not be reached. */
  let unreached = 0
  let cancelPause: (() => void) | undefined

  const isRunning = () => stop?.aborted === false
  const isCurrent = (entry: Entry) => entries.get(keyOf(entry.ref)) === entry

  function add(referrer: string, ref: ObjectRef) {
    const key = keyOf(ref)
    const known = entries.get(key)
    if (known) {
      known.referrers.add(referrer)
      return
    }
    const entry = newEntry(referrer, ref)
    entries.set(key, entry)
    readNow(entry)
  }

  function remove(referrer: string, key: string) {
    const entry = entries.get(key)
    entry?.referrers.delete(referrer)
    if (!entry || entry.referrers.size > 0) return
    entry.cancelRead()
    entry.watch?.abort()
    due.delete(entry)
    entries.delete(key)
    for (const resolve of entry.awaiting.splice(0)) resolve()
  }

  function readNow(entry: Entry) {
    entry.cancelRead()
    due.add(entry)
    startReads()
  }

  function readAfter(entry: Entry, ms: number) {
    if (!isRunning() || !isCurrent(entry)) return
    entry.cancelRead()
    entry.cancelRead = clock.after(ms, () => readNow(entry))
  }

  function readSoon(entry: Entry) {
    if (entry.isReading) entry.isOutdated = true
    else readAfter(entry, Math.max(0, entry.readAt + minPauseMs - clock.monotonic()))
  }

  function startReads() {
    const room = unreached > 0 ? 1 : maxReads
    for (const entry of due) {
      if (!isRunning() || cancelPause || reads >= room) return
      // What changes while it is read is read again afterwards.
      if (!entry.isReading) startRead(entry)
    }
  }

  function startRead(entry: Entry) {
    due.delete(entry)
    entry.isReading = true
    entry.isOutdated = false
    reads += 1
    const awaiting = entry.awaiting.splice(0)
    track(
      read(entry).then((isAnswered) => {
        entry.isReading = false
        reads -= 1
        if (entry.isOutdated && isAnswered) readSoon(entry)
        if (isAnswered || !isCurrent(entry)) for (const resolve of awaiting) resolve()
        else entry.awaiting.unshift(...awaiting)
        startReads()
      }),
    )
  }

  function track(work: Promise<void>) {
    const tracked = work.finally(() => underWay.delete(tracked))
    underWay.add(tracked)
  }

  /** Resolves to whether the API server answered. */
  async function read(entry: Entry): Promise<boolean> {
    const signal = stop
    if (!signal) return false
    entry.readAt = clock.monotonic()
    const path = `${collectionOf(entry.ref)}/${encodeURIComponent(entry.ref.name)}`
    try {
      const object = await cluster.send({ method: 'GET', path }, signal)
      unreached = 0
      take(entry, readOf(entry, object))
      return true
    } catch (error) {
      return isRunning() && fail(entry, error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Whether it is an answer. */
  function fail(entry: Entry, error: Error): boolean {
    if (classify(error) === 'unreachable') {
      if (isCurrent(entry)) due.add(entry)
      pause()
      return false
    }
    unreached = 0
    const status = error instanceof ApiError ? error.status : 0
    if (status === 404) take(entry, { kind: 'notFound' })
    else if (status === 403) take(entry, { kind: 'forbidden', user: userIn(error.message) })
    else {
      entry.failures += 1
      const isToTell = entry.failures >= failuresToTell && (!entry.last || entry.last.kind === 'unreadable')
      if (isToTell) tell(entry, { kind: 'unreadable', status })
      readAfter(entry, steadyBackoff(limits.referenceRetry, entry.failures - 1, random))
    }
    return true
  }

  function pause() {
    if (cancelPause) return
    const ms = steadyBackoff(limits.referenceRetry, unreached, random)
    unreached += 1
    cancelPause = clock.after(ms, () => {
      cancelPause = undefined
      startReads()
    })
  }

  function take(entry: Entry, now: ObjectRead) {
    if (!isCurrent(entry)) return
    entry.failures = 0
    entry.vain = now.kind === 'found' ? 0 : entry.vain + 1
    const refreshMs = limits.referenceRefreshMs * (1 - jitter * random())
    readAfter(entry, now.kind === 'found' ? refreshMs : steadyBackoff(limits.referenceRetry, entry.vain - 1, random))
    tell(entry, now)
    if (now.kind !== 'forbidden') follow(entry)
  }

  function tell(entry: Entry, now: ObjectRead) {
    const before = entry.last
    if (!isCurrent(entry) || (before && isSame(before, now))) return
    entry.last = now
    for (const listener of listeners) listener([...entry.referrers], before === undefined)
  }

  function follow(entry: Entry) {
    if (!stop || !isRunning() || entry.watch || watches >= maxWatches || clock.monotonic() < entry.watchFrom) return
    entry.watch = new AbortController()
    watches += 1
    track(followToItsEnd(entry, AbortSignal.any([stop, entry.watch.signal])))
  }

  async function followToItsEnd(entry: Entry, signal: AbortSignal): Promise<void> {
    const begun = clock.monotonic()
    const onLine = (version: string | undefined) => {
      const known = entry.last?.kind === 'found' ? entry.last.resourceVersion : undefined
      if (version === undefined || version !== known) readSoon(entry)
    }
    const { ref } = entry
    const end = await watchNamed({ cluster, clock, collection: collectionOf(ref), name: ref.name, onLine }, signal)
    watches -= 1
    entry.watch = undefined
    const now = clock.monotonic()
    if (end === 'refused') entry.watchFrom = now + limits.referenceWatchRetryMs
    // The read that comes next opens the next watch.
    else if (end === 'ended' && now - begun >= shortWatchMs) readSoon(entry)
  }

  return {
    refer(referrer, refs) {
      const before = byReferrer.get(referrer) ?? []
      if (before.length === 0 && refs.length === 0) return
      const after = refs.map(keyOf)
      if (refs.length > 0) byReferrer.set(referrer, after)
      else byReferrer.delete(referrer)
      for (const ref of refs) add(referrer, ref)
      for (const key of before) if (!after.includes(key)) remove(referrer, key)
    },
    async refresh(refs) {
      const wanted = refs.flatMap((ref) => entries.get(keyOf(ref)) ?? [])
      await Promise.all(
        wanted.map(
          (entry) =>
            new Promise<void>((resolve) => {
              entry.awaiting.push(resolve)
              readSoon(entry)
            }),
        ),
      )
    },
    get: (ref) => entries.get(keyOf(ref))?.last,
    subscribe: (listener) => void listeners.push(listener),
    async run(signal) {
      stop = signal
      startReads()
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
      cancelPause?.()
      for (const { cancelRead } of entries.values()) cancelRead()
      await Promise.all(underWay)
    },
  }
}

function newEntry(referrer: string, ref: ObjectRef): Entry {
  return {
    ref,
    referrers: new Set([referrer]),
    last: undefined,
    vain: 0,
    failures: 0,
    isReading: false,
    isOutdated: false,
    awaiting: [],
    readAt: -Infinity,
    cancelRead: () => undefined,
    watch: undefined,
    watchFrom: -Infinity,
  }
}

/** Reads one object once, for whoever does not go on. */
export async function readReferenced(
  cluster: Pick<Cluster, 'send'>,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<ObjectRead> {
  try {
    const path = `${collectionOf(ref)}/${encodeURIComponent(ref.name)}`
    return readOf({ ref, last: undefined }, await cluster.send({ method: 'GET', path }, signal))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.status === 404) return { kind: 'notFound' }
    if (error.status === 403) return { kind: 'forbidden', user: userIn(error.message) }
    return { kind: 'unreadable', status: error.status }
  }
}

const keyOf = ({ kind, namespace, name }: ObjectRef) => `${kind} ${namespace}/${name}`

function collectionOf({ kind, namespace }: ObjectRef): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/${kind === 'Secret' ? 'secrets' : 'configmaps'}`
}

function isSame(a: ObjectRead, b: ObjectRead): boolean {
  if (a.kind === 'found' && b.kind === 'found') return a.uid === b.uid && a.resourceVersion === b.resourceVersion
  if (a.kind === 'forbidden' && b.kind === 'forbidden') return a.user === b.user
  if (a.kind === 'unreadable' && b.kind === 'unreadable') return a.status === b.status
  return a.kind === 'notFound' && b.kind === 'notFound'
}

type Raw = {
  readonly metadata?: { readonly uid?: unknown; readonly resourceVersion?: unknown }
  readonly data?: Readonly<Record<string, string>> | null
  readonly binaryData?: Readonly<Record<string, string>> | null
}

/** A Secret holds all of its data in base64, a ConfigMap only what is binary. */
function readOf({ ref: { kind }, last }: Pick<Entry, 'ref' | 'last'>, answer: unknown): ObjectRead {
  const { metadata, data, binaryData } = answer as Raw
  const { uid, resourceVersion } = metadata ?? {}
  if (typeof uid !== 'string' || typeof resourceVersion !== 'string')
    throw new ApiError(500, `the answer is no ${kind}`)
  if (last?.kind === 'found' && last.uid === uid && last.resourceVersion === resourceVersion) return last
  const encoded = kind === 'ConfigMap' ? binaryData : data
  const plain = kind === 'ConfigMap' ? data : undefined
  const texts: ObjectData = new Map([
    ...Object.entries(encoded ?? {}).map(([key, value]) => [key, textOf(value)] as const),
    ...Object.entries(plain ?? {}),
  ])
  return { kind: 'found', uid, resourceVersion, data: texts }
}

function textOf(base64: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, 'base64'))
  } catch {
    return undefined
  }
}

/** Who is refused, in the words of the API server. */
function userIn(message: string): string | undefined {
  return /User "([^"]+)"/.exec(message)?.[1]
}
