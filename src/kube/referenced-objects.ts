/**
 * Reads Secrets and ConfigMaps by name, and never lists them: each once an interval, however many refer to it. What nobody
 * refers to any more is forgotten. While the API server cannot be reached, one read at a time finds out when it can be.
 */
import { steadyBackoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import type { ObjectData, ObjectRead, ObjectRef } from '../referenced-object.ts'
import { classify } from './api-errors.ts'
import { ApiError, type Cluster } from './cluster.ts'

export type ReferencedObjectsOptions = {
  readonly cluster: Pick<Cluster, 'send'>
  readonly clock: Clock
  readonly random: () => number
  /** Something else was read of an object than before; or something for the first time (`isFirst`). */
  readonly onChanged: (referrers: readonly string[], isFirst: boolean) => void
}

export interface ReferencedObjects {
  /** What `referrer` refers to from now on, in place of what it referred to before. */
  refer(referrer: string, refs: readonly ObjectRef[]): void
  /** The last read, the same one until something has changed; `undefined` where there is none yet. */
  get(ref: ObjectRef): ObjectRead | undefined
  /** Reads until aborted, and resolves when nothing is under way any more. */
  run(signal: AbortSignal): Promise<void>
}

/** Reads that are under way at once. */
const maxReads = 4
/** Failures in a row before an object that was never read counts as unreadable. */
const failuresToTell = 3
/** A refresh comes by so much of the interval too early at most, so that not all come at once. */
const jitter = 0.1

type Entry = {
  readonly ref: ObjectRef
  readonly referrers: Set<string>
  last: ObjectRead | undefined
  /** Reads in a row that did not find it. */
  vain: number
  failures: number
  cancel: () => void
}

export function createReferencedObjects(options: ReferencedObjectsOptions): ReferencedObjects {
  const { cluster, clock, random, onChanged } = options
  const entries = new Map<string, Entry>()
  const byReferrer = new Map<string, readonly string[]>()
  /** What is to be read as soon as there is room, first come first served. */
  const due = new Set<Entry>()
  const underWay = new Set<Promise<void>>()
  let stop: AbortSignal | undefined
  /** Reads in a row that the API server could not be reached for. */
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
    const entry = {
      ref,
      referrers: new Set([referrer]),
      last: undefined,
      vain: 0,
      failures: 0,
      cancel: () => undefined,
    }
    entries.set(key, entry)
    readNow(entry)
  }

  function remove(referrer: string, key: string) {
    const entry = entries.get(key)
    entry?.referrers.delete(referrer)
    if (!entry || entry.referrers.size > 0) return
    entry.cancel()
    due.delete(entry)
    entries.delete(key)
  }

  function readNow(entry: Entry) {
    entry.cancel()
    due.add(entry)
    startReads()
  }

  function readAfter(entry: Entry, ms: number) {
    if (isRunning() && isCurrent(entry)) entry.cancel = clock.after(ms, () => readNow(entry))
  }

  function startReads() {
    const room = unreached > 0 ? 1 : maxReads
    for (const entry of due) {
      if (!isRunning() || cancelPause || underWay.size >= room) return
      due.delete(entry)
      const reading = read(entry).finally(() => {
        underWay.delete(reading)
        startReads()
      })
      underWay.add(reading)
    }
  }

  async function read(entry: Entry): Promise<void> {
    const signal = stop
    if (!signal) return
    try {
      const object = await cluster.send({ method: 'GET', path: pathOf(entry.ref) }, signal)
      unreached = 0
      take(entry, readOf(entry, object))
    } catch (error) {
      if (isRunning()) fail(entry, error instanceof Error ? error : new Error(String(error)))
    }
  }

  function fail(entry: Entry, error: Error) {
    if (classify(error) === 'unreachable') {
      const pause = steadyBackoff(limits.referenceRetry, unreached, random)
      unreached += 1
      cancelPause = clock.after(pause, () => {
        cancelPause = undefined
        startReads()
      })
      if (isCurrent(entry)) due.add(entry)
      return
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
  }

  function take(entry: Entry, now: ObjectRead) {
    if (!isCurrent(entry)) return
    entry.failures = 0
    entry.vain = now.kind === 'found' ? 0 : entry.vain + 1
    readAfter(
      entry,
      now.kind === 'found'
        ? limits.referenceRefreshMs * (1 - jitter * random())
        : steadyBackoff(limits.referenceRetry, entry.vain - 1, random),
    )
    tell(entry, now)
  }

  function tell(entry: Entry, now: ObjectRead) {
    const before = entry.last
    if (before && isSame(before, now)) return
    entry.last = now
    onChanged([...entry.referrers], before === undefined)
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
    get: (ref) => entries.get(keyOf(ref))?.last,
    async run(signal) {
      stop = signal
      startReads()
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
      cancelPause?.()
      for (const { cancel } of entries.values()) cancel()
      await Promise.all(underWay)
    },
  }
}

const keyOf = ({ kind, namespace, name }: ObjectRef) => `${kind} ${namespace}/${name}`

function pathOf({ kind, namespace, name }: ObjectRef): string {
  const plural = kind === 'Secret' ? 'secrets' : 'configmaps'
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`
}

function isSame(a: ObjectRead, b: ObjectRead): boolean {
  if (a.kind === 'found' && b.kind === 'found') return a.uid === b.uid && a.resourceVersion === b.resourceVersion
  if (a.kind === 'forbidden' && b.kind === 'forbidden') return a.user === b.user
  if (a.kind === 'unreadable' && b.kind === 'unreadable') return a.status === b.status
  return a.kind === b.kind && a.kind === 'notFound'
}

type Raw = {
  readonly metadata?: { readonly uid?: unknown; readonly resourceVersion?: unknown }
  readonly data?: Readonly<Record<string, string>> | null
  readonly binaryData?: Readonly<Record<string, string>> | null
}

/** A Secret holds all of its data in base64, a ConfigMap only what is binary. */
function readOf({ ref: { kind }, last: before }: Entry, answer: unknown): ObjectRead {
  const { metadata, data, binaryData } = answer as Raw
  const { uid, resourceVersion } = metadata ?? {}
  if (typeof uid !== 'string' || typeof resourceVersion !== 'string')
    throw new ApiError(500, 'the answer is no Secret or ConfigMap')
  if (before?.kind === 'found' && before.uid === uid && before.resourceVersion === resourceVersion) return before
  const encoded = kind === 'ConfigMap' ? binaryData : data
  const plain = kind === 'ConfigMap' ? data : undefined
  const texts: ObjectData = new Map([
    ...Object.entries(encoded ?? {}).map(([key, value]) => [key, textOf(value)] as const),
    ...Object.entries(plain ?? {}),
  ])
  return { kind: 'found', uid, resourceVersion, data: texts }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(base64: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(base64, 'base64'))
  } catch {
    return undefined
  }
}

/** Who is refused, in the words of the API server. */
function userIn(message: string): string | undefined {
  return /User "([^"]+)"/.exec(message)?.[1]
}
