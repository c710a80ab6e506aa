/** `/metrics`, `/healthz` and `/readyz` over plain HTTP. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** What is wrong, in one sentence each; empty when all is well. */
export type Check = () => readonly string[]

export interface Listener {
  close(): Promise<void>
}

/** A long text comes in pieces, each made when the one before is on its way. */
export type Page = () => Promise<{
  readonly status: number
  readonly type: string
  readonly text: string | Iterable<string>
}>

/** Well or not as the check says; the notes tell what is wrong without the process being unwell. */
export function checkPage(check: Check, notes: Check = () => []): Page {
  return () => {
    const problems = check()
    const text = [...new Set([...(problems.length === 0 ? ['ok'] : problems), ...notes()])]
      .map((line) => `${line}\n`)
      .join('')
    return Promise.resolve({ status: problems.length === 0 ? 200 : 503, type: 'text/plain; charset=utf-8', text })
  }
}

/** Serves the pages by path; port 0 serves nothing. Rejects when the port cannot be had, naming it. */
export async function listen(port: number, pages: Readonly<Record<string, Page>>): Promise<Listener> {
  if (port === 0) return { close: () => Promise.resolve() }
  const server = createServer(answer(pages))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`port ${port} cannot be had: ${error.message}`, { cause: error })))
    server.listen(port, resolve)
  })
  return { close: () => closed(server) }
}

function answer(pages: Readonly<Record<string, Page>>): RequestListener {
  return (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?', 1)
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (!page || request.method !== 'GET') {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('not found\n')
      return
    }
    void send(page, response)
  }
}

async function send(page: Page, response: ServerResponse): Promise<void> {
  try {
    const { status, type, text } = await page()
    response.writeHead(status, { 'content-type': type })
    if (typeof text === 'string') response.end(text)
    else await pipeline(Readable.from(text), response)
  } catch (error) {
    // Too late for another answer: the reader sees a page that breaks off.
    if (response.headersSent) response.destroy()
    else response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${String(error)}\n`)
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
