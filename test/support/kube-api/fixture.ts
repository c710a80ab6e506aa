import { parse } from 'yaml'
import { startStandInApi, type StandInApi, type StandInOptions } from './server.ts'

type Fields = Record<string, Record<string, unknown>>

/** As much of a CustomResourceDefinition as the tests look at. */
export type Definition = {
  spec: {
    group: string
    names: { kind: string; listKind: string; plural: string }
    versions: { name: string; schema: { openAPIV3Schema: { properties: { spec: { properties: Fields } } } } }[]
  }
}

/** A resource with one field of every kind that a structural schema knows, for the tests beside this file. */
export const WIDGET_CRD = parse(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.test.example.com}
spec:
  group: test.example.com
  scope: Namespaced
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget, shortNames: [wg], categories: [samples]}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      additionalPrinterColumns:
        - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
        - {name: CPU, type: integer, jsonPath: .spec.cpu}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
        - {name: Drift, type: string, jsonPath: '.status.drift[*].field', priority: 1}
        - {name: Last Update, type: date, jsonPath: .status.lastUpdate, priority: 1}
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [uuid]
              properties:
                uuid:
                  type: string
                  x-kubernetes-validations:
                    - {rule: "self.matches('^[0-9a-f]{4}$')", message: must be 4 hex digits}
                    - {rule: self == oldSelf, message: cannot be changed}
                policy: {type: string, enum: [Enforce, Observe]}
                suspend: {type: boolean}
                name: {type: string, minLength: 1, maxLength: 8, pattern: '^[a-z]*$'}
                text: {type: string, nullable: true}
                cpu: {type: integer, minimum: 0, maximum: 64}
                memory:
                  x-kubernetes-int-or-string: true
                  x-kubernetes-validations:
                    - rule: "type(self) == int ? self >= 0 : (isQuantity(self) && quantity(self).isInteger() && sign(quantity(self)) >= 0)"
                      message: must be whole bytes
                images:
                  type: array
                  maxItems: 2
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [arch]
                  items: {type: object, required: [arch], properties: {arch: {type: string}, image: {type: string}}}
                ports:
                  type: array
                  minItems: 1
                  x-kubernetes-list-type: set
                  items: {type: integer, minimum: 1, maximum: 65535}
                env: {type: object, additionalProperties: {type: string}}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                whole: {type: object, x-kubernetes-map-type: atomic, additionalProperties: {type: string}}
                mode: {type: object, properties: {level: {type: integer, default: 3}}}
              x-kubernetes-validations:
                - rule: "!has(self.ports) || self.ports.all(p, p != 22)"
                  messageExpression: "'port 22 of ' + self.uuid + ' is taken'"
            status:
              type: object
              properties:
                observedGeneration: {type: integer}
                lastUpdate: {type: string, format: date-time}
                drift: {type: array, items: {type: object, properties: {field: {type: string}}}}
                conditions:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [type]
                  items:
                    type: object
                    x-kubernetes-map-type: atomic
                    required: [type, status]
                    properties: {type: {type: string}, status: {type: string, enum: ["True", "False", "Unknown"]}}
`) as Definition

/** The same definition with the fields of its spec changed. */
export function widgetCrd(change: (fields: Fields) => void): Definition {
  const crd = structuredClone(WIDGET_CRD)
  for (const version of crd.spec.versions) change(version.schema.openAPIV3Schema.properties.spec.properties)
  return crd
}

/** What the tests look at in an answer: an object, a list, a table, a status or the event of a watch. */
export type Answered = {
  kind: string
  type: string
  code: number
  reason: string
  message: string
  details: { causes: unknown[] }
  metadata: {
    name: string
    uid: string
    generation: number
    resourceVersion: string
    creationTimestamp: string
    deletionTimestamp?: string
    labels?: object
    continue: string
    remainingItemCount: number
    managedFields: { manager: string }[]
  }
  spec: { cpu: number; images: object[] }
  status: { phase: string; conditions: object[] }
  stringData?: object
  count: number
  items: Answered[]
  object: Answered
  columnDefinitions: { name: string; type: string; priority: number }[]
  rows: { cells: unknown[]; object: Answered }[]
}

export type Reply = { readonly status: number; readonly body: Answered; readonly headers: Headers }

export interface Client {
  get(path: string, accept?: string): Promise<Reply>
  post(path: string, body: unknown): Promise<Reply>
  put(path: string, body: unknown): Promise<Reply>
  /** A merge patch, unless a type is given. */
  patch(path: string, body: unknown, type?: string): Promise<Reply>
  delete(path: string, body?: unknown): Promise<Reply>
  /** The events of a watch as they come; ends when the server ends it, throws when the connection is cut. */
  watch(path: string, accept?: string): AsyncGenerator<Answered, void>
}

export const WIDGETS = '/apis/test.example.com/v1/namespaces/default/widgets'
export const ALL_WIDGETS = '/apis/test.example.com/v1/widgets'
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

export function widget(name: string, spec: object = {}, more: object = {}): object {
  return {
    apiVersion: 'test.example.com/v1',
    kind: 'Widget',
    metadata: { name },
    spec: { uuid: 'abcd', ...spec },
    ...more,
  }
}

export async function startFixture(options: StandInOptions = {}): Promise<{ api: StandInApi; client: Client }> {
  const api = await startStandInApi({ crds: [WIDGET_CRD], ...options })
  return { api, client: createClient(api.url) }
}

function createClient(url: string): Client {
  async function send(method: string, path: string, body?: unknown, type?: string, accept?: string): Promise<Reply> {
    const headers = {
      'content-type': type ?? 'application/json',
      'user-agent': 'fixture/1',
      accept: accept ?? 'application/json',
    }
    const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
    const response = await fetch(url + path, { method, headers, ...init })
    const text = await response.text()
    const json = response.headers.get('content-type')?.startsWith('application/json')
    return { status: response.status, body: (json ? JSON.parse(text) : text) as Answered, headers: response.headers }
  }
  return {
    get: (path, accept) => send('GET', path, undefined, undefined, accept),
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    patch: (path, body, type = 'application/merge-patch+json') => send('PATCH', path, body, type),
    delete: (path, body) => send('DELETE', path, body),
    async *watch(path, accept = 'application/json') {
      const abort = new AbortController()
      const response = await fetch(`${url}${path}${path.includes('?') ? '&' : '?'}watch=true`, {
        headers: { accept },
        signal: abort.signal,
      })
      let rest = ''
      try {
        for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
          const lines = (rest + chunk).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) yield JSON.parse(line) as Answered
        }
      } finally {
        abort.abort()
      }
    },
  }
}

/** The next event of a watch. */
export async function next(events: AsyncGenerator<Answered, void>): Promise<Answered | undefined> {
  const result = await events.next()
  return result.done === true ? undefined : result.value
}
