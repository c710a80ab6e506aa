/** The bench's own eyes: a watch of one namespace, independent of the operator's. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import { z } from 'zod'
import type { ApiServerAccess } from '../../support/envtest/access.ts'

export interface ReadyWatch {
  /** Resolves with the time of performance.now() when the object is Ready at that generation or a later one. */
  ready(name: string, generation: number): Promise<number>
  /** Resolves with the time when so many objects are Ready at their newest generation. */
  allReady(count: number): Promise<number>
  close(): Promise<void>
}

export const collectionPath = (namespace: string) => `/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices`

type Line = {
  readonly object: {
    readonly metadata: { readonly name: string; readonly generation: number }
    readonly status?: { readonly conditions?: readonly { type: string; status: string; observedGeneration: number }[] }
  }
}

const waitLimitMs = 400_000
const reopenMs = 20
const kubeconfig = z.object({ users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]) })

export async function watchReady(server: ApiServerAccess, namespace: string): Promise<ReadyWatch> {
  const { users } = kubeconfig.parse(JSON.parse(await readFile(server.adminKubeconfig, 'utf8')))
  const agent = new Agent({ connect: { ca: await readFile(server.caFile, 'utf8') }, bodyTimeout: 0 })
  /** The generation at which an object is Ready; only the newest one counts. */
  const readyAt = new Map<string, number>()
  const waiting = new Set<() => void>()
  const isClosed = new AbortController()

  function take({ object: { metadata, status } }: Line) {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')
    const isReady = ready?.status === 'True' && ready.observedGeneration === metadata.generation
    if (isReady) readyAt.set(metadata.name, metadata.generation)
    else readyAt.delete(metadata.name)
    for (const look of waiting) look()
  }

  async function follow() {
    const { statusCode, body } = await agent.request({
      origin: server.url,
      method: 'GET',
      path: `${collectionPath(namespace)}?watch=true`,
      headers: { authorization: `Bearer ${users[0].user.token}`, accept: 'application/json' },
    })
    if (statusCode !== 200) {
      await body.dump()
      return
    }
    let rest = ''
    for await (const chunk of body.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) take(JSON.parse(line) as Line)
    }
  }

  /** An API server that starts, or goes, ends its watches; a new one begins by telling of every object. */
  async function keepFollowing() {
    while (!isClosed.signal.aborted) {
      await follow().catch(() => undefined)
      await sleep(reopenMs)
    }
  }
  const following = keepFollowing()

  function until(what: string, isTrue: () => boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(look)
        reject(new Error(`waited ${waitLimitMs / 1000} s for ${what}; ${readyAt.size} objects are Ready`))
      }, waitLimitMs)
      const look = () => {
        if (!isTrue()) return
        clearTimeout(timer)
        waiting.delete(look)
        resolve(performance.now())
      }
      waiting.add(look)
      look()
    })
  }

  return {
    ready: (name, generation) => until(`${name} to be Ready`, () => (readyAt.get(name) ?? 0) >= generation),
    allReady: (count) => until(`${count} objects to be Ready`, () => readyAt.size >= count),
    async close() {
      isClosed.abort()
      await agent.destroy()
      await following
    },
  }
}
