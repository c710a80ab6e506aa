/** Namespaces of a real API server whose objects share one ZStack simulator, and the built operator between them. */
import { expect, vi } from 'vitest'
import { crdFile } from '../../deploy/paths.ts'
import type { ApiServerAccess } from './envtest/access.ts'
import { expectStatus } from './envtest/request.ts'
import { sharedApiServer, testNamespace } from './envtest/shared.ts'
import { startOperator, type OperatorEnvironment, type OperatorProcess } from './operator-process.ts'
import { conditionIn, type ModelServiceObject } from './scenario.ts'
import { modelService, startZStackSimulator, type SimulatorOptions, type ZStackSimulator } from './zstack/simulator.ts'

export interface Tenants<Name extends string> {
  readonly server: ApiServerAccess
  readonly zstack: ZStackSimulator
  /** The objects of each tenant, each tenant in a namespace of its own. */
  readonly of: Readonly<Record<Name, readonly TenantObject[]>>
  start(env?: OperatorEnvironment): OperatorProcess
  /** Resolves once all objects are in sync. */
  inSync(): Promise<void>
  /** A moment for {@link versionsSince}. */
  mark(): Promise<string>
  /** Every version of the tenant's objects that was written since, oldest first. */
  versionsSince(mark: string, tenant: Name): Promise<readonly ModelServiceObject[]>
  /** When the updates of that service arrived at ZStack since, in epoch milliseconds. */
  updates(object: TenantObject, since?: number): readonly number[]
  /** Edits the object; after how many milliseconds ZStack was asked to do it. */
  editReachesZStack(object: TenantObject, spec: object): Promise<number>
  close(): Promise<void>
}

export interface TenantObject {
  readonly namespace: string
  readonly name: string
  readonly uuid: string
  /** Merges into the spec. Resolves with the time, in epoch milliseconds, at which it was sent. */
  edit(spec: object): Promise<number>
  get(): Promise<ModelServiceObject>
  /** Deletes it and creates one of the same name; resolves when that is there. */
  replace(spec: object): Promise<void>
  remove(): Promise<void>
  /** `True InSync` for instance, where it speaks of the newest generation. */
  ready(): Promise<string>
  /** Writes another status in place of the one that is there, as another controller would. */
  writeStatus(status: object): Promise<void>
  annotate(annotations: Readonly<Record<string, string>>): Promise<void>
  /** Messages of the events about it. */
  events(): Promise<readonly { readonly type: string; readonly reason: string; readonly message: string }[]>
}

export type TenantsOptions<Name extends string> = {
  /** How many objects each tenant has; each declares the CPUs that its service has. */
  readonly sizes: Readonly<Record<Name, number>>
  readonly moods?: SimulatorOptions['moods']
  readonly env?: OperatorEnvironment
}

const group = '/apis/ai.zstack.io/v1alpha1'
/** So many objects are created at once. */
const width = 16

