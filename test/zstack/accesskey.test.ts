import { expect, it } from 'vitest'
import { signature } from '../../src/zstack/accesskey.ts'
import { redacted } from '../../src/redacted.ts'

const key = { id: 'AKIDEXAMPLE', secret: redacted('Zx8sd7Fj0qPl2') }
const path = '/v1/ai/model-services/6c1a5f6167944aa1886294842075279f'
const morning = new Date('2026-11-23T10:20:30Z')

// Computed apart from this code: printf 'GET\n…' | openssl dgst -sha1 -hmac SECRET -binary | base64
it('signs method, date and path the way openssl does', () => {
  expect(signature(key, 'GET', path, morning)).toEqual({
    date: 'Mon, 23 Nov 2026 10:20:30 GMT',
    authorization: 'ZStack AKIDEXAMPLE:BrWnRmsV3skfYhvnGcNZZ2mInak=',
  })
})

it('signs the decoded path', () => {
  const { authorization } = signature(key, 'PUT', '/v1/ai/model-services/a%20b', new Date('2026-12-01T00:00:00Z'))
  expect(authorization).toBe('ZStack AKIDEXAMPLE:dEMFLkt2GyiNnVwdzG/+C/OIF/w=')
})

it('leaves the query out, question marks in it too', () => {
  expect(signature(key, 'GET', `${path}?q=uuid?=a,b&limit=2`, morning)).toEqual(signature(key, 'GET', path, morning))
})

it('signs other methods, paths, moments and secrets otherwise', () => {
  const all = [
    signature(key, 'GET', path, morning),
    signature(key, 'PUT', path, morning),
    signature(key, 'GET', `${path}0`, morning),
    signature(key, 'GET', path, new Date('2026-11-23T10:20:31Z')),
    signature({ ...key, secret: redacted('other') }, 'GET', path, morning),
  ].map(({ authorization }) => authorization)
  expect(new Set(all).size).toBe(all.length)
})
