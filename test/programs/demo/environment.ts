/** What the demo runs on: the stand-in Kubernetes API, the ZStack simulator, the built operator as its own process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { crdFile } from '../../../deploy/paths.ts'
import { startStandInApi, type StandInApi } from '../../support/kube-api/server.ts'
import { operatorBundle, startOperator, type OperatorProcess } from '../../support/operator-process.ts'
import { modelService, startZStackSimulator, type ZStackSimulator } from '../../support/zstack/simulator.ts'
import { CHAT_UUID, EXAMPLE_UUID, sampleServices, WATCHED_UUID } from '../../support/zstack/model.ts'

export type Manifest = {
  readonly metadata: { readonly name: string }
  readonly spec: Readonly<Record<string, unknown>>
}

export type ModelServiceObject = {
  readonly metadata: { readonly name: string; readonly generation: number }
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason: string
      readonly message: string
    }[]
    readonly convergedGeneration?: number
    readonly lastUpdate?: { readonly cause: string }
  }
}

type Table = {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[]
  readonly rows: readonly { readonly cells: readonly unknown[] }[]
}

export interface DemoEnvironment {
  readonly api: StandInApi
  readonly zstack: ZStackSimulator
  readonly operator: OperatorProcess
  readonly kubeconfigFile: string
  /** The sample manifests of deploy/samples, by file name. */
  readonly samples: ReadonlyMap<string, Manifest>
  /** As kubectl apply does, strict about unknown fields. The answer's message is what kubectl would print. */
  apply(manifest: Manifest): Promise<{ readonly ok: boolean; readonly message: string }>
  edit(name: string, spec: Readonly<Record<string, unknown>>): Promise<void>
  get(name: string): Promise<ModelServiceObject>
  /** Runs a command of the built program against ZStack and this API server, as a person would. */
  command(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }>
  /** For files of the demo's own. */
  readonly directory: string
  /** What `kubectl get modelservices` prints. */
  table(): Promise<string>
  end(): Promise<void>
}

export const uuids = {
  example: EXAMPLE_UUID,
  chat: CHAT_UUID,
  watched: WATCHED_UUID,
  /** Nobody has declared this one. */
  embeddings: '3f2a9c1b7e5d4a60b8c4d1e2f3a4b5c6',
} as const

const collection = '/apis/ai.zstack.io/v1alpha1/namespaces/default/modelservices'
const samplesDirectory = new URL('../../../deploy/samples/', import.meta.url)

export async function startEnvironment(): Promise<DemoEnvironment> {
  const crd = parse(await readFile(crdFile, 'utf8')) as object
  const api = await startStandInApi({ crds: [crd] })
  const zstack = await startZStackSimulator({
    services: [
      ...sampleServices(),
      modelService({ uuid: uuids.embeddings, name: 'Embeddings (BGE-M3)', requestCpu: 2 }),
    ],
    moods: { latencyMillis: 5 },
  })
  const directory = await mkdtemp(join(tmpdir(), 'modelservice-demo-'))
  const kubeconfigFile = join(directory, 'kubeconfig')
  await writeFile(kubeconfigFile, api.kubeconfig)
  const access = {
    KUBECONFIG: kubeconfigFile,
    ZSTACK_ENDPOINT: zstack.url,
    ZSTACK_ACCOUNT_NAME: 'admin',
    ZSTACK_ACCOUNT_PASSWORD: 'password',
  }
  const operator = startOperator({ ...access, POLL_INTERVAL: '1s' })

  async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await fetch(api.url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { ok: answer.ok, json: await answer.json() }
  }

  return {
    api,
    zstack,
    operator,
    kubeconfigFile,
    directory,
    async command(...args) {
      const child = spawn(process.execPath, [operatorBundle, ...args], {
        env: access,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const parts: Buffer[] = []
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part))
      const [code] = (await once(child, 'close')) as [number]
      return { code, text: Buffer.concat(parts).toString() }
    },
    samples: await readSamples(),
    async apply(manifest) {
      const { ok, json } = await send('POST', `${collection}?fieldValidation=Strict`, manifest)
      const message = ok
        ? `modelservice.ai.zstack.io/${manifest.metadata.name} created`
        : (json as { message: string }).message
      return { ok, message }
    },
    async edit(name, spec) {
      await send('PATCH', `${collection}/${name}`, { spec }, { 'content-type': 'application/merge-patch+json' })
    },
    get: async (name) => (await send('GET', `${collection}/${name}`)).json as ModelServiceObject,
    async table() {
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
      return layOut((await send('GET', collection, undefined, { accept })).json as Table)
    },
    async end() {
      operator.signal('SIGKILL')
      await operator.exited
      await zstack.close()
      await api.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function readSamples(): Promise<ReadonlyMap<string, Manifest>> {
  const files = (await readdir(samplesDirectory)).filter((file) => file.endsWith('.yaml')).sort()
  const read = async (file: string) =>
    [file, parse(await readFile(new URL(file, samplesDirectory), 'utf8')) as Manifest] as const
  return new Map(await Promise.all(files.map(read)))
}

function layOut({ columnDefinitions, rows }: Table): string {
  const shown = columnDefinitions
    .map((column, index) => ({ ...column, index }))
    .filter(({ priority }) => priority === 0)
  const lines = [
    shown.map(({ name }) => name.toUpperCase()),
    ...rows.map(({ cells }) => shown.map(({ index }) => cellText(cells[index]))),
  ]
  const widths = shown.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}

function cellText(cell: unknown): string {
  return typeof cell === 'string' || typeof cell === 'number' ? String(cell) : ''
}
