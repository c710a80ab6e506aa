/** Keeps a store equal to what the API server holds, by one watch per scope. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { ApiError } from './cluster.ts'
import type { KubeObject, Resource } from './resource.ts'
import type { Store } from './store.ts'
import { watch } from './watch.ts'

export type InformerOptions<T extends KubeObject> = {
  /** By scope: a namespace, or everything. */
  readonly resources: ReadonlyMap<string, Resource<T>>
  readonly store: Store<T>
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly onBroken: () => void
}

export interface Informer {
  /** Runs until aborted. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves once every scope has been listed. */
  readonly synced: Promise<void>
  hasSynced(): boolean
  /** For how many milliseconds the most silent watch has yielded nothing, not even a failure. */
  silentForMs(): number
}

export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer {
  const { resources, store, clock, random, log, onBroken } = options
  const unlisted = new Set(resources.keys())
  const broken = new Set<string>()
  /** When each watch last yielded something. */
  const heard = new Map<string, number>()
  const { promise: synced, resolve: becomeSynced } = Promise.withResolvers<undefined>()

  async function follow(scope: string, resource: Resource<T>, signal: AbortSignal) {
    heard.set(scope, clock.monotonic())
    for await (const event of watch(resource, { clock, random }, signal)) {
      heard.set(scope, clock.monotonic())
      if (event.kind === 'broken') {
        if (!broken.has(scope)) {
          broken.add(scope)
          log.warn({ scope, reason: event.error.message }, adviceOn(event.error))
        }
        onBroken()
        continue
      }
      if (broken.delete(scope)) log.info({ scope }, 'watching again')
      if (event.kind === 'alive') continue
      if (event.kind === 'listed') store.replace(scope, event.objects)
      else if (event.kind === 'applied') store.apply(scope, event.object)
      else store.delete(event.object)
      if (unlisted.delete(scope) && unlisted.size === 0) becomeSynced(undefined)
    }
  }

  return {
    run: async (signal) => {
      await Promise.all([...resources].map(([scope, resource]) => follow(scope, resource, signal)))
    },
    synced: synced.then(() => undefined),
    hasSynced: () => unlisted.size === 0,
    silentForMs: () => Math.max(0, ...[...heard.values()].map((at) => clock.monotonic() - at)),
  }
}

function adviceOn(error: Error): string {
  const status = error instanceof ApiError ? error.status : 0
  if (status === 404) return 'the API server does not know the resource; install the CRD'
  if (status === 401) return 'the API server does not accept this identity; check the token or kubeconfig'
  if (status === 403) return 'the API server refuses to list or watch; check the RBAC rules of this identity'
  return 'the watch broke; it is resumed by itself'
}
