import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Http, HttpRequest } from '../../src/zstack/http.ts'
import { anySignal, httpTo } from '../support/client.ts'
import { httpServer, tcpServer } from '../support/raw-server.ts'
import { selfSignedCertificate } from '../support/zstack/certificate.ts'
import { startZStackSimulator } from '../support/zstack/simulator.ts'

const get: HttpRequest = { method: 'GET', path: '/v1/x', headers: {} }
const day = 24 * 60 * 60 * 1000

/** Sends and closes, so that no test leaves a connection behind. */
async function once(http: Http, request: HttpRequest = get, signal = anySignal()) {
  try {
    return await http.send(request, signal)
  } finally {
    await http.close()
  }
}

describe('a request', () => {
  it('goes below the path of the base URL, query and headers as given', async () => {
    const seen: IncomingMessage[] = []
    await using server = await httpServer((request, response) => {
      seen.push(request)
      response.end('{}')
    })
    for (const base of [server.url, `${server.url}/`, `http://127.0.0.1:${server.port}`])
      await once(httpTo(base), { ...get, path: '/v1/x?q=uuid?=a,b&limit=2', headers: { authorization: 'OAuth s' } })
    expect(seen.map(({ url }) => url)).toEqual([
      '/zstack/v1/x?q=uuid?=a,b&limit=2',
      '/zstack/v1/x?q=uuid?=a,b&limit=2',
      '/v1/x?q=uuid?=a,b&limit=2',
    ])
    expect(seen[0]?.headers).toMatchObject({
      authorization: 'OAuth s',
      accept: 'application/json',
      'user-agent': 'modelservice-operator/test',
    })
  })

  it('with a body sends it as JSON in UTF-8, and says so', async () => {
    let type = ''
    let text = ''
    await using server = await httpServer((request, response) => {
      type = request.headers['content-type'] ?? ''
      request.setEncoding('utf8').on('data', (part: string) => (text += part))
      request.on('end', () => response.end('{}'))
    })
    await once(httpTo(server.url), { ...get, method: 'PUT', body: { name: 'größe', requestCpu: 4 } })
    expect(type).toBe('application/json;charset=UTF-8')
    expect(text).toBe('{"name":"größe","requestCpu":4}')
  })

  it('is answered with status, text and, where it is any, JSON', async () => {
    await using server = await httpServer(({ url }, response) => {
      response
        .writeHead(url?.endsWith('/json') ? 200 : 404)
        .end(url?.endsWith('/json') ? '{"a":"ü"}' : 'no api mapping')
    })
    expect(await once(httpTo(server.url), { ...get, path: '/json' })).toEqual({
      kind: 'answered',
      date: expect.any(String) as string,
      status: 200,
      text: '{"a":"ü"}',
      json: { a: 'ü' },
    })
    expect(await once(httpTo(server.url))).toEqual({
      kind: 'answered',
      date: expect.any(String) as string,
      status: 404,
      text: 'no api mapping',
      json: undefined,
    })
  })

  it.each([301, 302, 303, 307, 308])('follows no redirect of status %s, to whatever host', async (status) => {
    const asked: string[] = []
    await using elsewhere = await httpServer(({ url }, response) => {
      asked.push(`elsewhere ${url}`)
      response.end('{}')
    })
    let location = ''
    await using server = await httpServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`)
      response.writeHead(status, { location }).end()
    })
    const put = { ...get, method: 'PUT', body: {}, headers: { authorization: 'OAuth s' } } as const
    for (location of [`${elsewhere.url}/v1/x`, '/zstack/v1/y'])
      expect(await once(httpTo(server.url), put)).toMatchObject({ status, location })
    expect(asked).toEqual(['PUT /zstack/v1/x', 'PUT /zstack/v1/x'])
  })
})

describe('a request without a whole answer', () => {
  const partly = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"inventory":{'
  it.each<[string, (socket: Socket) => void, RegExp]>([
    ['cut before the answer', (socket) => void socket.resetAndDestroy(), /cut/],
    ['closed before the answer', (socket) => void socket.end(), /cut/],
    ['cut in the middle', (socket) => void socket.write(partly, () => socket.resetAndDestroy()), /cut/],
    ['closed in the middle', (socket) => void socket.end(partly), /cut/],
    ['that is no HTTP', (socket) => void socket.end('220 smtp.example ESMTP\r\n'), /not HTTP/],
  ])('%s may have reached ZStack', async (_, answer, words) => {
    await using server = await tcpServer((socket) => socket.once('data', () => answer(socket)))
    const outcome = await once(httpTo(server.url))
    expect(outcome).toMatchObject({ kind: 'unanswered', sent: true })
    expect(outcome.kind === 'unanswered' && outcome.reason).toMatch(words)
  })

  it.each([
    ['for want of headers', () => undefined],
    ['for want of the rest', (socket: Socket) => void socket.write(partly)],
  ])('is given up when its time is over, %s', async (_, answer) => {
    await using server = await tcpServer((socket) => socket.once('data', () => answer(socket)))
    expect(await once(httpTo(server.url, { timeoutMs: 100 }))).toEqual({
      kind: 'unanswered',
      reason: 'no answer within 0.1 s',
      sent: true,
    })
  })

  it('larger than the limit is given up without being kept', async () => {
    await using server = await httpServer((_, response) => {
      const part = Buffer.alloc(1024 * 1024, 'x')
      const pour = () => {
        while (!response.destroyed && response.write(part));
      }
      response.on('drain', pour)
      pour()
    })
    expect(await once(httpTo(server.url))).toEqual({
      kind: 'unanswered',
      reason: 'the answer is larger than 32 MiB',
      sent: true,
    })
  })

  it('where nobody listens was never sent', async () => {
    const { url, [Symbol.asyncDispose]: close } = await tcpServer(() => undefined)
    await close()
    expect(await once(httpTo(url))).toEqual({ kind: 'unanswered', reason: 'connection refused', sent: false })
  })

  it('to a name that does not resolve was never sent', async () => {
    const outcome = await once(httpTo('http://zstack.invalid:8080/zstack'))
    expect(outcome).toMatchObject({ kind: 'unanswered', sent: false })
    expect(outcome.kind === 'unanswered' && outcome.reason).toMatch(/host name does not resolve/)
  })

  it('with a credential that no header can hold was never sent, and the reason shows nothing of it', async () => {
    await using server = await httpServer((_, response) => response.end('{}'))
    const outcome = await once(httpTo(server.url), { ...get, headers: { authorization: 'ZStack key\nid:x' } })
    expect(outcome).toEqual({
      kind: 'unanswered',
      reason: 'the credentials hold characters that no HTTP header may hold',
      sent: false,
    })
  })

  it('that is aborted rejects with the reason of the abort', async () => {
    const abort = new AbortController()
    await using server = await tcpServer((socket) => socket.once('data', () => abort.abort(new Error('stopping'))))
    await expect(once(httpTo(server.url), get, abort.signal)).rejects.toThrow('stopping')
  })

  it('that waits for a connection ends at its abort too, and was never sent', async () => {
    const asked: (string | undefined)[] = []
    await using server = await httpServer(({ method }) => asked.push(method))
    const http = httpTo(server.url, { connections: 1 })
    const first = http.send(get, anySignal())
    await expect.poll(() => asked).toEqual(['GET'])
    const abort = new AbortController()
    const second = http.send({ ...get, method: 'PUT' }, abort.signal)
    abort.abort(new Error('enough'))
    expect(await Promise.race([first, second.catch((error: unknown) => String(error))])).toBe('Error: enough')
    await http.close()
    expect(await first).toMatchObject({ kind: 'unanswered' })
    expect(asked).toEqual(['GET'])
  })

  it('because the client was closed says so', async () => {
    await using server = await tcpServer((socket) => socket.once('data', () => void http.close()))
    const http = httpTo(server.url)
    expect(await http.send(get, anySignal())).toMatchObject({ kind: 'unanswered', reason: 'the operator is stopping' })
  })
})

describe('TLS', () => {
  const reasonOf = async (url: string, change: Parameters<typeof httpTo>[1] = {}) => {
    const answer = await once(httpTo(url, change))
    return answer.kind === 'answered' ? 'answered' : answer.reason
  }

  it('trusts the authority it is given', async () => {
    const tls = selfSignedCertificate()
    const sim = await startZStackSimulator({ tls })
    expect(await reasonOf(sim.url, { ca: tls.cert })).toBe('answered')
    await sim.close()
  })

  it('says that a certificate is of nobody it knows, and which setting helps', async () => {
    const sim = await startZStackSimulator({ tls: selfSignedCertificate() })
    expect(await reasonOf(sim.url)).toMatch(/self-signed; set ZSTACK_CA_FILE/)
    expect(await reasonOf(sim.url, { ca: selfSignedCertificate('another').cert })).toMatch(/ZSTACK_CA_FILE/)
    await sim.close()
  })

  it('says that a certificate is for another name', async () => {
    const tls = selfSignedCertificate()
    const sim = await startZStackSimulator({ tls, host: '127.0.0.2' })
    expect(await reasonOf(sim.url, { ca: tls.cert })).toBe('the TLS certificate is for another name')
    await sim.close()
  })

  it.each([
    ['has expired', -400 * day, /has expired/],
    ['is not valid yet', 400 * day, /not valid yet; compare the clocks/],
  ])('says that a certificate %s', async (_, shift, words) => {
    const tls = selfSignedCertificate('zstack', Date.now() + shift)
    const sim = await startZStackSimulator({ tls })
    expect(await reasonOf(sim.url, { ca: tls.cert })).toMatch(words)
    await sim.close()
  })

  it('accepts any certificate if it is configured to', async () => {
    const sim = await startZStackSimulator({ tls: selfSignedCertificate('zstack', Date.now() - 400 * day) })
    expect(await reasonOf(sim.url, { insecureSkipTlsVerify: true })).toBe('answered')
    await sim.close()
  })

  it('tells a server without TLS apart from one that does not answer', async () => {
    const sim = await startZStackSimulator()
    expect(await reasonOf(sim.url.replace('http:', 'https:'))).toMatch(/does not speak TLS .* https or http\?/)
    await sim.close()
  })

  it('what TLS refused was never sent', async () => {
    const sim = await startZStackSimulator({ tls: selfSignedCertificate() })
    const put: HttpRequest = { ...get, method: 'PUT', headers: { authorization: 'OAuth s' }, body: {} }
    expect(await once(httpTo(sim.url), put)).toMatchObject({ sent: false, isTls: true })
    expect(sim.counters.total).toBe(0)
    await sim.close()
  })
})
