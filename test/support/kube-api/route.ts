/** What a path of the API points at. */
export type Route = {
  readonly group: string
  readonly version: string
  readonly namespace: string | undefined
  readonly resource: string
  readonly name: string | undefined
  readonly subresource: string | undefined
}

/** A namespace has these itself; anything else behind its name is a resource inside it. */
const OF_NAMESPACES = ['status', 'finalize']

/** The route of a resource path, `/api/v1/…` or `/apis/<group>/<version>/…`; undefined for every other path. */
export function routeOf(path: string): Route | undefined {
  const steps = path
    .split('/')
    .filter((step) => step !== '')
    .map(decodeURIComponent)
  const root = steps.shift()
  if (root !== 'api' && root !== 'apis') return undefined
  const group = root === 'api' ? '' : (steps.shift() ?? '')
  const version = steps.shift() ?? ''
  const [first, second, third] = steps
  let namespace: string | undefined
  if (first === 'namespaces' && second !== undefined && third !== undefined && !OF_NAMESPACES.includes(third)) {
    namespace = second
    steps.splice(0, 2)
  }
  const [resource, name, subresource, ...rest] = steps
  if (resource === undefined || rest.length > 0) return undefined
  return { group, version, namespace, resource, name, subresource }
}

/** The verb of authorisation for a request. */
export function verbOf(method: string, named: boolean, watching: boolean): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return watching ? 'watch' : named ? 'get' : 'list'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return named ? 'delete' : 'deletecollection'
    default:
      return method.toLowerCase()
  }
}
