import { isObject, type JsonObject } from '../../../src/cli/validation/json.ts'
import { collectionOf, resourceOf, type Kind } from './kinds.ts'
import { renderList, type Form } from './negotiate.ts'
import { keyOf, type KubeObject } from './object.ts'
import { parseSelectors } from './selectors.ts'
import { badRequest, expired, invalid, notFound, StatusError } from './status-error.ts'
import type { Store } from './store.ts'

export function getObject(store: Store, kind: Kind, namespace: string | undefined, name: string): KubeObject {
  const found = store.get(collectionOf(kind), keyOf(namespace, name))
  if (!found) throw notFound(resourceOf(kind), name)
  return found
}

/** A list, whole or a page of it. All pages of one list show the state at the time of the first. */
export function listObjects(
  store: Store,
  kind: Kind,
  namespace: string | undefined,
  query: URLSearchParams,
  form: Form,
): JsonObject {
  const selects = parseSelectors(query, kind.selectableFields)
  const limit = Number(query.get('limit') ?? 0)
  const token = query.get('continue') ?? ''
  const page = token === '' ? undefined : readToken(token)
  const at = page === undefined ? versionAsked(store, query) : page.rv === NOW ? store.version : page.rv
  if (at < store.compacted) throw page === undefined ? expired(OLD_LIST) : tooOldToContinue(page.start)
  const inScope = store
    .list(collectionOf(kind), at)
    .filter((object) => namespace === undefined || object.metadata.namespace === namespace)
  const rest = page === undefined ? inScope : inScope.filter((object) => keyOfObject(object) > page.start)
  const matching = rest.filter(selects)
  const shown = limit > 0 ? matching.slice(0, limit) : matching
  const last = shown.at(-1)
  const more = matching.length - shown.length
  const metadata: JsonObject = { resourceVersion: String(at) }
  if (more > 0 && last) {
    metadata.continue = writeToken({ rv: at, start: keyOfObject(last) })
    const filtered = query.has('labelSelector') || query.has('fieldSelector')
    if (!filtered) metadata.remainingItemCount = more
  }
  return renderList(kind, shown, metadata, form)
}

function keyOfObject({ metadata }: KubeObject): string {
  return keyOf(metadata.namespace, metadata.name ?? '')
}

/** The version a list shows: now, unless exactly an older one is asked for. */
function versionAsked(store: Store, query: URLSearchParams): number {
  const text = query.get('resourceVersion') ?? ''
  const match = query.get('resourceVersionMatch') ?? ''
  if (match !== '' && text === '') {
    const message = 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided'
    throw invalid({ group: 'meta.k8s.io', name: 'ListOptions' }, '', [
      { reason: 'FieldValueForbidden', field: 'resourceVersionMatch', message },
    ])
  }
  if (text === '' || text === '0') return store.version
  if (!/^\d+$/.test(text)) throw badRequest(`invalid resource version: ${unparsable(text)}`)
  const asked = Number(text)
  if (asked > store.version) throw tooLarge(asked, store.version)
  return match === 'Exact' ? asked : store.version
}

export function unparsable(version: string): string {
  return `resourceVersion: Invalid value: "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`
}

/** The real server waits some seconds for the version to come before it says so. */
function tooLarge(asked: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}

const OLD_LIST = 'The resourceVersion for the provided list is too old.'

/** In a token: whatever the version is when it is used. */
const NOW = -1

type Token = { readonly rv: number; readonly start: string }

function writeToken({ rv, start }: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url')
}

function readToken(token: string): Token {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (isObject(parsed) && typeof parsed.rv === 'number' && typeof parsed.start === 'string') {
      return { rv: parsed.rv, start: parsed.start }
    }
  } catch {
    // Said below, with the words for every token that is none.
  }
  throw badRequest('invalid continue token: continue key is not valid')
}

/** Holds a token with which a client that does not mind an inconsistent list can go on. */
function tooOldToContinue(start: string): StatusError {
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
    'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
    'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
    'deleted between the time the first chunk was returned and now may show up in the list.'
  return new StatusError(410, 'Expired', message, undefined, { continue: writeToken({ rv: NOW, start }) })
}
