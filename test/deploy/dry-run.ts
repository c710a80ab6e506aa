import type { ApiServerAccess } from '../support/envtest/access.ts'
import { type Manifest, ofKind } from './manifest.ts'

/** Where a kind is served. */
const plurals: Readonly<Record<string, string>> = {
  NetworkPolicy: 'networkpolicies',
}
const clusterWide = ['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition']

/** Kinds of the Prometheus operator, which the API server of tests has not. */
export const foreignKinds = ['ServiceMonitor', 'PodMonitor', 'PrometheusRule']

function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = clusterWide.includes(kind) ? '' : `/namespaces/${metadata.namespace ?? 'default'}`
  return `${group}${scope}/${plurals[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`
}

/**
 * Applies every object as `kubectl apply --server-side --dry-run=server --validate=strict` does and gives what the
 * server has against them, each named. Namespaces are made in earnest: without them nothing in them can be tried.
 */
export async function dryRunRefusals(server: ApiServerAccess, manifests: readonly Manifest[]): Promise<string[]> {
  for (const namespace of ofKind(manifests, 'Namespace')) await server.request('POST', '/api/v1/namespaces', namespace)
  const answers = await Promise.all(
    manifests.map(async (manifest) => {
      const query = 'fieldManager=deploy-test&force=true&dryRun=All&fieldValidation=Strict'
      const path = `${pathOf(manifest)}?${query}`
      const { status, body } = await server.request('PATCH', path, manifest, 'application/apply-patch+yaml')
      return { status, text: `${manifest.kind} ${manifest.metadata.name}: ${status} ${JSON.stringify(body)}` }
    }),
  )
  return answers.filter(({ status }) => status !== 200 && status !== 201).map(({ text }) => text)
}
