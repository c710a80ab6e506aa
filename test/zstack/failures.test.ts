import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failurePolicy, type Failure, type FailureKind } from '../../src/decide/failure.ts'
import { kindByCode } from '../../src/zstack/error-codes.ts'
import { failureOf, type RequestInfo } from '../../src/zstack/failures.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { endpoint } from '../support/client.ts'
import { answered, refusedWith, silence } from '../support/scripted-http.ts'

const reading: RequestInfo = { endpoint, asks: 'query', secrets: [] }
const writing: RequestInfo = { ...reading, asks: 'update' }
const askingAfterJob: RequestInfo = { ...reading, asks: 'job' }

function failing(answer: HttpAnswer, asked = writing): Failure {
  const failure = failureOf(answer, asked)
  if (!failure) throw new Error('no failure')
  return failure
}

describe('no failure is', () => {
  it.each([
    ['JSON', answered(200, { inventories: [] })],
    ['a job accepted', answered(202, { location: 'http://node/v1/api-jobs/x' })],
    ['a job that still runs, which is 202 with nothing in it', answered(202)],
    ['a job that was forgotten', answered(404, 'the job has been expired')],
  ])('%s', (_, answer) => {
    expect(failureOf(answer, writing)).toBeUndefined()
  })
})

describe('the kind of a failure', () => {
  it.each([...kindByCode])('%s is %s', (code, kind) => {
    expect(failing(refusedWith(code))).toMatchObject({ kind, code })
  })

  const page = '<html><body>Bad Gateway</body></html>'
  const outcomes: readonly [string, HttpAnswer, FailureKind, boolean][] = [
    ['connection refused', silence(false), 'unavailable', false],
    ['a connection cut', silence(true), 'unavailable', true],
    ['502 with a page', answered(502, page), 'unavailable', true],
    ['503 with nothing', answered(503), 'unavailable', true],
    ['504 with nothing', answered(504), 'unavailable', true],
    ['429', answered(429, 'slow down'), 'unavailable', false],
    ['408', answered(408), 'unavailable', true],
    ['500 with text', answered(500, 'java.lang.NullPointerException'), 'unavailable', true],
    ['a code of unknown meaning', refusedWith('AI.4711'), 'operation', true],
    ['a code that is a name in JavaScript', refusedWith('constructor'), 'operation', true],
    ['200 with a page', answered(200, page), 'protocol', true],
    ['200 with half of its JSON', answered(200, '{"inventory":{"uu'), 'protocol', true],
    ['200 with a number', answered(200, 4), 'protocol', true],
    ['200 with null', answered(200, null), 'protocol', true],
    ['204', answered(204), 'protocol', true],
    ['301', { ...answered(301), location: 'https://zstack.example/' }, 'wrongEndpoint', false],
    ['no api mapping', answered(404, 'no api mapping to /v1/ai/model-services'), 'wrongEndpoint', false],
    ['a header lost', answered(400, "missing header 'Authorization'"), 'wrongEndpoint', false],
    ['a key that is none', answered(400, "accessKey format is 'ZStack A:S'"), 'credentials', false],
    ['a skewed clock', answered(403, 'requestTimeTooSkewed'), 'clockSkew', false],
    ['a page with 401 of something in front of ZStack', answered(401, 'who are you'), 'rejected', false],
    ['a page with 403 of something in front of ZStack', answered(403, page), 'rejected', false],
    ['400', answered(400, 'field[requestCpu] must be an integer'), 'rejected', false],
    ['405', answered(405, 'The method[PUT] is not allowed'), 'rejected', false],
    ['200 with an error in it', answered(200, { error: { code: 'SYS.1007' } }), 'rejected', false],
    ['202 with an error in it', answered(202, { error: { code: 'SYS.1007' } }), 'rejected', false],
    ['an error without a code', answered(503, { error: { details: 'x' } }), 'unavailable', true],
  ]
  it.each(outcomes)('%s', (_, answer, kind, isAmbiguous) => {
    expect(failing(answer, writing)).toMatchObject({ kind })
    expect(failing(answer, writing).ambiguous === true).toBe(isAmbiguous)
    expect(failing(answer, reading).ambiguous).toBeUndefined()
  })

  it('refused credentials are to be corrected where they stand', () => {
    const place = { ...reading, credentialsPlace: 'Secret zstack in namespace models' }
    expect(failing(refusedWith('ID.1000'), place).message).toMatch(
      /; correct Secret zstack in namespace models: the next try is when that changes, or in 30 minutes, /,
    )
  })

  it('a certificate that is not trusted needs a person, and nobody is told to look at the network', () => {
    const answer = { kind: 'unanswered', reason: 'the TLS certificate has expired', sent: false, isTls: true } as const
    expect(failing(answer)).toEqual({
      kind: 'tls',
      message: `no TLS connection to ZStack at ${writing.endpoint} is made: the TLS certificate has expired`,
    })
  })

  it.each<[RequestInfo['asks'], FailureKind]>([
    ['update', 'rejected'],
    ['job', 'unavailable'],
    ['query', 'wrongEndpoint'],
    ['logIn', 'credentials'],
  ])('a page with 403 in answer to %s is %s: of ZStack itself it says nothing', (asks, kind) => {
    const failure = failing(answered(403, page), { ...reading, asks })
    expect(failure.kind).toBe(kind)
    if (asks !== 'logIn') expect(failure.message).toMatch(/^something in front of ZStack .* refuses the .*let it pass/)
  })

  it('a query that the account may not make is the trouble of the connection, and names the right that is missing', () => {
    expect(failing(refusedWith('ID.1002'), reading)).toMatchObject({
      kind: 'readPermission',
      message: expect.stringMatching(/grant it the permission to query model services$/) as string,
    })
  })

  it.each(['SYS.1006', 'SYS.1002', 'SYS.1017', 'SYS.4711'])(
    '%s is the trouble of the object if its update or job fails so, and of the connection otherwise',
    (code) => {
      const kinds = [writing, askingAfterJob, reading].map((asked) => failing(refusedWith(code), asked).kind)
      expect(kinds).toEqual(['operation', 'operation', 'unavailable'])
    },
  )

  it.each<[string, string[], string]>([
    ['the cause names what the outside does not', ['SYS.1006', 'ID.1001'], 'ID.1001'],
    ['the deepest telling one wins', ['SYS.1000', 'SYS.1007', 'ID.1003'], 'ID.1003'],
    ['trouble below does not hide what is wrong', ['SYS.1007', 'SYS.1000'], 'SYS.1007'],
    ['a known code below an unknown one wins', ['XYZ.1', 'SYS.1006'], 'SYS.1006'],
    ['an unknown code below says nothing', ['SYS.1006', 'XYZ.1'], 'SYS.1006'],
  ])('of nested causes, %s', (_, [outer = '', ...nested], telling) => {
    const failure = failing(refusedWith(outer, 'words', ...nested))
    expect(failure.code).toBe(telling)
    expect(failure.message).toContain(telling)
  })

  it('a cause as deep as an answer can be is read without harm', () => {
    let text = '{"code":"ID.1001"}'
    for (let i = 0; i < 100_000; i++) text = `{"code":"SYS.1000","cause":${text}}`
    text = `{"error":${text}}`
    const answer: HttpAnswer = { kind: 'answered', status: 503, text, json: JSON.parse(text) }
    expect(failing(answer).kind).toBe('unavailable')
  })
})

