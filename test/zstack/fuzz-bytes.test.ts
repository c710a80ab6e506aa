import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Result } from '../../src/decide/failure.ts'
import { fixedCredentials } from '../../src/zstack/credentials.ts'
import { accessKey, anySignal, connectionOver, httpTo } from '../support/client.ts'
import { createManualClock } from '../support/clock.ts'
import { tcpServer } from '../support/raw-server.ts'

const uuid = 'a'.repeat(32)
const bomb = `{"inventories":${'['.repeat(100_000)}`
const bytes = (text: string) => Buffer.from(text, 'latin1')

const inventory = JSON.stringify({ inventories: [{ uuid, name: 'n', requestCpu: 4 }], inventory: { uuid, name: 'n' } })
const body = fc.oneof(
  fc.constantFrom('', '{', 'null', '[]', inventory, bomb, '\u00ff\u00fe{}', '{"inventories":[{"uuid":1e999}]}'),
  fc.string({ unit: 'binary', maxLength: 200 }),
)
const header = fc.constantFrom(
  ...[
    'Content-Type: application/json',
    'Content-Encoding: gzip',
    'Connection: close',
    'Location: //x/../..',
    'X: \u0001',
  ],
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Content-Length: -1', 'Content-Length: 9e9'],
  ...['Content-Length: 99999999999999999999', 'Upgrade: websocket', `Y: ${'y'.repeat(100_000)}`, 'no header at all'],
)
const status = fc.constantFrom(
  ...['200 OK', '202 Accepted', '100 Continue', '101 Switching Protocols', '204 No Content', '304 Not Modified'],
  ...['302 Found', '400 Bad Request', '503 Unavailable', '999 Odd', '0 Zero', '-1 x', '20', '2000 x', ''],
)
const answer = fc
  .record({
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'ICY'),
    status,
    headers: fc.array(header, { maxLength: 3 }),
    body,
    isCounted: fc.boolean(),
  })
  .map((parts) => {
    const length = parts.isCounted ? [`Content-Length: ${parts.body.length}`] : []
    return bytes([`${parts.version} ${parts.status}`, ...length, ...parts.headers, '', parts.body].join('\r\n'))
  })
const garbage = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const cut = fc.tuple(answer, fc.nat(300)).map(([whole, at]) => whole.subarray(0, at))
const reply = fc.record({
  parts: fc.array(fc.oneof(answer, cut, garbage), { minLength: 1, maxLength: 3 }),
  end: fc.constantFrom('end', 'reset', 'stay'),
})

it('whatever bytes a server answers with, each call ends in an answer within its time, and the next one is sent', () =>
  fc.assert(
    fc.asyncProperty(fc.array(reply, { minLength: 1, maxLength: 4 }), async (replies) => {
      let count = 0
      await using server = await tcpServer((socket) =>
        socket.on('data', () => {
          const { parts, end } = replies[count++ % replies.length]!
          for (const part of parts) socket.write(part)
          if (end === 'end') socket.end()
          if (end === 'reset') socket.resetAndDestroy()
        }),
      )
      const clock = createManualClock()
      const { inventory: services, close } = connectionOver({
        endpoint: server.url,
        http: httpTo(server.url, { timeoutMs: 50 }),
        credentials: fixedCredentials(accessKey),
        requestBody: 'envelope',
        maxInFlight: 2,
        clock,
      })
      const calls: readonly (() => Promise<Result<unknown>>)[] = [
        () => services.read(uuid, anySignal()),
        () => services.update(uuid, { environmentParameters: { T: 'secret-value' } }, anySignal()),
        () => services.job(uuid, { uuid: 'j' }, anySignal()),
      ]
      for (const call of calls) {
        const end = await call()
        if (end.ok) continue
        expect(end.failure.message.length).toBeLessThan(1_000)
        expect(end.failure.message).not.toMatch(/secret-value|[\p{Cc}]/u)
      }
      await close()
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 60, seed: 20261123, endOnFailure: true },
  ))
