import type { ServerResponse } from 'node:http'
import { expect, describe, it, onTestFinished } from 'vitest'
import { guarded } from '../src/leader-guard.ts'
import { createCluster, loadKubeConfig } from '../src/kube/cluster.ts'
import { httpTo } from './support/client.ts'
import { startHttpStub } from './support/http-stub.ts'
import { writeKubeconfig } from './support/kubeconfig.ts'

const limit = () => AbortSignal.timeout(25_000)

/** A server that answers each request when the test says so, and a right to write that the test takes away. */
async function setUp() {
  const waiting: ServerResponse[] = []
  const server = await startHttpStub((_, response) => void waiting.push(response))
  let mayWrite = true
  return {
    server,
    mayLeave: () => mayWrite,
    forbid: () => (mayWrite = false),
    arrived: (count: number) => expect.poll(() => waiting.length).toBe(count),
    answerAll: () => {
      for (const response of waiting.splice(0)) response.end('{}')
    },
  }
}

const senders = {
  'to ZStack': ({ url }: { url: string }, mayLeave: () => boolean) => {
    const http = httpTo(url, { connections: 1 })
    onTestFinished(() => http.close())
    return Promise.resolve({ send: guarded(http.send, mayLeave), connections: 1 })
  },
  'to the API server': async ({ url }: { url: string }, mayLeave: () => boolean) => {
    const config = loadKubeConfig({ KUBECONFIG: await writeKubeconfig({ server: url }) })
    const cluster = createCluster(config, { userAgent: 'test/1', requestTimeoutMs: 25_000 })
    onTestFinished(() => cluster.close())
    return {
      send: guarded<Parameters<typeof cluster.send>[0], unknown>(
        (request, signal) => cluster.send(request, signal),
        mayLeave,
      ),
      connections: 8,
    }
  },
}

describe.each(Object.entries(senders))('a write %s', (_, make) => {
  const put = { method: 'PUT', path: '/a', headers: {}, body: { a: 1 } } as const

  it('that waits for a connection while the right to write goes is never sent', async () => {
    const { server, mayLeave, forbid, arrived, answerAll } = await setUp()
    const { send, connections } = await make(server, mayLeave)
    const reads = Array.from({ length: connections }, () => send({ ...put, method: 'GET' }, limit()))
    await arrived(connections)
    const write = send(put, limit())
    forbid()
    answerAll()
    await expect(write).rejects.toThrow('not the leader any more: nothing is written')
    await Promise.all(reads)
    expect(server.requests.map(({ method }) => method)).not.toContain('PUT')
  })

  it('that may not be made is not even asked to wait, and a read goes on', async () => {
    const { server, mayLeave, forbid, arrived, answerAll } = await setUp()
    const { send } = await make(server, mayLeave)
    forbid()
    await expect(send(put, limit())).rejects.toThrow('not the leader any more: nothing is written')
    const read = send({ ...put, method: 'GET' }, limit())
    await arrived(1)
    answerAll()
    await read
    expect(server.requests.map(({ method }) => method)).toEqual(['GET'])
  })

  it('that is a log-in leaves whoever leads: one that stands by tries its credentials', async () => {
    const { server, mayLeave, forbid, arrived, answerAll } = await setUp()
    const { send } = await make(server, mayLeave)
    forbid()
    const logIn = send({ ...put, isLogIn: true }, limit())
    await arrived(1)
    answerAll()
    await logIn
    expect(server.requests.map(({ method }) => method)).toEqual(['PUT'])
  })

  it('that may be made arrives, with all that it carries', async () => {
    const { server, mayLeave, arrived, answerAll } = await setUp()
    const { send } = await make(server, mayLeave)
    const write = send(put, limit())
    await arrived(1)
    answerAll()
    expect(await write).toBeDefined()
    expect(server.requests[0]).toMatchObject({ method: 'PUT', headers: { 'content-length': '7' } })
  })
})
