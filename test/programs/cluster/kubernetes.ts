/** The cluster, as people use it (kubectl) and as quick looks need it (its API through `kubectl proxy`). */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { run } from './command.ts'

export type KubeObject = {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
}

export interface Kubernetes {
  kubectl(args: readonly string[], input?: string): Promise<string>
  apply(...objects: readonly object[]): Promise<string>
  /** The answer of the API, or undefined where there is no such thing. Throws what the API says otherwise. */
  get<T>(path: string): Promise<T | undefined>
  mergePatch(path: string, change: object): Promise<void>
  /** The status of a page that a pod serves on a port. */
  page(namespace: string, pod: string, port: number, path: string): Promise<number>
  close(): void
}

export async function connect(kubeconfig: string | undefined): Promise<Kubernetes> {
  const env = kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }
  const kubectl = (args: readonly string[], input?: string) =>
    run('kubectl', args, { env, ...(input !== undefined && { input }) })
  const proxy = spawn('kubectl', ['proxy', '--port=0'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    proxy.once('error', reject)
    proxy.once('exit', () => reject(new Error('kubectl proxy ended at once')))
    createInterface({ input: proxy.stdout }).on('line', (line) => {
      const [address] = /127\.0\.0\.1:\d+/.exec(line) ?? []
      if (address !== undefined) resolve(`http://${address}`)
    })
  })
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/merge-patch+json' }
    const answer = await fetch(url + path, { method, ...(body && { headers, body: JSON.stringify(body) }) })
    return { status: answer.status, text: await answer.text() }
  }
  return {
    kubectl,
    apply: (...objects) =>
      kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })),
    async get<T>(path: string) {
      const { status, text } = await ask('GET', path)
      if (status === 404) return undefined
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`)
      return JSON.parse(text) as T
    },
    async mergePatch(path, change) {
      const { status, text } = await ask('PATCH', path, change)
      if (status !== 200) throw new Error(`PATCH ${path}: ${status} ${text}`)
    },
    page: async (namespace, pod, port, path) =>
      (await ask('GET', `/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy${path}`)).status,
    close: () => void proxy.kill(),
  }
}
