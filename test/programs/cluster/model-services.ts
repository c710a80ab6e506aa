/** The model services of a run: what ZStack has, and the objects that speak for them. */
import { namedUuid } from '../../support/zstack/model.ts'
import { modelService, type RequestRecord, type ZStackSimulator } from '../../support/zstack/simulator.ts'
import type { Kubernetes } from './kubernetes.ts'
import { modelsNamespace, paths } from './names.ts'
import { waitFor } from './wait.ts'

const names = Array.from({ length: 100 }, (_, index) => `service-${index}`)

export type ModelServiceObject = {
  readonly metadata: { readonly name: string; readonly generation: number }
  readonly status?: {
    readonly convergedGeneration?: number
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason: string
      readonly message: string
    }[]
  }
}

export interface ModelServices {
  /** `kubectl apply` of every object, each wanting so many CPUs. */
  apply(requestCpu: number): Promise<void>
  /** One edit: another object each time, another value each time. */
  edit(): Promise<Edit>
  /** Resolves when the updates of these edits have reached ZStack; gives the slowest in milliseconds, and how many came twice. */
  arrived(edits: readonly Edit[], seconds: number): Promise<{ slowestMs: number; repeated: number }>
  /** Resolves when all objects are Ready at their newest generation. */
  ready(seconds: number): Promise<void>
  one(): Promise<ModelServiceObject | undefined>
  readonly size: number
}

/** `at` is when it was made, by Date.now(). */
export type Edit = { readonly name: string; readonly requestCpu: number; readonly at: number }

export const services = () => names.map((name) => modelService({ uuid: namedUuid(name), name, requestCpu: 1 }))

export function createModelServices(kubernetes: Kubernetes, zstack: ZStackSimulator): ModelServices {
  /** When ZStack took which value, by `name value`. */
  const updates = new Map<string, number[]>()
  const nameOf = new Map(names.map((name) => [namedUuid(name), name]))
  zstack.onRequest((record) => {
    const { uuid = '', status, at } = record
    const requestCpu = cpuOf(record)
    if (requestCpu === undefined || status !== 200) return
    const key = `${nameOf.get(uuid) ?? uuid} ${requestCpu}`
    updates.set(key, [...(updates.get(key) ?? []), at])
  })
  let edited = 0

  return {
    size: names.length,
    async apply(requestCpu) {
      await kubernetes.apply(...names.map((name) => object(name, requestCpu)))
    },
    async edit() {
      const name = names[edited % names.length] ?? ''
      // Above every value that apply() sends, so that no update is taken for another.
      const requestCpu = 1000 + edited++
      const at = Date.now()
      await kubernetes.mergePatch(`${paths.models}/${name}`, { spec: { requestCpu } })
      return { name, requestCpu, at }
    },
    async arrived(edits, seconds) {
      const missing = () => edits.filter(({ name, requestCpu }) => !updates.has(`${name} ${requestCpu}`))
      const look = () => {
        const [first] = missing()
        if (first === undefined) return true
        throw new Error(
          `${missing().length} of ${edits.length} are missing, such as ${first.name} with ${first.requestCpu}`,
        )
      }
      await waitFor('every edit to reach ZStack', look, { seconds })
      const times = edits.map(({ name, requestCpu, at }) =>
        (updates.get(`${name} ${requestCpu}`) ?? []).map((arrival) => arrival - at),
      )
      return {
        slowestMs: Math.max(...times.map(([first = 0]) => first)),
        repeated: times.filter(({ length }) => length > 1).length,
      }
    },
    async ready(seconds) {
      await waitFor(
        'every ModelService to be Ready',
        async () => {
          const items = (await kubernetes.get<{ items: ModelServiceObject[] }>(paths.models))?.items ?? []
          const pending = items.filter((item) => !isReady(item))
          if (items.length === names.length && pending.length === 0) return true
          const [first] = pending
          throw new Error(`${pending.length} of ${items.length} are not, such as ${first ? explain(first) : 'none'}`)
        },
        { seconds, everyMs: 200 },
      )
    },
    one: () => kubernetes.get<ModelServiceObject>(`${paths.models}/${names[0] ?? ''}`),
  }
}

export function condition({ status }: ModelServiceObject, type: string) {
  return status?.conditions?.find((each) => each.type === type)
}

function isReady(item: ModelServiceObject): boolean {
  return item.status?.convergedGeneration === item.metadata.generation && condition(item, 'Ready')?.status === 'True'
}

function explain(item: ModelServiceObject): string {
  const { status = 'nothing', reason = '', message = '' } = condition(item, 'Ready') ?? {}
  return `${item.metadata.name}: Ready=${status} ${reason} ${message}`.trimEnd()
}

function object(name: string, requestCpu: number): object {
  const metadata = { name, namespace: modelsNamespace }
  const spec = { uuid: namedUuid(name), requestCpu }
  return { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata, spec }
}

function cpuOf({ operation, body }: RequestRecord): number | undefined {
  if (operation !== 'update') return undefined
  return (body as { updateModelService?: { requestCpu?: number } }).updateModelService?.requestCpu
}
