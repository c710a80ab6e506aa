import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { createConnection, createServer as createTcpServer, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCluster, loadKubeConfig } from '../../src/kube/cluster.ts'
import { startHttpStub, type HttpStub } from '../support/http-stub.ts'
import { testDirectory, writeKubeconfig, type KubeconfigParts } from '../support/kubeconfig.ts'
import { selfSignedCertificate } from '../support/zstack/certificate.ts'

async function connect(parts: KubeconfigParts) {
  const config = loadKubeConfig({ KUBECONFIG: await writeKubeconfig(parts) })
  const cluster = createCluster(config, { userAgent: 'test/1', requestTimeoutMs: 25_000 })
  onTestFinished(() => cluster.close())
  return { cluster, ask: () => cluster.send({ method: 'GET', path: '/' }, AbortSignal.timeout(25_000)) }
}

const tokens = ({ requests }: HttpStub) => requests.map(({ headers }) => headers.authorization)

/** Lets time pass for the age of credentials alone: what is on the wire takes real time. */
function travel() {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  return (ms: number) => vi.advanceTimersByTime(ms)
}

/** A program as a kubeconfig may name, that gives another token at each call and says how often it was called. */
async function credentialsProgram() {
  const directory = await testDirectory()
  const program = join(directory, 'credentials.cjs')
  await writeFile(
    program,
    `const fs = require('node:fs')
     fs.appendFileSync(${JSON.stringify(join(directory, 'calls'))}, 'x')
     const calls = fs.readFileSync(${JSON.stringify(join(directory, 'calls'))}, 'utf8').length
     const expirationTimestamp = new Date(Date.now() - 1000).toISOString()
     const status = { token: 'token-' + calls, expirationTimestamp }
     console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }))`,
  )
  return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [program] } }
}

describe('credentials', () => {
  it('are those of a file that is read again: its new token is used without a restart', async () => {
    const pass = travel()
    const server = await startHttpStub((_, response) => response.end('{}'))
    const tokenFile = join(await testDirectory(), 'token')
    await writeFile(tokenFile, 'first')
    const { ask } = await connect({
      server: server.url,
      user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } },
    })
    await ask()
    await writeFile(tokenFile, 'second')
    pass(100_000)
    await ask()
    expect(tokens(server)).toEqual(['Bearer first', 'Bearer second'])
  })

  it('are asked for once by all who need them at the same moment, and kept', async () => {
    const server = await startHttpStub((_, response) => response.end('{}'))
    const { ask } = await connect({ server: server.url, user: await credentialsProgram() })
    await Promise.all([ask(), ask(), ask()])
    await ask()
    expect(new Set(tokens(server))).toEqual(new Set(['Bearer token-1']))
  })

  it('are asked for anew by the next request after they were refused, over the same connections', async () => {
    const server = await startHttpStub(({ headers }, response) =>
      response.writeHead(headers.authorization === 'Bearer token-1' ? 401 : 200).end('{}'),
    )
    const { ask } = await connect({ server: server.url, user: await credentialsProgram() })
    await expect(ask()).rejects.toMatchObject({ status: 401 })
    await ask()
    expect(tokens(server)).toEqual(['Bearer token-1', 'Bearer token-2'])
    expect(server.connections).toBe(1)
  })

  it('that cannot be had are an error that says why', async () => {
    const tokenFile = join(await testDirectory(), 'missing')
    const { ask } = await connect({ user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } })
    await expect(ask()).rejects.toMatchObject({
      name: 'ApiError',
      status: 0,
      message: expect.stringMatching(/^no credentials for the API server: ENOENT.*missing/) as string,
    })
  })

  it('that take for ever to get hold up nobody who gives up', async () => {
    const config = loadKubeConfig({ KUBECONFIG: await writeKubeconfig() })
    config.applySecurityAuthentication = () => new Promise(() => undefined)
    const cluster = createCluster(config, { userAgent: 'test/1', requestTimeoutMs: 25_000 })
    const asked = cluster.send({ method: 'GET', path: '/' }, AbortSignal.timeout(20))
    await expect(asked).rejects.toMatchObject({ name: 'ApiError', status: 0 })
  })
})

