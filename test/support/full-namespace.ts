/** A namespace of a real API server full of ModelServices, a ZStack simulator, and operators as often as a test asks. */
import { onTestFinished, vi } from 'vitest'
import { crdFile } from '../../deploy/paths.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import type { ApiServerAccess } from './envtest/access.ts'
import { expectStatus } from './envtest/request.ts'
import { sharedApiServer, testNamespace } from './envtest/shared.ts'
import { startOperator, type OperatorEnvironment, type OperatorProcess } from './operator-process.ts'
import type { ModelServiceObject } from './scenario.ts'
import { modelService, startZStackSimulator, type SimulatorOptions, type ZStackSimulator } from './zstack/simulator.ts'

export interface FullNamespace {
  readonly server: ApiServerAccess
  readonly zstack: ZStackSimulator
  /** The services by number; the object of the same number speaks for it. */
  readonly uuids: readonly string[]
  readonly start: (env?: OperatorEnvironment) => OperatorProcess
  /** Merges into the spec of the object of that number. Resolves with the time, in epoch milliseconds, it was sent. */
  readonly edit: (index: number, spec: object) => Promise<number>
  readonly objects: () => Promise<readonly ModelServiceObject[]>
  /** Resolves once every object is ready at its newest generation. */
  readonly converged: (timeoutMs?: number) => Promise<void>
  /** The lease that operators with {@link elected} want; the holder is empty where it was released. */
  readonly lease: () => Promise<LeaseRecord>
  /** The environment of operators that elect a leader here. */
  readonly elected: OperatorEnvironment
}

export type LeaseRecord = {
  readonly holderIdentity?: string
  readonly acquireTime?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

export type FullNamespaceOptions = {
  readonly size: number
  /** What the object of that number declares beside its uuid; by default one field that differs from the service. */
  readonly spec?: (index: number) => object
  readonly moods?: SimulatorOptions['moods']
  /** By default the one that all test files share, which nobody may stop. */
  readonly server?: ApiServerAccess
}

/** So many objects are created at once. */
const width = 16

/** Everything ends with the test that asked for it. */
export async function fillNamespace(options: FullNamespaceOptions): Promise<FullNamespace> {
  const { size, spec = () => ({ requestCpu: 8 }), moods = {}, server = await sharedApiServer() } = options
  await server.applyCrd(crdFile.pathname)
  const namespace = await testNamespace(server)
  const uuids = Array.from({ length: size }, (_, index) => index.toString(16).padStart(32, '0'))
  const zstack = await startZStackSimulator({
    services: uuids.map((uuid) => modelService({ uuid, requestCpu: 4 })),
    moods,
  })
  const operators: OperatorProcess[] = []
  onTestFinished(async () => {
    for (const operator of operators) operator.signal('SIGKILL')
    await Promise.all(operators.map(({ exited }) => exited))
    await zstack.close()
  })
  const collection = `/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices`
  const nameOf = (index: number) => `service-${index}`
  const left = [...uuids.entries()]
  const create = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [index, uuid] = next
      const object = {
        apiVersion: 'ai.zstack.io/v1alpha1',
        kind: 'ModelService',
        metadata: { name: nameOf(index) },
        spec: { uuid, ...spec(index) },
      }
      await expectStatus(server.request('POST', collection, object), nameOf(index), 201)
    }
  }
  await Promise.all(Array.from({ length: width }, create))

  const space: FullNamespace = {
    server,
    zstack,
    uuids,
    elected: { LEADER_ELECTION: 'true', LEADER_ELECTION_NAMESPACE: namespace },
    start(env = {}) {
      const operator = startOperator({
        KUBECONFIG: server.adminKubeconfig,
        WATCH_NAMESPACES: namespace,
        ZSTACK_ENDPOINT: zstack.url,
        ZSTACK_ACCOUNT_NAME: 'admin',
        ZSTACK_ACCOUNT_PASSWORD: 'password',
        POLL_INTERVAL: '1s',
        ...env,
      })
      operators.push(operator)
      return operator
    },
    async edit(index, change) {
      const path = `${collection}/${nameOf(index)}`
      const sentAt = Date.now()
      const sent = server.request('PATCH', path, { spec: change }, 'application/merge-patch+json')
      await expectStatus(sent, nameOf(index), 200)
      return sentAt
    },
    async objects() {
      const list = await expectStatus(server.request('GET', collection), 'a list', 200)
      return (list as { items: readonly ModelServiceObject[] }).items
    },
    converged: (timeout = 60_000) =>
      vi.waitFor(
        async () => {
          const others = (await space.objects()).filter((object) => !isReady(object))
          if (others.length === 0) return
          const [{ metadata, status } = {}] = others
          const log = operators.flatMap((operator) => operator.log.slice(-3))
          throw new Error(
            `${others.length} of ${size} are not ready, ${metadata?.name} is ${JSON.stringify(status)}; ${JSON.stringify(log)}`,
          )
        },
        { timeout, interval: 100 },
      ),
    async lease() {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/modelservice-operator`
      const lease = await expectStatus(server.request('GET', path), 'the lease', 200)
      return (lease as { spec: LeaseRecord }).spec
    },
  }
  return space
}

export function isReady({ metadata, status }: ModelServiceObject): boolean {
  const ready = conditionOf(status, 'Ready')
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation
}

/** Updates that ZStack took. One of the other body shape, by which an operator learns what it takes, changes nothing. */
export function taken(zstack: ZStackSimulator) {
  return zstack.requests('update').filter(({ status }) => status !== 400)
}

/** When ZStack was first asked to change that service after that time; both in epoch milliseconds. */
export function updatedAt(zstack: ZStackSimulator, uuid: string | undefined, after: number): number | undefined {
  return taken(zstack).find((one) => one.uuid === uuid && one.at >= after)?.at
}
