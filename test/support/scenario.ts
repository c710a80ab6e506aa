/** A namespace of a real API server, a ZStack simulator and the built operator between them. */
import { onTestFinished, vi } from 'vitest'
import type { Condition, Status } from '../../src/api/status.ts'
import { crdFile } from '../../deploy/paths.ts'
import { sharedApiServer, testNamespace } from './envtest/shared.ts'
import type { ApiServerAccess } from './envtest/access.ts'
import { startOperator, type OperatorEnvironment, type OperatorProcess } from './operator-process.ts'
import {
  startZStackSimulator,
  type ModelServiceInventory,
  type SimulatorOptions,
  type ZStackSimulator,
} from './zstack/simulator.ts'

export type Manifest = {
  readonly name: string
  readonly spec: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

export type ModelServiceObject = {
  readonly metadata: {
    readonly name: string
    readonly generation: number
    readonly uid: string
    readonly resourceVersion: string
  }
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: Status
}

export type EventObject = {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
}

export interface Scenario {
  readonly server: ApiServerAccess
  readonly namespace: string
  readonly zstack: ZStackSimulator
  readonly operator: OperatorProcess
  /** Ends the operator by SIGTERM and starts another, with these changes of its environment. */
  restart(env?: OperatorEnvironment): Promise<OperatorProcess>
  create(manifest: Manifest): Promise<ModelServiceObject>
  /** Merges into the spec, as an edit does. */
  edit(name: string, spec: Readonly<Record<string, unknown>>): Promise<ModelServiceObject>
  annotate(name: string, annotations: Readonly<Record<string, string>>): Promise<void>
  remove(name: string): Promise<void>
  get(name: string): Promise<ModelServiceObject>
  /** The object once Ready says so for its newest generation. */
  untilReady(name: string, status: Condition['status'], reason: string): Promise<ModelServiceObject>
  until(name: string, fits: (object: ModelServiceObject) => boolean): Promise<ModelServiceObject>
  events(name: string): Promise<readonly EventObject[]>
  /** Bodies of the updates that ZStack accepted for a service, oldest first, out of their envelope. */
  updates(uuid: string): readonly Readonly<Record<string, unknown>>[]
}

export type ScenarioOptions = {
  readonly services?: readonly ModelServiceInventory[]
  readonly moods?: SimulatorOptions['moods']
  readonly env?: OperatorEnvironment
  readonly simulator?: SimulatorOptions
}

export function conditionIn(object: ModelServiceObject, type: Condition['type']): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type)
}

/** Everything ends with the test that asked for it. */
export async function startScenario(options: ScenarioOptions = {}): Promise<Scenario> {
  const server = await sharedApiServer()
  await server.applyCrd(crdFile.pathname)
  const namespace = await testNamespace(server)
  const zstack = await startZStackSimulator({
    ...options.simulator,
    ...(options.moods && { moods: options.moods }),
    services: [...(options.services ?? [])],
  })
  const base = {
    KUBECONFIG: server.adminKubeconfig,
    WATCH_NAMESPACES: namespace,
    ZSTACK_ENDPOINT: zstack.url,
    ZSTACK_ACCOUNT_NAME: 'admin',
    ZSTACK_ACCOUNT_PASSWORD: 'password',
    POLL_INTERVAL: '1s',
    ...options.env,
  }
  let operator = startOperator(base)
  onTestFinished(async () => {
    operator.signal('SIGKILL')
    await operator.exited
    await zstack.close()
  })

  const collection = `/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices`
  const path = (name: string) => `${collection}/${name}`
  const patch = (name: string, body: object) =>
    succeed(server.request('PATCH', path(name), body, 'application/merge-patch+json'))
  const get = async (name: string) => (await succeed(server.request('GET', path(name)))) as ModelServiceObject
  const until: Scenario['until'] = (name, fits) =>
    vi.waitFor(
      async () => {
        const object = await get(name)
        if (!fits(object))
          throw new Error(`still ${JSON.stringify(object.status, null, 1)}\n${JSON.stringify(operator.log.slice(-3))}`)
        return object
      },
      { timeout: 15_000, interval: 20 },
    )

  return {
    server,
    namespace,
    zstack,
    get operator() {
      return operator
    },
    async restart(env = {}) {
      await operator.stop()
      operator = startOperator({ ...base, ...env })
      return operator
    },
    create: async ({ name, spec, annotations, labels }) =>
      (await succeed(
        server.request('POST', collection, {
          apiVersion: 'ai.zstack.io/v1alpha1',
          kind: 'ModelService',
          metadata: { name, ...(annotations && { annotations }), ...(labels && { labels }) },
          spec,
        }),
      )) as ModelServiceObject,
    edit: async (name, spec) => (await patch(name, { spec })) as ModelServiceObject,
    async annotate(name, annotations) {
      await patch(name, { metadata: { annotations } })
    },
    async remove(name) {
      await succeed(server.request('DELETE', path(name)))
    },
    get,
    until,
    untilReady: (name, status, reason) =>
      until(name, (object) => {
        const ready = conditionIn(object, 'Ready')
        return (
          ready?.status === status && ready.reason === reason && ready.observedGeneration === object.metadata.generation
        )
      }),
    async events(name) {
      const query = new URLSearchParams({ fieldSelector: `involvedObject.name=${name}` }).toString()
      const list = await succeed(server.request('GET', `/api/v1/namespaces/${namespace}/events?${query}`))
      return (list as { items: EventObject[] }).items
    },
    updates: (uuid) =>
      zstack
        .requests('update')
        .filter((request) => request.uuid === uuid && request.status < 300)
        .map(({ body }) => {
          const { updateModelService, ...beside } = body as Record<string, unknown>
          return { ...(updateModelService as object | undefined), ...beside }
        }),
  }
}

async function succeed(answer: Promise<{ status: number; body: unknown }>): Promise<unknown> {
  const { status, body } = await answer
  if (status >= 300) throw new Error(`the API server answered ${status}: ${JSON.stringify(body)}`)
  return body
}
