/** The cluster that a command asks: kubeconfig, context and namespace as kubectl has them. */
import type { Command } from 'commander'
import type { StoredModelService } from '../api/modelservice.ts'
import * as names from '../api/names.ts'
import { createCluster, loadKubeConfig, type Cluster } from '../kube/cluster.ts'
import { createResource } from '../kube/resource.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './exit-codes.ts'

export type KubernetesOptions = {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly allNamespaces?: boolean
  readonly selector?: string
}

export function addKubernetesOptions(command: Command, { hasSelection = true } = {}): Command {
  command
    .optionsGroup('Kubernetes:')
    .option('--kubeconfig <file>', 'in place of KUBECONFIG and the file in the home directory')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'namespace, in place of that of the context')
  if (hasSelection)
    command
      .option('-A, --all-namespaces', 'objects of every namespace')
      .option('-l, --selector <labels>', 'only objects with these labels, such as team=ml')
  return command.optionsGroup('')
}

export type KubernetesAccess = {
  readonly cluster: Cluster
  /** Where objects are that name no namespace. */
  readonly namespace: string
  close(): Promise<void>
}

const requestTimeoutMs = 30_000
const pageSize = 500

export function openKubernetes(options: KubernetesOptions, { env, version }: CommandContext): KubernetesAccess {
  const { kubeconfig, context } = options
  try {
    const config = loadKubeConfig({ ...env, ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }) }, context)
    const cluster = createCluster(config, { userAgent: `modelservice-operator-cli/${version}`, requestTimeoutMs })
    const namespace = options.namespace ?? cluster.namespace ?? 'default'
    return { cluster, namespace, close: () => cluster.close() }
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}

/** Every ModelService that the options select. */
export async function listModelServices(
  { cluster, namespace }: KubernetesAccess,
  { allNamespaces, selector }: KubernetesOptions,
  signal: AbortSignal,
): Promise<readonly StoredModelService[]> {
  const { group, version, plural, kind } = names
  const resource = createResource<StoredModelService>(cluster, {
    ...{ group, version, plural, kind },
    ...(allNamespaces !== true && { namespace }),
    ...(selector !== undefined && { labelSelector: selector }),
  })
  const objects: StoredModelService[] = []
  let more: string | undefined
  do {
    const page = await resource.list({ limit: pageSize, more }, signal)
    objects.push(...page.items)
    more = page.more
  } while (more !== undefined)
  return objects
}

/** One ModelService by `NAME` or `NAMESPACE/NAME`. */
export async function getModelService(
  access: KubernetesAccess,
  given: string,
  signal: AbortSignal,
): Promise<StoredModelService> {
  return (await access.cluster.send({ method: 'GET', path: pathOf(access, given) }, signal)) as StoredModelService
}

/** Merges into one ModelService what a person would have written. */
export async function patchModelService(
  access: KubernetesAccess,
  given: string,
  patch: object,
  signal: AbortSignal,
): Promise<StoredModelService> {
  const path = `${pathOf(access, given)}?fieldManager=modelservice-operator-cli`
  const contentType = 'application/merge-patch+json'
  return (await access.cluster.send({ method: 'PATCH', path, body: patch, contentType }, signal)) as StoredModelService
}

function pathOf({ namespace }: KubernetesAccess, given: string): string {
  const [first = '', second] = given.split('/', 2)
  const [space, name] = second === undefined ? [namespace, first] : [first, second]
  const part = encodeURIComponent
  return `/apis/${names.group}/${names.version}/namespaces/${part(space)}/${names.plural}/${part(name)}`
}

export function keyOf({ metadata: { namespace, name } }: StoredModelService): string {
  return `${namespace}/${name}`
}
