import type { JsonObject } from '../../../src/cli/validation/json.ts'
import { apiVersionOf, type Kind, type Kinds } from './kinds.ts'
import { METADATA_SCHEMA } from '../../../src/cli/validation/metadata.ts'

/** The OpenAPI documents; undefined for a path that is none. `kubectl explain` and `kubectl apply` read the third edition. */
export function openApiDocument(kinds: Kinds, path: string): JsonObject | undefined {
  if (path === '/openapi/v2') return versionTwo(kinds.all())
  if (path === '/openapi/v3') return index(kinds.all())
  const match = /^\/openapi\/v3\/(apis?\/.+)$/.exec(path)
  const served = kinds.all().filter((kind) => pathOf(kind) === match?.[1])
  return served.length === 0 ? undefined : versionThree(served)
}

function pathOf(kind: Kind): string {
  return kind.group === '' ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`
}

function index(all: readonly Kind[]): JsonObject {
  const paths = [...new Set(all.map(pathOf))]
  return { paths: Object.fromEntries(paths.map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }])) }
}

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

function versionThree(kinds: readonly Kind[]): JsonObject {
  const schemas: JsonObject = { [OBJECT_META]: METADATA_SCHEMA }
  for (const kind of kinds) schemas[schemaName(kind)] = schemaOf(kind, '#/components/schemas/')
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'unversioned' },
    paths: Object.fromEntries(kinds.flatMap(pathsOf)),
    components: { schemas },
  }
}

function versionTwo(all: readonly Kind[]): JsonObject {
  const definitions: JsonObject = { [OBJECT_META]: METADATA_SCHEMA }
  for (const kind of all) definitions[schemaName(kind)] = schemaOf(kind, '#/definitions/')
  const paths = Object.fromEntries(all.flatMap(pathsOf))
  return { swagger: '2.0', info: { title: 'Kubernetes', version: 'unversioned' }, paths, definitions }
}

/** `io.zstack.ai.v1alpha1.ModelService`: the group reversed, as the real server names custom resources. */
function schemaName(kind: Kind): string {
  const group = kind.group === '' ? 'core.api.k8s.io' : kind.group
  return [...group.split('.').reverse(), kind.version, kind.kind].join('.')
}

function schemaOf(kind: Kind, prefix: string): JsonObject {
  const schema = kind.schema as JsonObject
  const text = (description: string) => ({ type: 'string', description })
  return {
    ...schema,
    type: 'object',
    properties: {
      apiVersion: text('APIVersion defines the versioned schema of this representation of an object.'),
      kind: text('Kind is a string value representing the REST resource this object represents.'),
      ...(schema.properties as object | undefined),
      metadata: { description: "Standard object's metadata.", allOf: [{ $ref: prefix + OBJECT_META }] },
    },
    'x-kubernetes-group-version-kind': [{ group: kind.group, version: kind.version, kind: kind.kind }],
  }
}

function pathsOf(kind: Kind): [string, JsonObject][] {
  const scope = kind.namespaced ? '/namespaces/{namespace}' : ''
  const collection = `/${pathOf(kind)}${scope}/${kind.plural}`
  const item: [string, JsonObject] = [
    `${collection}/{name}`,
    {
      get: operation(kind, 'get'),
      put: operation(kind, 'put'),
      patch: operation(kind, 'patch'),
      delete: operation(kind, 'delete'),
    },
  ]
  return [[collection, { get: operation(kind, 'list'), post: operation(kind, 'post') }], item]
}

/** kubectl looks for the parameter fieldValidation here before it leaves validation to the server. */
function operation(kind: Kind, action: string): JsonObject {
  const query = (name: string, type = 'string') => ({ name, in: 'query', schema: { type, uniqueItems: true } })
  const changes = ['put', 'patch', 'post'].includes(action)
  const parameters = changes
    ? [query('dryRun'), query('fieldManager'), query('fieldValidation'), query('force', 'boolean')]
    : []
  const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName(kind)}` } } }
  return {
    operationId: `${action}${apiVersionOf(kind)}${kind.kind}`.replaceAll(/[^A-Za-z0-9]/g, ''),
    parameters,
    responses: { '200': { description: 'OK', content } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group: kind.group, version: kind.version, kind: kind.kind },
  }
}
