/**
 * A watch on a single object by its name, which RBAC allows to whoever may watch that name. It tells that something has
 * changed and not what: whoever hears of it reads the object. If it ends or breaks, nothing is lost but time, for the
 * object is read at every interval anyway.
 */
import type { Clock } from '../clock.ts'
import { ApiError, type Cluster } from './cluster.ts'
import { lines } from './lines.ts'

/** `refused`: the API server lets this object not be watched. */
export type WatchEnd = 'ended' | 'refused' | 'broken'

export type NamedWatchOptions = {
  readonly cluster: Pick<Cluster, 'stream'>
  readonly clock: Pick<Clock, 'after'>
  /** The path of the collection. */
  readonly collection: string
  readonly name: string
  /** The version that a line of the watch shows; nothing where the line shows none. It begins with the present one. */
  readonly onLine: (version: string | undefined) => void
}

/** The server ends a watch after this long. */
const serverTimeoutSeconds = 300
/** A dead peer sends no close: so long after the server should have ended the watch, it is given up. */
const stallMarginMs = 10_000

export async function watchNamed(options: NamedWatchOptions, signal: AbortSignal): Promise<WatchEnd> {
  const { cluster, clock, collection, name, onLine } = options
  const query = new URLSearchParams({
    watch: 'true',
    fieldSelector: `metadata.name=${name}`,
    timeoutSeconds: String(serverTimeoutSeconds),
  })
  const stall = new AbortController()
  const cancel = clock.after(serverTimeoutSeconds * 1000 + stallMarginMs, () => stall.abort())
  try {
    const chunks = await cluster.stream(`${collection}?${query.toString()}`, AbortSignal.any([signal, stall.signal]))
    for await (const line of lines(chunks)) onLine(versionIn(line))
    return 'ended'
  } catch (error) {
    return error instanceof ApiError && error.status === 403 ? 'refused' : 'broken'
  } finally {
    cancel()
  }
}

/** The line is quoted nowhere, for it holds the data of the object. */
function versionIn(line: string): string | undefined {
  try {
    const { object } = JSON.parse(line) as { object?: { metadata?: { resourceVersion?: unknown } } }
    const version = object?.metadata?.resourceVersion
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}
