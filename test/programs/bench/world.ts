/** A namespace with ModelServices as people declare them, which all differ from ZStack, a simulator, and the built operator when asked for. */
import { z } from 'zod'
import type { TestApiServer } from '../../support/envtest/api-server.ts'
import { expectStatus } from '../../support/envtest/request.ts'
import { startOperator, type OperatorEnvironment, type OperatorProcess } from '../../support/operator-process.ts'
import { manifest, nameOf } from './manifest.ts'
import { collectionPath, watchReady, type ReadyWatch } from './watch.ts'
import { startZStackProcess, type ZStackProcess } from './zstack-process.ts'

/** The built operator, or what it is held against in the same run. */
export type Program = 'built' | 'plain' | 'bare'

/** What all worlds of a run share. */
export type Bench = {
  readonly server: TestApiServer
  /** The plain controller-runtime operator, where it could be built. */
  readonly plainOperator: string | undefined
  readonly isWithYaml: boolean
}

export type StartedOperator = { readonly operator: OperatorProcess; readonly startedAt: number }

export interface World {
  readonly server: TestApiServer
  readonly zstack: ZStackProcess
  readonly watch: ReadyWatch
  readonly size: number
  /** The path of an object by its number. */
  path(index: number): string
  /** Starts an operator; `startedAt` is the time of performance.now() just before. */
  startOperator(program?: Program, env?: OperatorEnvironment): StartedOperator
  /** Merges into the spec of an object; gives its new generation. */
  edit(index: number, spec: object): Promise<number>
  /** Every object with its resourceVersion. */
  versions(): Promise<string>
}

const made = z.looseObject({ metadata: z.looseObject({ name: z.string() }) })
const edited = z.looseObject({ metadata: z.looseObject({ generation: z.int() }) })
const list = z.looseObject({
  items: z.array(z.looseObject({ metadata: z.looseObject({ name: z.string(), resourceVersion: z.string() }) })),
})

const bareLoop = new URL('bare-loop.ts', import.meta.url).pathname
/** How many objects are created at once. */
const width = 32

/** Makes a world, measures in it, and ends it however that went: what is left running would spoil the next figures. */
export async function inWorld<T>(bench: Bench, size: number, measure: (world: World) => Promise<T>): Promise<T> {
  const world = await createWorld(bench, size)
  try {
    return await measure(world)
  } finally {
    await world.close()
  }
}

async function createWorld(
  { server, plainOperator, isWithYaml }: Bench,
  size: number,
): Promise<World & { close(): Promise<void> }> {
  const asked = server.request('POST', '/api/v1/namespaces', { metadata: { generateName: 'bench-' } })
  const namespace = made.parse(await expectStatus(asked, 'a namespace', 201)).metadata.name
  const collection = collectionPath(namespace)
  const zstack = await startZStackProcess(size)
  const path = (index: number) => `${collection}/${nameOf(index)}`
  const left = [...zstack.uuids.entries()]
  const create = async () => {
    for (let next = left.shift(); next; next = left.shift())
      await expectStatus(server.request('POST', collection, manifest(next[0], next[1], isWithYaml)), 'an object', 201)
  }
  await Promise.all(Array.from({ length: width }, create))
  const watch = await watchReady(server, namespace)
  const operators: OperatorProcess[] = []
  return {
    server,
    zstack,
    watch,
    size,
    path,
    startOperator(program = 'built', more = {}) {
      const startedAt = performance.now()
      const env = {
        KUBECONFIG: server.adminKubeconfig,
        WATCH_NAMESPACES: namespace,
        ZSTACK_ENDPOINT: zstack.url,
        ZSTACK_ACCOUNT_NAME: 'admin',
        ZSTACK_ACCOUNT_PASSWORD: 'password',
        POLL_INTERVAL: '30s',
        ...more,
      }
      const script = { built: undefined, plain: plainOperator, bare: bareLoop }[program]
      const operator = startOperator(env, [], script)
      operators.push(operator)
      return { operator, startedAt }
    },
    async edit(index, spec) {
      const sent = server.request('PATCH', path(index), { spec }, 'application/merge-patch+json')
      return edited.parse(await expectStatus(sent, 'an edit', 200)).metadata.generation
    },
    async versions() {
      const { items } = list.parse(await expectStatus(server.request('GET', collection), 'a list', 200))
      return items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).join('\n')
    },
    async close() {
      await Promise.all(operators.map((operator) => operator.stop()))
      await Promise.all([watch.close(), zstack.close()])
    },
  }
}
