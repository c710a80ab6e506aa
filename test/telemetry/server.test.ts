import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkPage, listen, type Page } from '../../src/telemetry/server.ts'
import { freePort } from '../support/free-port.ts'

async function served(pages: Readonly<Record<string, Page>>) {
  const port = await freePort()
  const listener = await listen(port, pages)
  onTestFinished(() => listener.close())
  return {
    port,
    listener,
    get: async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
      return { status: response.status, text: await response.text(), type: response.headers.get('content-type') }
    },
  }
}

describe('the pages', () => {
  it('are served by path, whatever the query', async () => {
    const { get } = await served({ '/a': () => Promise.resolve({ status: 200, type: 'text/x', text: 'here' }) })
    expect(await get('/a?b=c')).toEqual({ status: 200, text: 'here', type: 'text/x' })
  })

  it.each([
    ['another path', '/b', {}],
    ['a path that objects have of themselves', '/constructor', {}],
    ['another method', '/a', { method: 'POST' }],
  ])('end in 404 for %s', async (_, path, init) => {
    const { get } = await served({ '/a': checkPage(() => []) })
    expect(await get(path, init)).toMatchObject({ status: 404, text: 'not found\n' })
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
  ])('end in 500 where one %s, and go on', async (_, page) => {
    const { get } = await served({ '/a': page, '/b': checkPage(() => []) })
    expect(await get('/a')).toMatchObject({ status: 500, text: 'Error: broken\n' })
    expect(await get('/b')).toMatchObject({ status: 200 })
  })

  it('come in pieces where they are long, and break off where one cannot be made', async () => {
    function* text(isBroken: boolean) {
      for (let i = 0; i < 1_000; i += 1) yield `${'x'.repeat(999)}\n`
      if (isBroken) throw new Error('broken')
    }
    const page = (isBroken: boolean) => () => Promise.resolve({ status: 200, type: 'text/x', text: text(isBroken) })
    const { get } = await served({ '/a': page(false), '/b': page(true) })
    expect((await get('/a')).text).toHaveLength(1_000_000)
    await expect(get('/b')).rejects.toThrow()
    expect((await get('/a')).status).toBe(200)
  })

  it('of a check say ok, or all that is wrong', async () => {
    const problems: string[] = []
    const { get } = await served({ '/healthz': checkPage(() => problems) })
    expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' })
    problems.push('one', 'two')
    expect(await get('/healthz')).toMatchObject({ status: 503, text: 'one\ntwo\n' })
  })

  it('are gone after the close, with connections that are kept alive', async () => {
    const { get, listener } = await served({ '/a': checkPage(() => []) })
    await get('/a')
    await listener.close()
    await expect(get('/a')).rejects.toThrow()
  })
})

describe('a port', () => {
  it('that is taken is refused by its number', async () => {
    const other = createServer().listen(0)
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await expect(listen(port, {})).rejects.toThrow(new RegExp(`^port ${port} cannot be had: .*EADDRINUSE`))
  })

  it('of 0 serves nothing', async () => {
    const listener = await listen(0, {})
    await listener.close()
  })
})
