/** Keeps a store equal to what the API server holds, by one watch per scope. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { ApiError } from './cluster.ts'
import type { KubeObject, Resource } from './resource.ts'
import { createSharedPause } from './shared-pause.ts'
import type { Store } from './store.ts'
import { watch } from './watch.ts'

/** A scope whose lists still fail so long after the first one was listed keeps the others waiting no longer. */
const maxSyncWaitMs = 10_000

export type InformerOptions<T extends KubeObject> = {
  /** By scope: a namespace, or everything. */
  readonly resources: ReadonlyMap<string, Resource<T>>
  readonly store: Store<T>
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly onBroken: () => void
}

export type ScopeState = { readonly scope: string; readonly problem: string | undefined }

export interface Informer {
  /** Runs until aborted. */
  run(signal: AbortSignal): Promise<void>
  /**
   * Resolves once at least one scope was listed and every other one was too, or was refused by the API server, or has
   * failed for so long that there is no point in waiting for it.
   */
  readonly synced: Promise<void>
  hasSynced(): boolean
  /** Each scope, with what is wrong with its list or watch at the moment, if anything. */
  scopes(): readonly ScopeState[]
  /** For how many milliseconds the most silent watch has yielded nothing, not even a failure. */
  silentForMs(): number
}

export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer {
  const { resources, store, clock, random, log, onBroken } = options
  /** Scopes that the others wait for at the start. */
  const untried = new Set(resources.keys())
  /** When the first scope was listed. */
  let firstListedAt: number | undefined
  /** The scopes whose list or watch fails, with the reason. */
  const broken = new Map<string, string>()
  const shared = createSharedPause(clock)
  /** When each watch last yielded something. */
  const heard = new Map<string, number>()
  const { promise: synced, resolve: becomeSynced } = Promise.withResolvers<undefined>()

  async function follow(scope: string, resource: Resource<T>, signal: AbortSignal) {
    heard.set(scope, clock.monotonic())
    const watched: Resource<T> = {
      ...resource,
      watch: async (...how) => {
        const stream = await resource.watch(...how)
        // An open stream may have nothing to say for a minute.
        shared.answered()
        return stream
      },
    }
    const pause = (ms: number, error: Error, until: AbortSignal) => shared.pause(scope, ms, error, until)
    for await (const event of watch(watched, { clock, random, pause }, signal)) {
      heard.set(scope, clock.monotonic())
      if (event.kind === 'broken') {
        shared.answered(event.error)
        const advice = adviceOn(event.error)
        if (!broken.has(scope)) log.warn({ scope, reason: event.error.message }, advice)
        broken.set(scope, `${advice} (${event.error.message})`)
        onBroken()
        if (isRefused(event.error) || hasWaitedEnough()) settle(scope)
        continue
      }
      shared.answered()
      if (broken.delete(scope)) log.info({ scope }, 'watching again')
      if (event.kind === 'alive') continue
      if (event.kind === 'listed') store.replace(scope, event.objects)
      else if (event.kind === 'applied') store.apply(scope, event.object)
      else store.delete(event.object)
      firstListedAt ??= clock.monotonic()
      settle(scope)
    }
  }

  function settle(scope: string) {
    untried.delete(scope)
    if (hasSynced()) becomeSynced(undefined)
  }

  const hasSynced = () => firstListedAt !== undefined && untried.size === 0
  const hasWaitedEnough = () => firstListedAt !== undefined && clock.monotonic() - firstListedAt >= maxSyncWaitMs

  return {
    run: async (signal) => {
      await Promise.all([...resources].map(([scope, resource]) => follow(scope, resource, signal)))
    },
    synced: synced.then(() => undefined),
    hasSynced,
    scopes: () => [...resources.keys()].map((scope) => ({ scope, problem: broken.get(scope) })),
    silentForMs: () => {
      const own = [...heard].filter(([scope]) => !shared.isWaiting(scope))
      return Math.max(0, ...own.map(([, at]) => clock.monotonic() - at))
    },
  }
}

/** The API server answers, and lets this scope not be listed: only a person can change that. */
function isRefused(error: Error): boolean {
  return error instanceof ApiError && (error.status === 403 || error.status === 404)
}

function adviceOn(error: Error): string {
  const status = error instanceof ApiError ? error.status : 0
  if (status === 404) return 'the API server does not know the resource; install the CRD'
  if (status === 401) return 'the API server does not accept this identity; check the token or kubeconfig'
  if (status === 403) return 'the API server refuses to list or watch; check the RBAC rules of this identity'
  return 'the watch broke; it is resumed by itself'
}
