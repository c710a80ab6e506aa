import type { ServerResponse } from 'node:http'
import { collectionOf, apiVersionOf, type Kind } from './kinds.ts'
import type { JsonObject } from '../../../src/cli/validation/json.ts'
import { renderEvent, type Form } from './negotiate.ts'
import type { KubeObject } from './object.ts'
import { unparsable } from './read.ts'
import { parseSelectors } from './selectors.ts'
import { expired, invalid, statusOf, StatusError } from './status-error.ts'
import type { Change, Store } from './store.ts'

export type WatchRequest = {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly query: URLSearchParams
  readonly form: Form
}

/** All watches that are open, and the faults that strike them together. */
export interface Watches {
  /** Answers the request for as long as it lasts. Throws a StatusError before the first byte where it is refused. */
  serve(request: WatchRequest, response: ServerResponse): void
  /** Cuts every connection without a word. */
  drop(): void
  /**
   * While frozen, no watch writes a byte or ends, also those opened meanwhile: a peer that died without closing.
   * After that they say what they held back.
   */
  freeze(on: boolean): void
  /** Ends every watch of a collection that no longer exists. */
  end(collection: string): void
}

const BOOKMARK_INTERVAL_MS = 60_000
/** The real server ends a watch without timeoutSeconds after 30 to 60 minutes. */
const DEFAULT_TIMEOUT_SECONDS = 1800

type Open = { readonly collection: string; flush(): void; finish(): void; cut(): void }

export function createWatches(store: Store): Watches {
  const open = new Set<Open>()
  let frozen = false

  function serve({ kind, namespace, query, form }: WatchRequest, response: ServerResponse): void {
    const selects = parseSelectors(query, kind.selectableFields)
    const inScope = (object: KubeObject | undefined) =>
      object !== undefined && (namespace === undefined || object.metadata.namespace === namespace) && selects(object)
    const collection = collectionOf(kind)
    const from = startOf(query)
    const bookmarks = query.get('allowWatchBookmarks') === 'true'
    const pending: JsonObject[] = []
    let seen = from ?? store.version
    let first = true
    let ending = false

    const flush = () => {
      if (frozen) return
      if (pending.length > 0)
        response.write(
          pending
            .splice(0)
            .map((event) => `${JSON.stringify(event)}\n`)
            .join(''),
        )
      if (ending) response.end()
    }
    const say = (type: string, object: KubeObject) => {
      pending.push({ type, object: renderEvent(kind, object, form, first) })
      first = false
      seen = Number(object.metadata.resourceVersion)
    }
    const bookmark = (annotations?: Record<string, string>) => {
      seen = Math.max(seen, store.version)
      const metadata = {
        resourceVersion: String(seen),
        creationTimestamp: null,
        ...(annotations ? { annotations } : {}),
      }
      const mark = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata }
      const table = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: null, rows: [] }
      pending.push({ type: 'BOOKMARK', object: form.as === 'Table' ? table : mark })
    }
    const consider = (change: Change) => {
      if (change.version <= seen) return
      const is = change.type !== 'DELETED' && inScope(change.object)
      const was = inScope(change.previous)
      if (!is && !was) return
      const last = {
        ...(change.previous ?? change.object),
        metadata: { ...(change.previous ?? change.object).metadata },
      }
      last.metadata.resourceVersion = String(change.version)
      // An object that a change moves out of the selection is gone for this watcher: it gets the last state it could see.
      if (is) say(was ? 'MODIFIED' : 'ADDED', change.object)
      else say('DELETED', change.type === 'DELETED' ? change.object : last)
    }

    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
    response.flushHeaders()
    if (from !== undefined && from < store.compacted) {
      const gone = expired(`too old resource version: ${from} (${store.compacted})`)
      response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(gone) })}\n`)
      return
    }

    const unsubscribe = store.subscribe(collection, (change) => {
      consider(change)
      flush()
    })
    const finish = () => {
      if (ending) return
      ending = true
      if (bookmarks) bookmark()
      unsubscribe()
      flush()
    }
    const beatOnce = () => {
      bookmark()
      flush()
    }
    const beat = bookmarks ? setInterval(beatOnce, BOOKMARK_INTERVAL_MS) : undefined
    const deadline = setTimeout(finish, timeoutMillis(query))
    const watch: Open = { collection, flush, finish, cut: () => response.socket?.destroy() }
    open.add(watch)
    response.on('close', () => {
      open.delete(watch)
      unsubscribe()
      clearInterval(beat)
      clearTimeout(deadline)
    })

    if (from === undefined) {
      const now = store.version
      for (const object of store.list(collection)) if (inScope(object)) say('ADDED', object)
      seen = now
      if (bookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' })
    } else for (const change of store.since(collection, from)) consider(change)
    flush()
  }

  return {
    serve,
    drop() {
      for (const watch of open) watch.cut()
    },
    freeze(on) {
      frozen = on
      for (const watch of open) watch.flush()
    },
    end(collection) {
      for (const watch of open) if (watch.collection === collection) watch.finish()
    },
  }
}

/** The version to go on from; undefined where the watch begins with the objects there are. */
function startOf(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? ''
  if (query.get('sendInitialEvents') === 'true') {
    if (query.get('resourceVersionMatch') === 'NotOlderThan') return undefined
    const message = 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'
    throw invalid({ group: 'meta.k8s.io', name: 'ListOptions' }, '', [
      { reason: 'FieldValueForbidden', field: 'resourceVersionMatch', message },
    ])
  }
  if (text === '' || text === '0') return undefined
  if (!/^\d+$/.test(text)) throw new StatusError(500, undefined, unparsable(text))
  return Number(text)
}

function timeoutMillis(query: URLSearchParams): number {
  const asked = Number(query.get('timeoutSeconds') ?? 0)
  const seconds = asked > 0 ? asked : DEFAULT_TIMEOUT_SECONDS * (1 + Math.random())
  // setTimeout takes 31 bits; more would fire at once.
  return Math.min(seconds * 1000, 2 ** 31 - 1)
}
