/** Watches as a simulated API server serves them: in order, some time behind, and cut off at any moment. */
import { statusOf } from '../../src/api/modelservice.ts'
import { keyOf, type Change, type Stored } from './objects.ts'
import type { Process } from './process.ts'
import type { SourceRead } from './sources.ts'
import type { Time } from './time.ts'

/** What happens to the next lines of watches. */
export type Current = {
  readonly delayMs: () => number
  readonly repeats: () => boolean
  /** In pieces, so that a line ends in a chunk of its own. */
  readonly splits: () => boolean
}

export type Watcher = {
  /** The connection breaks, in the middle of a line perhaps. */
  cut(): void
  /** The server ends it, as it should. */
  end(): void
  /** The connection is dead and nobody knows: no byte comes any more. */
  stall(): void
  /** The server says that its history is gone. */
  expire(): void
  /** A line that no API server should send. */
  garble(text: string): void
}

/** @template C a change of what is watched */
export type WatchOptions<C> = {
  readonly time: Time
  readonly process: Process
  /** Of what is watched, when the watch begins. */
  readonly version: number
  /** The changes that the watch begins with. */
  readonly backlog: readonly C[]
  /** What the watch tells of a change, if anything. */
  readonly lineOf: (change: C) => object | undefined
  readonly hasBookmarks: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly current: Current
  /** A line is in the hands of the process. */
  readonly delivered: (change: C) => void
  readonly closed: () => void
}

const bookmarkMs = 60_000

export function openWatch<C extends { readonly version: number }>(
  options: WatchOptions<C>,
): {
  readonly chunks: AsyncIterable<Buffer>
  readonly watcher: Watcher
  readonly tell: (change: C) => void
} {
  const { time, process, backlog, lineOf, hasBookmarks, timeoutMs, signal, current, delivered, closed } = options
  const waiting: { readonly text: string; readonly change?: C }[] = []
  const ready: Buffer[] = []
  let lastVersion = options.version
  let isFlushing = false
  let state: 'open' | 'stalled' | 'ended' | 'broken' = 'open'
  let cause: Error = new Error('terminated')
  let wanted: (() => void) | undefined

  const wake = () => {
    wanted?.()
    wanted = undefined
  }

  function put(text: string, change?: C) {
    if (state !== 'open') return
    waiting.push(change ? { text, change } : { text })
    if (!isFlushing) later()
  }

  function later() {
    isFlushing = true
    time.after(current.delayMs(), () => {
      isFlushing = false
      if (state !== 'open') return
      const line = waiting.shift()
      if (!line) return
      hand(line.text, line.change)
      if (line.change && current.repeats()) hand(line.text, line.change)
      if (waiting.length > 0) later()
    })
  }

  function hand(text: string, change?: C) {
    const bytes = Buffer.from(`${text}\n`)
    const middle = current.splits() ? bytes.length >> 1 : bytes.length
    process.reach(() => {
      if (state !== 'open') return
      if (change) delivered(change)
      ready.push(bytes.subarray(0, middle))
      if (middle < bytes.length) ready.push(bytes.subarray(middle))
      wake()
    })
  }

  function tell(change: C) {
    lastVersion = change.version
    const line = lineOf(change)
    if (line) put(JSON.stringify(line), change)
  }

  function finish(as: 'ended' | 'broken', why?: Error) {
    if (state === 'ended' || state === 'broken') return
    stopBookmarks()
    stopTimeout()
    closed()
    if (why) cause = why
    state = as
    wake()
  }

  let stopBookmarks: () => void = () => undefined
  const bookmark = () => {
    const metadata = { resourceVersion: String(lastVersion), creationTimestamp: null }
    put(JSON.stringify({ type: 'BOOKMARK', object: { kind: 'ModelService', metadata } }))
    stopBookmarks = time.after(bookmarkMs, bookmark)
  }
  if (hasBookmarks) stopBookmarks = time.after(bookmarkMs, bookmark)
  const stopTimeout = time.after(timeoutMs, () => {
    if (state === 'open') process.reach(() => finish('ended'))
  })
  signal.addEventListener('abort', () => finish('broken', signal.reason as Error), { once: true })
  for (const change of backlog) tell(change)

  async function* chunks(): AsyncGenerator<Buffer, void> {
    for (;;) {
      const chunk = ready.shift()
      if (chunk) yield chunk
      else if (state === 'ended') return
      else if (state === 'broken') throw cause
      else
        await new Promise<void>((resolve) => {
          wanted = resolve
        })
    }
  }

  const watcher: Watcher = {
    cut: () => process.reach(() => finish('broken')),
    end: () => process.reach(() => finish('ended')),
    stall() {
      if (state === 'open') state = 'stalled'
    },
    expire: () => put(JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } })),
    garble: (text) => put(text),
  }
  return { chunks: chunks(), watcher, tell }
}

/** What a process has been shown: by lists, watches and the answers to its own writes. */
export interface View {
  readonly objects: Map<string, Stored>
  /** The job that the status of an object named when the process was first shown the object, by uid. */
  readonly firstJobs: ReadonlyMap<string, string | undefined>
  /** What it was shown of Secrets and ConfigMaps, by `Kind namespace/name`. */
  readonly sources: Map<string, SourceRead>
  list(objects: readonly Stored[], namespace: string | undefined): void
  change(change: Change): void
  /** The answer to a write of its own. */
  wrote(object: Stored): void
}

export function createView(): View {
  const objects = new Map<string, Stored>()
  const firstJobs = new Map<string, string | undefined>()
  /** The version that the process itself wrote last: older news of that object is no news. */
  const ahead = new Map<string, { readonly uid: string; readonly version: number }>()
  const isOld = ({ metadata }: Stored, key: string) => {
    const own = ahead.get(key)
    return own?.uid === metadata.uid && Number(metadata.resourceVersion) < own.version
  }
  /** Once such a version is shown, the process has it from the server: what that shows later is taken for the present. */
  const take = (object: Stored) => {
    const key = keyOf(object)
    if (isOld(object, key)) return
    ahead.delete(key)
    objects.set(key, object)
    const { uid } = object.metadata
    if (!firstJobs.has(uid)) firstJobs.set(uid, statusOf(object)?.job?.uuid)
  }
  /** What comes of it later comes anew. */
  const remove = (key: string) => {
    objects.delete(key)
    ahead.delete(key)
  }
  return {
    objects,
    firstJobs,
    sources: new Map(),
    list(listed, namespace) {
      const kept = new Set(listed.map(keyOf))
      for (const [key, { metadata }] of objects)
        if (!kept.has(key) && (namespace === undefined || metadata.namespace === namespace)) remove(key)
      for (const object of listed) take(object)
    },
    change({ type, object }) {
      const key = keyOf(object)
      if (type === 'DELETED') remove(key)
      else take(object)
    },
    wrote(object) {
      const key = keyOf(object)
      const held = objects.get(key)
      if (held?.metadata.uid !== object.metadata.uid) return
      if (Number(held.metadata.resourceVersion) > Number(object.metadata.resourceVersion)) return
      ahead.set(key, { uid: object.metadata.uid, version: Number(object.metadata.resourceVersion) })
      objects.set(key, object)
    },
  }
}
