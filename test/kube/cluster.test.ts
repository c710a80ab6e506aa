import type { RequestListener } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ApiError, createCluster, loadKubeConfig } from '../../src/kube/cluster.ts'
import { startHttpStub } from '../support/http-stub.ts'
import { writeKubeconfig, type KubeconfigParts } from '../support/kubeconfig.ts'

const token = 's3cret-token'
const json = (status: number, body: unknown, headers = {}): RequestListener => {
  return (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
const text =
  (status: number, body: string): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(body)

async function connect(parts: KubeconfigParts, { requestTimeoutMs = 25_000 } = {}) {
  const config = loadKubeConfig({ KUBECONFIG: await writeKubeconfig({ user: { token }, ...parts }) })
  const cluster = createCluster(config, { userAgent: 'test/1', requestTimeoutMs })
  onTestFinished(() => cluster.close())
  return cluster
}

async function connectTo(answer: RequestListener, options: { requestTimeoutMs?: number } = {}) {
  const server = await startHttpStub(answer)
  return { server, cluster: await connect({ server: server.url }, options) }
}

const get = { method: 'GET', path: '/apis/things?limit=5' } as const
const soon = () => AbortSignal.timeout(25_000)

describe('a request', () => {
  it('carries the token, the name of the program and its body, and brings back the answer', async () => {
    const { cluster, server } = await connectTo((request, response) => {
      request.setEncoding('utf8').on('data', (body: string) => response.end(`{"got":${body}}`))
    })
    const request = {
      method: 'PATCH',
      path: '/a?b=c',
      body: { d: 1 },
      contentType: 'application/merge-patch+json',
    } as const
    expect(await cluster.send(request, soon())).toEqual({ got: { d: 1 } })
    expect(server.requests[0]).toMatchObject({
      method: 'PATCH',
      url: '/a?b=c',
      headers: {
        authorization: `Bearer ${token}`,
        'user-agent': 'test/1',
        accept: 'application/json',
        'content-type': 'application/merge-patch+json',
      },
    })
  })

  it('goes below the path of the server, whether that ends in a slash or not', async () => {
    const server = await startHttpStub(json(200, {}))
    for (const path of ['/k8s/one', '/k8s/one/']) await (await connect({ server: server.url + path })).send(get, soon())
    expect(server.requests.map(({ url }) => url)).toEqual([
      '/k8s/one/apis/things?limit=5',
      '/k8s/one/apis/things?limit=5',
    ])
  })

  it('shares its few connections with the others', async () => {
    const { cluster, server } = await connectTo(json(200, {}))
    await Promise.all(Array.from({ length: 50 }, () => cluster.send(get, soon())))
    expect(server.connections).toBeLessThanOrEqual(8)
  })

  it('that is aborted while it waits for a connection ends at once, and is never sent', async () => {
    const { cluster, server } = await connectTo((request, response) => {
      if (request.url === '/later') response.end('{}')
    })
    const stop = new AbortController()
    const others = Array.from({ length: 8 }, () => cluster.send(get, stop.signal).catch(() => 'given up'))
    await expect.poll(() => server.requests.length).toBe(8)
    const abort = new AbortController()
    const waiting = cluster.send({ method: 'PUT', path: '/waiting' }, abort.signal)
    abort.abort(new Error('enough'))
    const reason = waiting.catch((error: unknown) => String(error))
    expect(await Promise.race([reason, ...others])).toMatch(/^ApiError: .*PUT \/waiting.*enough/)
    stop.abort()
    await Promise.all(others)
    await cluster.send({ method: 'GET', path: '/later' }, soon())
    expect(server.requests.map(({ url }) => url)).not.toContain('/waiting')
  })

  it('about one namespace does not wait for others that hang, about another', async () => {
    const { cluster } = await connectTo(({ url }, response) => {
      if (url?.includes('/namespaces/well/') === true) response.end('{}')
    })
    const stop = new AbortController()
    const hanging = { method: 'PUT', path: '/apis/g/v1/namespaces/ill/things/a/status' } as const
    const others = Array.from({ length: 100 }, () => cluster.send(hanging, stop.signal).catch(() => 'given up'))
    expect(await cluster.send({ method: 'PUT', path: '/apis/g/v1/namespaces/well/things/a/status' }, soon())).toEqual(
      {},
    )
    stop.abort()
    expect(new Set(await Promise.all(others))).toEqual(new Set(['given up']))
  })

  it('that is urgent waits behind no others, however many', async () => {
    const { cluster } = await connectTo(({ url }, response) => {
      if (url === '/urgent') response.end('{}')
    })
    const stop = new AbortController()
    const others = Array.from({ length: 20 }, () => cluster.send(get, stop.signal).catch(() => 'given up'))
    expect(await cluster.send({ method: 'GET', path: '/urgent', isUrgent: true }, soon())).toEqual({})
    stop.abort()
    expect(new Set(await Promise.all(others))).toEqual(new Set(['given up']))
  })

  it('does not wait behind streams, however many', async () => {
    const { cluster } = await connectTo((request, response) => {
      if (request.url === '/stream') response.writeHead(200).flushHeaders()
      else response.end('{}')
    })
    const stop = new AbortController()
    const streams = await Promise.all(Array.from({ length: 30 }, () => cluster.stream('/stream', stop.signal)))
    expect(await cluster.send(get, soon())).toEqual({})
    stop.abort()
    for (const stream of streams) await expect(drain(stream)).rejects.toThrow()
  })
})

describe('a refusal', () => {
  const refusedBy = async (answer: RequestListener) => {
    const { cluster } = await connectTo(answer)
    return failureOf(cluster.send(get, soon()))
  }

  it('says what was asked for and what the server said', async () => {
    const error = await refusedBy(json(403, { kind: 'Status', message: 'things is forbidden' }))
    expect(error).toMatchObject({ status: 403, message: 'GET /apis/things: things is forbidden' })
  })

  it.each<[string, RequestListener, string]>([
    ['text', text(502, '<html>Bad Gateway</html>\n'), 'GET /apis/things: HTTP 502 <html>Bad Gateway</html>'],
    ['nothing', text(503, ''), 'GET /apis/things: HTTP 503'],
    ['another object', json(500, { error: 'odd' }), 'GET /apis/things: HTTP 500 {"error":"odd"}'],
    ['null', json(500, null), 'GET /apis/things: HTTP 500 null'],
    ['a long page', text(500, 'x'.repeat(10_000)), `GET /apis/things: HTTP 500 ${'x'.repeat(200)}`],
    ['a redirect', text(302, ''), 'GET /apis/things: HTTP 302'],
  ])('is understood when it holds %s', async (_, answer, message) => {
    expect((await refusedBy(answer)).message).toBe(message)
  })

  it.each([
    ['7', 7_000],
    ['0', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('with Retry-After %s asks to wait for %s ms', async (value, retryAfterMs) => {
    const error = await refusedBy(json(429, {}, value === undefined ? {} : { 'retry-after': value }))
    expect(error.retryAfterMs).toBe(retryAfterMs)
  })

  it('is that of a stream, too', async () => {
    const { cluster } = await connectTo(json(410, { message: 'too old' }))
    expect(await failureOf(cluster.stream('/watch', soon()))).toMatchObject({ status: 410 })
  })
})

describe('no answer', () => {
  it.each<[string, RequestListener, RegExp]>([
    ['the connection is cut', (request) => request.socket.destroy(), /other side closed \(UND_ERR_SOCKET\)/],
    [
      'half of it is missing',
      (_, response) => void response.writeHead(200, { 'content-length': 10 }).write('{', () => response.destroy()),
      /\(/,
    ],
    ['it is no JSON', text(200, '<html>'), /no JSON/],
    ['it is a word', text(200, '"ok"'), /no JSON/],
  ])('is an error of status 0 that says so when %s', async (_, answer, reason) => {
    const { cluster } = await connectTo(answer)
    const error = await failureOf(cluster.send(get, soon()))
    expect(error.status).toBe(0)
    expect(error.message).toMatch(/GET \/apis\/things: /)
    expect(error.message).toMatch(reason)
  })

  it('says that nobody listens', async () => {
    const cluster = await connect({ server: 'http://127.0.0.1:1' })
    expect((await failureOf(cluster.send(get, soon()))).message).toContain('ECONNREFUSED')
  })

  it.each<[string, RequestListener]>([
    ['is silent', () => undefined],
    ['stops in the middle', (_, response) => void response.writeHead(200).write('{"a":')],
  ])('is waited for no longer than the limit when the server %s', async (_, answer) => {
    const { cluster } = await connectTo(answer, { requestTimeoutMs: 50 })
    const error = await failureOf(cluster.send(get, soon()))
    expect(error).toMatchObject({
      status: 0,
      message: expect.stringMatching(/GET \/apis\/things: .*took longer than/) as string,
    })
  })

  it('is waited for no longer when the caller aborts', async () => {
    const { cluster } = await connectTo(() => undefined)
    expect(await failureOf(cluster.send(get, AbortSignal.timeout(10)))).toMatchObject({ status: 0 })
    expect(await failureOf(cluster.send(get, AbortSignal.abort()))).toMatchObject({ status: 0 })
  })
})

describe('an answer without end', () => {
  const pour =
    (status: number): RequestListener =>
    (_, response) => {
      const part = Buffer.alloc(2 ** 20, 'x')
      const more = () => {
        while (!response.destroyed && response.write(part));
      }
      response.writeHead(status).on('drain', more)
      more()
    }

  it('is given up, and says so', async () => {
    const { cluster } = await connectTo(pour(200))
    const error = await failureOf(cluster.send(get, soon()))
    expect(error).toMatchObject({ status: 0, message: 'GET /apis/things: the answer is larger than 256 MiB' })
  })

  it('of a refusal is still that refusal, of a request and of a stream', async () => {
    const { cluster } = await connectTo(pour(503))
    for (const work of [() => cluster.send(get, soon()), () => cluster.stream('/watch', soon())])
      expect(await failureOf(work())).toMatchObject({ status: 503, message: expect.stringContaining('503') as string })
  })
})

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('of status %s is not followed, to whatever host', async (status) => {
    const elsewhere = await startHttpStub(json(200, {}))
    for (const location of [`${elsewhere.url}/apis/things`, '/apis/others']) {
      const { cluster, server } = await connectTo((_, response) => response.writeHead(status, { location }).end())
      expect((await failureOf(cluster.send(get, soon()))).status).toBe(status)
      expect((await failureOf(cluster.stream('/watch', soon()))).status).toBe(status)
      expect(server.requests.map(({ url }) => url)).toEqual([get.path, '/watch'])
    }
    expect(elsewhere.requests).toEqual([])
  })
})

it.each<[string, RequestListener]>([
  ['a refusal', json(401, { message: 'Unauthorized' })],
  ['a cut connection', (request) => request.socket.destroy()],
  ['an answer that is no JSON', text(200, 'odd')],
])('no word of the token is in the error of %s', async (_, answer) => {
  const { cluster } = await connectTo(answer)
  for (let error: unknown = await failureOf(cluster.send(get, soon())); error instanceof Error; error = error.cause)
    expect(`${error.stack} ${JSON.stringify(error, Object.getOwnPropertyNames(error))}`).not.toContain(token)
})

it('a token that no header can hold is an error that does not show it', async () => {
  const cluster = await connect({ server: 'http://127.0.0.1:1', user: { token: `${token}\nx` } })
  const error = await failureOf(cluster.send(get, soon()))
  expect(error.message).toContain('authorization')
  expect(error.message).not.toContain(token)
})

async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  try {
    await work
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    return error as ApiError
  }
  throw new Error('it worked')
}

async function drain(stream: AsyncIterable<unknown>): Promise<number> {
  let chunks = 0
  for await (const chunk of stream) if (chunk) chunks += 1
  return chunks
}
