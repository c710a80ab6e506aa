import type { IncomingMessage, ServerResponse } from 'node:http'
import { parse as parseYaml } from 'yaml'
import type { FieldValidation } from './decode.ts'
import type { Target } from './identity.ts'
import { isObject, objectAt, textAt, type Json, type JsonObject } from '../../../src/cli/validation/json.ts'
import { collectionOf, type Kind } from './kinds.ts'
import { negotiate, renderList, renderObject } from './negotiate.ts'
import { jsonPatch, mergePatch, strategicPatch } from './patch.ts'
import { readProtobuf } from './protobuf.ts'
import { getObject, listObjects } from './read.ts'
import type { Route } from './route.ts'
import { parseSelectors } from './selectors.ts'
import { badRequest, invalid, notFound, StatusError, unsupportedMedia } from './status-error.ts'
import type { Store } from './store.ts'
import type { Watches } from './watch.ts'
import type { Writer, Written } from './write.ts'

export type ResourceRequest = {
  readonly verb: string
  readonly kind: Kind
  readonly route: Route
  readonly query: URLSearchParams
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
}

export type Answer = { readonly status: number; readonly body: JsonObject; readonly warnings: readonly string[] }

/** Answers one request for a resource; undefined where a watch has taken the response over. Refusals are thrown. */
export type Dispatch = (request: ResourceRequest) => Answer | undefined

export function createDispatch(store: Store, writer: Writer, watches: Watches): Dispatch {
  return (asked) => {
    const { verb, kind, route, query, response } = asked
    const { namespace, name = '', subresource } = route
    const form = negotiate(asked.request.headers.accept ?? '', query)
    const target: Target = { kind, namespace, name, subresource }
    const ok = (object: JsonObject, status = 200, warnings: readonly string[] = []): Answer => ({
      status,
      body: object,
      warnings,
    })
    const written = ({ object, created, warnings }: Written) =>
      ok(renderObject(kind, object, form), created ? 201 : 200, warnings)
    switch (verb) {
      case 'get':
        return ok(renderObject(kind, getObject(store, kind, namespace, name), form))
      case 'list':
        return ok(listObjects(store, kind, namespace, query, form))
      case 'watch':
        watches.serve({ kind, namespace, query: watchQuery(query, route), form }, response)
        return undefined
      case 'create':
        return written(writer.create(target, readBody(asked, BODY_TYPES), writeOptions(asked, 'CreateOptions')))
      case 'update':
        if (name === '') throw badRequest('name must be provided')
        return written(writer.update(target, readBody(asked, BODY_TYPES), writeOptions(asked, 'UpdateOptions')))
      case 'patch':
        if (mediaType(asked.request) === APPLY)
          return written(writer.apply(target, configurationOf(asked), applyOptions(asked)))
        return written(writer.patch(target, changeOf(asked), writeOptions(asked, 'PatchOptions')))
      case 'delete': {
        const options = deleteOptions(asked)
        const { object, gone } = writer.remove(
          target,
          objectAt(options, 'preconditions'),
          isDryRun(query, 'DeleteOptions', options),
        )
        return ok(gone ? deletedStatus(kind, name, object.metadata.uid ?? '') : renderObject(kind, object, form))
      }
      case 'deletecollection': {
        const selects = parseSelectors(query, kind.selectableFields)
        const dryRun = isDryRun(query, 'DeleteOptions', deleteOptions(asked))
        const chosen = store
          .list(collectionOf(kind))
          .filter((object) => (namespace === undefined || object.metadata.namespace === namespace) && selects(object))
        const gone = chosen.map(({ metadata }) => {
          const each = { ...target, namespace: metadata.namespace, name: metadata.name ?? '' }
          return writer.remove(each, {}, dryRun).object
        })
        return ok(renderList(kind, gone, { resourceVersion: String(store.version) }, form))
      }
      default:
        throw new StatusError(
          405,
          'MethodNotAllowed',
          'the server does not allow this method on the requested resource',
        )
    }
  }
}

/** Refuses a subresource the kind has not. */
export function checkSubresource(kind: Kind, route: Route): void {
  const known = route.subresource === undefined || (route.subresource === 'status' && kind.status)
  if (!known) throw notFound({ group: kind.group, name: kind.plural }, route.name ?? '')
}