describe('TLS', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const certificate = selfSignedCertificate('api')
  const start = () => startHttpStub((_, response) => response.end('{}'), certificate)

  it('takes a server that the authority of the kubeconfig vouches for', async () => {
    const server = await start()
    const { ask } = await connect({
      server: server.url,
      cluster: { 'certificate-authority-data': base64(certificate.cert) },
    })
    expect(await ask()).toEqual({})
    expect(server.requests[0]?.httpVersion).toBe('1.1')
  })

  it('takes the authority from a file, relative to the kubeconfig', async () => {
    const server = await start()
    const file = join(await testDirectory(), 'ca.crt')
    await writeFile(file, certificate.cert)
    const { ask } = await connect({ server: server.url, cluster: { 'certificate-authority': file } })
    expect(await ask()).toEqual({})
  })

  it.each([
    ['no authority', {}],
    ['another authority', { 'certificate-authority-data': base64(selfSignedCertificate('other').cert) }],
  ])('refuses it with %s', async (_, cluster) => {
    const server = await start()
    const { ask } = await connect({ server: server.url, cluster })
    await expect(ask()).rejects.toThrow(/certificate|CERT/)
    expect(server.requests).toEqual([])
  })

  it('takes any server where the kubeconfig says not to look', async () => {
    const server = await start()
    const { ask } = await connect({ server: server.url, cluster: { 'insecure-skip-tls-verify': true } })
    expect(await ask()).toEqual({})
  })

  it('trusts a new authority in the file without a restart', async () => {
    const pass = travel()
    const server = await start()
    const file = join(await testDirectory(), 'ca.crt')
    await writeFile(file, selfSignedCertificate('old').cert)
    const { ask } = await connect({ server: server.url, cluster: { 'certificate-authority': file } })
    await expect(ask()).rejects.toThrow(/certificate|CERT/)
    await writeFile(file, certificate.cert)
    pass(31_000)
    expect(await ask()).toEqual({})
  })
})

describe('the way to the server', () => {
  it.each([[{}], [{ 'insecure-skip-tls-verify': true }]])(
    'is plain where the kubeconfig says http: %j',
    async (cluster) => {
      const server = await startHttpStub((_, response) => response.end('{}'))
      const { ask } = await connect({ server: server.url, cluster })
      expect(await ask()).toEqual({})
    },
  )

  it('leads through the proxy that the kubeconfig names', async () => {
    const proxy = await startHttpStub((_, response) => response.end('{}'))
    const { ask } = await connect({ server: 'http://api.invalid:6443', cluster: { 'proxy-url': proxy.url } })
    expect(await ask()).toEqual({})
    expect(proxy.requests[0]?.url).toBe('http://api.invalid:6443/')
  })

  it('leads through a tunnel of the proxy where the kubeconfig says https, and the authority still counts', async () => {
    const certificate = selfSignedCertificate('api')
    const server = await startHttpStub((_, response) => response.end('{}'), certificate)
    const tunnels: string[] = []
    const proxy = createServer().on('connect', (request: IncomingMessage, near: Duplex) => {
      tunnels.push(request.url ?? '')
      const far = createConnection(Number(new URL(server.url).port), '127.0.0.1', () => {
        near.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        near.pipe(far).pipe(near)
      })
      for (const end of [near, far]) end.on('error', () => undefined)
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    onTestFinished(() => void proxy.close())
    const authority = { 'certificate-authority-data': Buffer.from(certificate.cert).toString('base64') }
    const { port } = proxy.address() as AddressInfo
    const { ask } = await connect({
      server: server.url,
      cluster: { ...authority, 'proxy-url': `http://127.0.0.1:${port}` },
    })
    expect(await ask()).toEqual({})
    expect(tunnels).toEqual([server.url.replace('https://', '')])
  })

  it('leads through a SOCKS proxy', async () => {
    const proxy = createTcpServer((socket) => void socket.once('data', (hello: Buffer) => socket.end(hello)))
    const met = once(proxy, 'connection')
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    onTestFinished(() => void proxy.close())
    const { port } = proxy.address() as AddressInfo
    const { ask } = await connect({
      server: 'https://127.0.0.2:6443',
      cluster: { 'proxy-url': `socks5://127.0.0.1:${port}` },
    })
    await expect(ask()).rejects.toMatchObject({ name: 'ApiError', status: 0 })
    await met
  })
})
