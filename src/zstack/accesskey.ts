/** The signature of access keys (README.md in this folder, Sessions). It needs no session: every request is signed. */
import { createHmac } from 'node:crypto'
import type { Redacted } from '../redacted.ts'

export type AccessKey = { readonly id: string; readonly secret: Redacted }

/**
 * The headers that authenticate one request.
 * @param path below the base URL; a query is not signed
 */
export function signature(
  key: AccessKey,
  method: string,
  path: string,
  now: Date,
): { date: string; authorization: string } {
  const date = now.toUTCString()
  const [signed = ''] = path.split('?', 1)
  const digest = createHmac('sha1', key.secret.reveal())
    .update(`${method}\n${date}\n${decodeURI(signed)}`)
    .digest('base64')
  return { date, authorization: `ZStack ${key.id}:${digest}` }
}
