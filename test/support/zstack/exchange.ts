import type { IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Answer } from './answers.ts'
import type { Delivery } from './faults.ts'

const JSON_TYPE = 'application/json;charset=UTF-8'

/** The whole body as text. Rejects when the client goes away first. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const { headers } = request
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return ''
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** Sends what is to be sent of an answer: all of it, half, a reset, or nothing for now. */
export function send(response: ServerResponse, { how, answer }: Delivery): void {
  if (how === 'never') return
  if (how === 'reset' || !answer) {
    reset(response)
    return
  }
  const body = write(response, answer)
  if (how === 'whole') return void response.end(body)
  // The connection may end only after the first half has left, or the client sees a plain reset.
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy())
}

/** Parsed JSON where it is JSON, else the text; undefined when empty. */
export function readable(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function reset({ socket }: ServerResponse): void {
  // Only a bare TCP socket can send a reset; under TLS an end without close_notify is as abrupt as it gets.
  if (socket instanceof TLSSocket) socket.destroy()
  else socket?.resetAndDestroy()
}

function write(response: ServerResponse, answer: Answer): Buffer {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body, 'utf8') : answer.body
  const headers = { 'content-type': answer.contentType ?? JSON_TYPE, 'content-length': body.length, ...answer.headers }
  response.writeHead(answer.status, headers)
  return body
}
