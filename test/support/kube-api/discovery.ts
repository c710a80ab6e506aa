import type { JsonObject } from '../../../src/cli/validation/json.ts'
import { apiVersionOf, type Kind, type Kinds } from './kinds.ts'

/** The version of Kubernetes that this server imitates. */
export const VERSION: JsonObject = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3-stand-in',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'node',
}

/** The document at a discovery path; undefined where there is none. The aggregated forms are not offered: clients fall back. */
export function discoveryDocument(kinds: Kinds, path: string, address: string): JsonObject | undefined {
  const steps = path.split('/').filter((step) => step !== '')
  const all = kinds.all()
  if (path === '/version') return VERSION
  if (steps[0] === 'api' && steps.length === 1) {
    const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: address }]
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs }
  }
  if (steps[0] === 'api' && steps.length === 2) return resourceList(all, '', steps[1] ?? '')
  if (steps[0] !== 'apis') return undefined
  if (steps.length === 1) {
    const groups = [...new Set(all.map((kind) => kind.group))].filter((group) => group !== '')
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((group) => groupOf(all, group)) }
  }
  const [, group = '', version] = steps
  if (!all.some((kind) => kind.group === group)) return undefined
  if (steps.length === 2) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(all, group) }
  return steps.length === 3 ? resourceList(all, group, version ?? '') : undefined
}

function groupOf(all: readonly Kind[], name: string): JsonObject {
  const names = [...new Set(all.filter((kind) => kind.group === name).map((kind) => kind.version))]
  const versions = names.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  const [preferredVersion = null] = versions
  return { name, versions, preferredVersion }
}

function resourceList(all: readonly Kind[], group: string, version: string): JsonObject | undefined {
  const kinds = all.filter((kind) => kind.group === group && kind.version === version)
  const [first] = kinds
  if (!first) return undefined
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(first),
    resources: kinds.flatMap(resourcesOf),
  }
}

function resourcesOf(kind: Kind): JsonObject[] {
  const { plural, singular, namespaced, shortNames, categories } = kind
  const resource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
    ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
    ...(categories.length === 0 ? {} : { categories: [...categories] }),
  }
  const status = {
    name: `${plural}/status`,
    singularName: '',
    namespaced,
    kind: kind.kind,
    verbs: ['get', 'patch', 'update'],
  }
  return kind.status ? [resource, status] : [resource]
}
