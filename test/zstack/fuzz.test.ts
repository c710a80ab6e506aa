import fc from 'fast-check'
import { expect, it } from 'vitest'
import { failurePolicy, type Result } from '../../src/decide/failure.ts'
import { fixedCredentials } from '../../src/zstack/credentials.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { accessKey, admin, anySignal, connectionOver } from '../support/client.ts'
import { createManualClock } from '../support/clock.ts'
import { answered, createScriptedHttp, refusedWith, session, silence } from '../support/scripted-http.ts'

const a = 'a'.repeat(32)
const b = 'b'.repeat(32)
const codes = 'SYS.1000 SYS.1003 SYS.1006 SYS.1007 ID.1000 ID.1001 ID.1002 ID.1003 ID.1006 XYZ'.split(' ')

const oddInventory = fc.record(
  {
    uuid: fc.constantFrom(a, b),
    name: fc.jsonValue(),
    yaml: fc.jsonValue(),
    requestCpu: fc.jsonValue(),
    modelServiceImages: fc.jsonValue(),
    vendorToSpecUuidsMap: fc.jsonValue(),
    system: fc.jsonValue(),
  },
  { requiredKeys: ['uuid'] },
)
const body = fc.oneof(
  fc.jsonValue(),
  oddInventory.map((inventory) => ({ inventory })),
  fc.array(oddInventory, { maxLength: 3 }).map((inventories) => ({ inventories })),
  fc.constant({ inventory: { uuid: 'some-session' } }),
  fc.constantFrom('x', '/v1/api-jobs/j1', 'http://node/v1/api-jobs/j1').map((location) => ({ location })),
  fc.record({ error: fc.oneof(fc.jsonValue(), fc.record({ code: fc.constantFrom(...codes), cause: fc.jsonValue() })) }),
)
const status = fc.oneof(
  fc.constantFrom(200, 202, 400, 401, 403, 404, 429, 502, 503),
  fc.integer({ min: 200, max: 599 }),
)
const answer: fc.Arbitrary<HttpAnswer> = fc.oneof(
  fc.tuple(status, body).map(([code, json]): HttpAnswer => ({ ...answered(code), text: JSON.stringify(json), json })),
  fc.tuple(status, fc.string()).map(([code, text]) => answered(code, text)),
  fc
    .tuple(fc.constantFrom(...codes), fc.array(fc.constantFrom(...codes), { maxLength: 3 }))
    .map(([code, nested]) => refusedWith(code, 'words', ...nested)),
  fc.constantFrom(
    answered(404, 'the job has been expired'),
    answered(404, 'no api mapping to /v1'),
    answered(403, 'requestTimeTooSkewed'),
    answered(400, "the body doesn't contain action mapping to the URL[/v1]"),
    session('some-session'),
    silence(true),
    silence(false),
  ),
)

const step = fc.record({
  what: fc.constantFrom('read', 'refresh', 'update', 'secret update', 'job', 'wait'),
  many: fc.boolean(),
})

it('whatever ZStack answers, every call ends in an answer: nothing is thrown and nothing hangs', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(answer, { minLength: 1, maxLength: 30 }),
      fc.array(step, { minLength: 1, maxLength: 10 }),
      fc.constantFrom('auto', 'envelope', 'flat'),
      fc.constantFrom(admin, accessKey),
      async (answers, steps, requestBody, credentials) => {
        const clock = createManualClock()
        const { inventory, close } = connectionOver({
          http: createScriptedHttp((_, count) => answers[count % answers.length]!),
          credentials: fixedCredentials(credentials),
          requestBody,
          maxInFlight: 2,
          clock,
        })
        const one = (what: string): Promise<Result<unknown>> => {
          const signal = anySignal()
          switch (what) {
            case 'read':
              return inventory.read(a, signal)
            case 'refresh':
              return inventory.refresh([a, b], signal)
            case 'update':
              return inventory.update(
                a,
                {
                  requestCpu: 8,
                  yaml: 'a: 1',
                  architectureImages: [{ cpuArchitecture: 'x86_64' }],
                  vendorToSpecUuidsMap: { N: [b] },
                },
                signal,
              )
            case 'secret update':
              return inventory.update(b, { environmentParameters: { T: 'secret-value' } }, signal)
            default:
              return inventory.job(a, { uuid: 'j1' }, signal)
          }
        }
        for (const { what, many } of steps) {
          if (what === 'wait') {
            await clock.advance(60_000)
            continue
          }
          let ends: readonly Result<unknown>[] | undefined
          const all = Promise.all(Array.from({ length: many ? 5 : 1 }, () => one(what))).then((list) => (ends = list))
          // More than any wait within one call: the lesson about the body shape.
          for (let i = 0; i < 40 && !ends; i++) await clock.advance(10_000)
          if (!ends) throw new Error(`${what} hangs`)
          await all
          for (const end of ends) {
            if (end.ok) continue
            expect(Object.keys(failurePolicy)).toContain(end.failure.kind)
            expect(end.failure.message).not.toContain('secret-value')
          }
        }
        await close()
        expect(clock.pending).toBe(0)
      },
    ),
    { numRuns: 150, seed: 20261123 },
  ))