/** Whoever starts them closes them. */
export async function startTenants<Name extends string>(options: TenantsOptions<Name>): Promise<Tenants<Name>> {
  const server = await sharedApiServer()
  await server.applyCrd(crdFile.pathname)
  const zstack = await startZStackSimulator(options.moods ? { moods: options.moods } : {})
  const operators: OperatorProcess[] = []
  const names = Object.keys(options.sizes) as Name[]
  const of = {} as Record<Name, TenantObject[]>
  const namespaces = {} as Record<Name, string>
  for (const name of names) {
    const namespace = await testNamespace(server)
    namespaces[name] = namespace
    of[name] = Array.from({ length: options.sizes[name] }, (_, i) => {
      const service = modelService({ requestCpu: 4 })
      zstack.add(service)
      return tenantObject(server, namespace, `${name}-${i}`, service.uuid)
    })
  }
  const all = Object.values<TenantObject[]>(of).flat()
  const left = [...all]
  const create = async () => {
    for (let one = left.shift(); one; one = left.shift()) await createObject(server, one, { requestCpu: 4 })
  }
  await Promise.all(Array.from({ length: width }, create))

  const tenants: Tenants<Name> = {
    server,
    zstack,
    of,
    start(env = {}) {
      const operator = startOperator({
        KUBECONFIG: server.adminKubeconfig,
        WATCH_NAMESPACES: Object.values(namespaces).join(','),
        ZSTACK_ENDPOINT: zstack.url,
        ZSTACK_ACCOUNT_NAME: 'admin',
        ZSTACK_ACCOUNT_PASSWORD: 'password',
        POLL_INTERVAL: '1s',
        ...options.env,
        ...env,
      })
      operators.push(operator)
      return operator
    },
    inSync: () =>
      vi.waitFor(
        async () => {
          const others = (await Promise.all(all.map((one) => one.ready()))).filter((ready) => ready !== 'True InSync')
          if (others.length > 0)
            throw new Error(`${others.length} are not in sync, the first is ${others[0] ?? ''}; ${tail(operators)}`)
        },
        { timeout: 30_000, interval: 100 },
      ),
    async mark() {
      const list = await expectStatus(server.request('GET', `${group}/modelservices?limit=1`), 'a list', 200)
      return (list as { metadata: { resourceVersion: string } }).metadata.resourceVersion
    },
    async versionsSince(mark, tenant) {
      const query = `watch=true&resourceVersion=${mark}&timeoutSeconds=1`
      const path = `${group}/namespaces/${namespaces[tenant]}/modelservices?${query}`
      const stream = await expectStatus(server.request('GET', path), 'a watch', 200)
      const lines = (stream as string).split('\n').filter((line) => line !== '')
      return lines.map((line) => (JSON.parse(line) as { object: ModelServiceObject }).object)
    },
    updates: ({ uuid }, since = 0) =>
      zstack
        .requests('update')
        .filter((request) => request.uuid === uuid && request.at >= since)
        .map(({ at }) => at),
    async editReachesZStack(object, spec) {
      const sentAt = await object.edit(spec)
      const arrivedAt = await vi.waitUntil(() => tenants.updates(object, sentAt)[0], { timeout: 20_000, interval: 10 })
      return arrivedAt - sentAt
    },
    async close() {
      for (const operator of operators) operator.signal('SIGKILL')
      await Promise.all(operators.map(({ exited }) => exited))
      await zstack.close()
    },
  }
  return tenants
}

/** What bystanders may say while somebody else's services are broken: nothing but what is true of their own. */
export function expectUndisturbed(versions: readonly ModelServiceObject[], othersWords: string) {
  for (const { metadata, status } of versions) {
    expect(JSON.stringify(status ?? {}), metadata.name).not.toContain(othersWords)
    for (const { type, status: is, reason } of status?.conditions ?? []) {
      expect(['InSync', 'Updating', 'AwaitingJob'], `${metadata.name}: ${type}`).toContain(reason)
      if (type === 'Connected') expect(is, metadata.name).toBe('True')
    }
  }
}

function tenantObject(server: ApiServerAccess, namespace: string, name: string, uuid: string): TenantObject {
  const path = `${group}/namespaces/${namespace}/modelservices/${name}`
  const mergePatch = 'application/merge-patch+json'
  const one: TenantObject = {
    namespace,
    name,
    uuid,
    async edit(spec) {
      const sentAt = Date.now()
      await expectStatus(server.request('PATCH', path, { spec }, mergePatch), name, 200)
      return sentAt
    },
    get: async () => (await expectStatus(server.request('GET', path), name, 200)) as ModelServiceObject,
    async replace(spec) {
      await one.remove()
      await createObject(server, one, spec)
    },
    async remove() {
      await expectStatus(server.request('DELETE', path), name, 200)
    },
    async ready() {
      const object = await one.get()
      const ready = conditionIn(object, 'Ready')
      return ready?.observedGeneration === object.metadata.generation
        ? `${ready.status} ${ready.reason}`
        : 'not seen yet'
    },
    async writeStatus(status) {
      const patch = [{ op: 'add', path: '/status', value: status }]
      await expectStatus(server.request('PATCH', `${path}/status`, patch, 'application/json-patch+json'), name, 200)
    },
    async annotate(annotations) {
      await expectStatus(server.request('PATCH', path, { metadata: { annotations } }, mergePatch), name, 200)
    },
    async events() {
      const query = new URLSearchParams({ fieldSelector: `involvedObject.name=${name}` }).toString()
      const list = await expectStatus(
        server.request('GET', `/api/v1/namespaces/${namespace}/events?${query}`),
        name,
        200,
      )
      return (list as { items: Awaited<ReturnType<TenantObject['events']>> }).items
    },
  }
  return one
}

async function createObject(server: ApiServerAccess, { namespace, name, uuid }: TenantObject, spec: object) {
  const object = {
    apiVersion: 'ai.zstack.io/v1alpha1',
    kind: 'ModelService',
    metadata: { name },
    spec: { uuid, ...spec },
  }
  await expectStatus(server.request('POST', `${group}/namespaces/${namespace}/modelservices`, object), name, 201)
}

function tail(operators: readonly OperatorProcess[]): string {
  return JSON.stringify(operators.flatMap((operator) => operator.log.slice(-3)))
}