/** A watch of one object by its path is a watch of the collection that selects its name. */
function watchQuery(query: URLSearchParams, { name }: Route): URLSearchParams {
  if (name === undefined) return query
  const narrowed = new URLSearchParams(query)
  narrowed.set('fieldSelector', `metadata.name=${name}`)
  return narrowed
}

const BODY_TYPES = ['application/json', 'application/yaml']
const MERGE = 'application/merge-patch+json'
const JSON_PATCH = 'application/json-patch+json'
const APPLY = 'application/apply-patch+yaml'
const STRATEGIC = 'application/strategic-merge-patch+json'

function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? ''
}

function readBody({ request, body, kind }: ResourceRequest, types: readonly string[]): Json {
  const type = mediaType(request)
  const read = type === 'application/vnd.kubernetes.protobuf' ? readProtobuf(body) : undefined
  if (read) return read
  if (type !== '' && !types.includes(type)) throw unsupportedMedia(types)
  try {
    return type === 'application/yaml' ? (parseYaml(body.toString()) as Json) : (JSON.parse(body.toString()) as Json)
  } catch {
    const why = `couldn't get version/kind; json parse error: unexpected end of JSON input (${body.toString().slice(0, 24)})`
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why}`)
  }
}

function changeOf(asked: ResourceRequest): (current: JsonObject) => Json {
  const type = mediaType(asked.request)
  const types = asked.kind.custom ? [JSON_PATCH, MERGE, APPLY] : [JSON_PATCH, MERGE, STRATEGIC, APPLY]
  if (!types.includes(type)) throw unsupportedMedia(types)
  let patch: Json
  try {
    patch = JSON.parse(asked.body.toString()) as Json
  } catch {
    throw badRequest('error decoding patch: unexpected end of JSON input')
  }
  if (type === JSON_PATCH) return (current) => jsonPatch(current, patch)
  if (!isObject(patch)) {
    const found = Array.isArray(patch) ? 'array' : typeof patch
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`,
    )
  }
  return (current) => (type === STRATEGIC ? strategicPatch(current, patch) : mergePatch(current, patch))
}

function configurationOf({ body }: ResourceRequest): Json {
  try {
    return parseYaml(body.toString()) as Json
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function applyOptions(asked: ResourceRequest) {
  if ((asked.query.get('fieldManager') ?? '') === '') {
    const message = 'Required value: is required for apply patch'
    const error = { reason: 'FieldValueRequired', field: 'fieldManager', message } as const
    throw invalid({ group: 'meta.k8s.io', name: 'PatchOptions' }, '', [error])
  }
  return { ...writeOptions(asked, 'PatchOptions'), force: asked.query.get('force') === 'true' }
}

function writeOptions({ query, request }: ResourceRequest, name: string) {
  const agent = request.headers['user-agent'] ?? ''
  const manager = query.get('fieldManager') ?? agent.split('/')[0] ?? ''
  const validation = query.get('fieldValidation') ?? ''
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(validation)) {
    const message = `Unsupported value: ${JSON.stringify(validation)}: supported values: "", "Ignore", "Strict", "Warn"`
    throw invalid({ group: 'meta.k8s.io', name }, '', [
      { reason: 'FieldValueNotSupported', field: 'fieldValidation', message },
    ])
  }
  return {
    dryRun: isDryRun(query, name),
    validation: (validation === '' ? 'Warn' : validation) as FieldValidation,
    manager,
  }
}

function isDryRun(query: URLSearchParams, name: string, options: JsonObject = {}): boolean {
  const asked = [...query.getAll('dryRun'), ...(Array.isArray(options.dryRun) ? options.dryRun : [])]
  const wrong = asked.filter((value) => value !== 'All')
  if (wrong.length > 0) {
    const message = `Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`
    throw invalid({ group: 'meta.k8s.io', name }, '', [{ reason: 'FieldValueNotSupported', field: 'dryRun', message }])
  }
  return asked.length > 0
}

function deleteOptions(asked: ResourceRequest): JsonObject {
  if (asked.body.length === 0) return {}
  const options = readBody(asked, BODY_TYPES)
  if (isObject(options) && textAt(options, 'kind') !== '' && options.kind !== 'DeleteOptions') {
    throw badRequest(`the body of a DELETE must be DeleteOptions, not ${textAt(options, 'kind')}`)
  }
  return isObject(options) ? options : {}
}

function deletedStatus(kind: Kind, name: string, uid: string): JsonObject {
  const details = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.plural, uid }
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}
