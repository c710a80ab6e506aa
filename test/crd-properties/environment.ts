/** Objects of the real API server that are followed by a watch, and what one try of a property came to. */
import { onTestFinished } from 'vitest'
import * as names from '../../src/api/names.ts'
import { systemClock } from '../../src/clock.ts'
import { createCluster, loadKubeConfig } from '../../src/kube/cluster.ts'
import { createResource, type KubeObject } from '../../src/kube/resource.ts'
import { watch } from '../../src/kube/watch.ts'
import { conditionIn, startScenario, type ModelServiceObject, type Scenario } from '../support/scenario.ts'
import type { ModelServiceInventory } from '../support/zstack/simulator.ts'

export type Answer = { readonly status: number; readonly message: string; readonly object: ModelServiceObject }

export interface Environment {
  readonly scenario: Scenario
  /** As kubectl does it: unknown fields are refused. */
  create(name: string, spec: unknown): Promise<Answer>
  /** Puts a field of spec in place of what is there; `undefined` takes it away. */
  set(name: string, field: string, value: unknown): Promise<Answer>
  /** Asks for a look now, as a person does. */
  look(name: string): Promise<Answer>
  /** The object once the operator is done with this generation of it, and with the look that was asked for. */
  settled(object: ModelServiceObject): Promise<ModelServiceObject>
}

const requestedAt = 'ai.zstack.io/reconcile-requested-at'

export async function startEnvironment(services: readonly ModelServiceInventory[]): Promise<Environment> {
  // No poll comes by chance: what is looked at, is looked at because somebody asked.
  const scenario = await startScenario({ services, env: { POLL_INTERVAL: '1h', MAX_CONCURRENT_RECONCILES: '64' } })
  const { server, namespace } = scenario
  const collection = `/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices`
  const objects = follow(server.adminKubeconfig, namespace)
  let looks = 0

  async function ask(method: string, path: string, body: unknown, type?: string): Promise<Answer> {
    const answer = await server.request(method, `${path}?fieldValidation=Strict`, body, type)
    const object = answer.body as ModelServiceObject & { readonly message?: string }
    return { status: answer.status, message: object.message ?? '', object }
  }

  const patch = (name: string, steps: readonly object[]) =>
    ask('PATCH', `${collection}/${name}`, steps, 'application/json-patch+json')

  return {
    scenario,
    create: (name, spec) =>
      ask('POST', collection, {
        apiVersion: 'ai.zstack.io/v1alpha1',
        kind: 'ModelService',
        metadata: { name },
        ...(spec !== undefined && { spec }),
      }),
    set(name, field, value) {
      const isThere = field in (objects.last(name)?.spec ?? {})
      const op = value === undefined ? 'remove' : 'add'
      return patch(name, op === 'remove' && !isThere ? [] : [{ op, path: `/spec/${field}`, value }])
    },
    look: (name) =>
      patch(name, [{ op: 'add', path: '/metadata/annotations', value: { [requestedAt]: String(++looks) } }]),
    settled: (asked) => objects.until(asked.metadata.name, (object) => isSettled(object, asked)),
  }
}

function isSettled(object: ModelServiceObject, asked: ModelServiceObject): boolean {
  const ready = conditionIn(object, 'Ready')
  const annotations = (asked.metadata as { annotations?: Readonly<Record<string, string>> }).annotations
  return (
    object.status?.observedGeneration === asked.metadata.generation &&
    object.status.lastHandledReconcileAt === annotations?.[requestedAt] &&
    ready !== undefined &&
    (ready.status === 'True' || ready.reason === 'Suspended' || conditionIn(object, 'Stalled') !== undefined)
  )
}

type Followed = ModelServiceObject & KubeObject

/** Hundreds of objects are reconciled at once, beside other tests: each one may take long. */
const timeoutMs = 60_000

function follow(kubeconfig: string, namespace: string) {
  const cluster = createCluster(loadKubeConfig({ KUBECONFIG: kubeconfig }), {
    userAgent: 'crd-properties',
    requestTimeoutMs: timeoutMs,
  })
  const stop = new AbortController()
  onTestFinished(async () => {
    stop.abort()
    await cluster.close()
  })
  const objects = new Map<string, ModelServiceObject>()
  const waiting = new Set<() => void>()
  const resource = createResource<Followed>(cluster, { ...names, namespace })
  void read().catch(() => undefined)

  async function read() {
    // An API server under load closes a watch that is slow to read: this one goes on.
    for await (const event of watch(resource, { clock: systemClock, random: Math.random }, stop.signal)) {
      if (event.kind === 'broken' || event.kind === 'alive') continue
      for (const object of event.kind === 'listed' ? event.objects : [event.object])
        objects.set(object.metadata.name, object)
      for (const look of waiting) look()
    }
  }

  return {
    last: (name: string) => objects.get(name),
    until: (name: string, fits: (object: ModelServiceObject) => boolean) =>
      new Promise<ModelServiceObject>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(
            new Error(
              `${name} is never settled: ${JSON.stringify(objects.get(name), ['metadata', 'generation', 'status', 'observedGeneration', 'conditions', 'type', 'reason', 'message'])}`,
            ),
          )
        }, timeoutMs)
        const look = () => {
          const object = objects.get(name)
          if (!object || !fits(object)) return
          clearTimeout(timer)
          waiting.delete(look)
          resolve(object)
        }
        waiting.add(look)
        look()
      }),
  }
}
