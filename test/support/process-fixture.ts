/** The stand-in Kubernetes API, a ZStack simulator, and the built operator as often as a test starts it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'
import { parse } from 'yaml'
import { crdFile } from '../../deploy/paths.ts'
import type { Status } from '../../src/api/status.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { startStandInApi, type StandInApi } from './kube-api/server.ts'
import { startOperator, type OperatorEnvironment, type OperatorProcess } from './operator-process.ts'
import { startZStackSimulator, type SimulatorOptions, type ZStackSimulator } from './zstack/simulator.ts'

export interface ProcessFixture {
  readonly api: StandInApi
  readonly zstack: ZStackSimulator
  /** What an operator needs to know of all this. */
  readonly env: OperatorEnvironment
  /** For files of the test's own; it goes with the test. */
  readonly directory: string
  readonly start: (env?: OperatorEnvironment) => OperatorProcess
  readonly create: (name: string, spec: object) => Promise<void>
  readonly edit: (name: string, spec: object) => Promise<void>
  readonly remove: (name: string) => Promise<void>
  readonly status: (name: string) => Promise<Status>
  /** Ready of every object, such as `True InSync`, where it speaks of the newest generation. */
  readonly ready: () => Promise<readonly string[]>
  /** Resolves once every object is ready. */
  readonly converged: (timeoutMs?: number) => Promise<void>
}

type Stored = { readonly metadata: { readonly generation: number }; readonly status?: Status }

const collection = '/apis/ai.zstack.io/v1alpha1/namespaces/default/modelservices'

/** Everything ends with the test that asked for it, and no line of any log may have held a secret. */
export async function startFixture(
  options: SimulatorOptions & { readonly secrets?: readonly string[] } = {},
): Promise<ProcessFixture> {
  const { secrets = [], ...simulator } = options
  const crd = parse(await readFile(crdFile, 'utf8')) as object
  const api = await startStandInApi({ crds: [crd] })
  const zstack = await startZStackSimulator(simulator)
  const directory = await mkdtemp(join(tmpdir(), 'modelservice-process-'))
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, api.kubeconfig)
  const operators: OperatorProcess[] = []
  onTestFinished(async () => {
    for (const operator of operators) operator.signal('SIGKILL')
    await Promise.all(operators.map(({ exited }) => exited))
    await Promise.all([zstack.close(), api.close(), rm(directory, { recursive: true })])
    const log = JSON.stringify(operators.map((operator) => operator.log))
    for (const secret of secrets) expect(log).not.toContain(secret)
  })
  const env = {
    KUBECONFIG: kubeconfig,
    ZSTACK_ENDPOINT: zstack.url,
    ZSTACK_ACCOUNT_NAME: 'admin',
    ZSTACK_ACCOUNT_PASSWORD: 'password',
    POLL_INTERVAL: '1s',
  }

  async function send(method: string, path: string, body?: object): Promise<unknown> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const init = body ? { body: JSON.stringify(body), headers: { 'content-type': type } } : {}
    const response = await fetch(api.url + path, { method, ...init })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    return response.json()
  }

  const fixture: ProcessFixture = {
    api,
    zstack,
    env,
    directory,
    start(change = {}) {
      const operator = startOperator({ ...env, ...change })
      operators.push(operator)
      return operator
    },
    async create(name, spec) {
      await send('POST', collection, {
        apiVersion: 'ai.zstack.io/v1alpha1',
        kind: 'ModelService',
        metadata: { name },
        spec,
      })
    },
    async edit(name, spec) {
      await send('PATCH', `${collection}/${name}`, { spec })
    },
    async remove(name) {
      await send('DELETE', `${collection}/${name}`)
    },
    status: async (name) => ((await send('GET', `${collection}/${name}`)) as Stored).status ?? {},
    async ready() {
      const { items } = (await send('GET', collection)) as { items: readonly Stored[] }
      return items.map(({ metadata, status }) => {
        const ready = conditionOf(status, 'Ready')
        return ready?.observedGeneration === metadata.generation ? `${ready.status} ${ready.reason}` : 'not seen yet'
      })
    },
    converged: (timeout = 20_000) =>
      vi.waitFor(async () => expect(new Set(await fixture.ready())).toEqual(new Set(['True InSync'])), {
        timeout,
        interval: 50,
      }),
  }
  return fixture
}