describe('the message of a failure', () => {
  it.each<[string, HttpAnswer, RegExp]>([
    ['silence', silence(true), /does not answer: connection refused; check ZSTACK_ENDPOINT/],
    [
      'trouble',
      refusedWith('SYS.1000', 'disk full'),
      /in trouble \(SYS\.1000: disk full\); look at the management node/,
    ],
    ['a proxy', answered(502, '<html>oh</html>'), /502 from the node or a proxy before it; look at both$/],
    ['no JSON', answered(200, 'hello'), /without readable JSON; is ZSTACK_ENDPOINT the management node/],
    [
      'another path',
      answered(404, 'no api mapping to /v1'),
      /404: no api mapping to \/v1\); ZSTACK_ENDPOINT is the base/,
    ],
    ['a clock', answered(403, 'requestTimeTooSkewed'), /clocks differ by more than 15 minutes; set the clock/],
    ['credentials', refusedWith('ID.1000', 'wrong password'), /ID\.1000: wrong password\); correct the Secret/],
    [
      'a disabled account',
      refusedWith('ID.1007', 'disabled by admin'),
      /refuses the account, for it is disabled \(ID\.1007: disabled by admin\); enable the account in ZStack, or put/,
    ],
    ['sessionLimit', refusedWith('ID.1006'), /no session left .* log out unused sessions or raise the limit/],
    [
      'a wrong value',
      refusedWith('SYS.1007', 'bad cpu'),
      /refuses the update \(SYS\.1007: bad cpu\); correct the spec/,
    ],
    ['permission', refusedWith('ID.1002'), /may not do this .*; grant it the permission/],
    ['quota', refusedWith('ID.1003'), /quota .* exceeded .*; raise the quota or lower the request/],
    [
      'an operation',
      refusedWith('SYS.1006', 'no space'),
      /could not carry out the update \(SYS\.1006: no space\); look at/,
    ],
  ])('on %s says what is wrong and what to do', (_, answer, words) => {
    expect(failing(answer).message).toMatch(words)
  })

  it('names the endpoint where the whole connection fails', () => {
    for (const code of kindByCode.keys()) {
      const { kind, message } = failing(refusedWith(code))
      if (failurePolicy[kind].scope === 'connection') expect(message).toContain(endpoint)
    }
  })

  it.each([
    ['https://other.example:8443/login?token=secret', 'https://other.example:8443'],
    ['https://user:secret@other.example/', 'https://other.example'],
    ['/secret', 'another path'],
    ['data:secret', 'another path'],
  ])('on a redirect to %s shows no more of it than %s', (location, shown) => {
    const { message } = failing({ ...answered(302), location })
    expect(message).toContain(`redirects to ${shown} `)
    expect(message).not.toContain('secret')
  })

  it('repeats no page of a proxy, and of long words only the beginning, on one line', () => {
    expect(failing(answered(400, ' <!DOCTYPE html><p>no')).message).not.toContain('DOCTYPE')
    const { message } = failing(refusedWith('SYS.1007', `a\n\tb\u0000 ${'x'.repeat(10_000)}`))
    expect(message).toContain('a b xxx')
    expect(message.length).toBeLessThan(400)
  })

  it('a code as long as an answer is cut', () => {
    const { code, message } = failing(refusedWith('X'.repeat(1_000_000)))
    expect(code?.length).toBeLessThanOrEqual(40)
    expect(message.length).toBeLessThan(400)
  })

  it('keeps the words that tell the body shapes apart, even where a secret reads like one of them', () => {
    const text = "the body doesn't contain action mapping to the URL[/v1/ai/model-services/x]"
    const { message } = failing(answered(400, text), { ...writing, secrets: ['action', 'body'] })
    expect(message).toContain("the body doesn't contain action mapping")
  })

  const secret = fc.string({ minLength: 3, maxLength: 40, unit: 'grapheme' }).filter((text) => text.trim().length > 2)
  it('never holds a secret that ZStack repeats, as it stands or as JSON', () =>
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        fc.string({ maxLength: 20 }),
        (secrets, between) => {
          const marked = secrets.map((one) => `§${one}§`)
          const words = [...marked, ...marked.map((one) => JSON.stringify(one)), JSON.stringify(marked)].join(between)
          for (const answer of [
            refusedWith('SYS.1006', words),
            refusedWith('SYS.1000', 'x', 'SYS.1007'),
            answered(400, words),
          ]) {
            const { message } = failing(answer, { ...writing, secrets: marked })
            for (const one of marked) {
              expect(message).not.toContain(one)
              expect(message).not.toContain(JSON.stringify(one).slice(1, -1))
            }
          }
        },
      ),
      { seed: 20261123 },
    ))

  it('hides a secret that begins with another one whole', () => {
    const { message } = failing(refusedWith('SYS.1007', 'was [abcdef]'), { ...writing, secrets: ['abc', 'abcdef'] })
    expect(message).toContain('was [***]')
  })
})

it('every answer there can be is a failure or none, and throws nothing', () =>
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), fc.jsonValue(), fc.boolean(), (status, json, isError) => {
      const body = isError ? { error: json } : json
      const answer: HttpAnswer = { kind: 'answered', status, text: JSON.stringify(body), json: body }
      const failure = failureOf(answer, writing)
      if (failure) expect(Object.keys(failurePolicy)).toContain(failure.kind)
      else expect([200, 202, 404]).toContain(status)
    }),
    { numRuns: 1_000, seed: 20261123 },
  ))
