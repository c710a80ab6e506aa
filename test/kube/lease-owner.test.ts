import { describe, expect, it } from 'vitest'
import { serviceAccountOf } from '../../src/kube/service-account.ts'
import { candidate, createLeaseWorld, foreign } from '../support/candidate.ts'
import { limits } from '../../src/limits.ts'

const account = { namespace: 'test', name: 'operator', uid: '9d0b8665-2e6c-4e05-8a77-6ad5077efe3a' }

describe('a lease that this process makes', () => {
  it('belongs to its service account, so that it goes when the operator is uninstalled', async () => {
    const { clock, api } = createLeaseWorld({ account })
    candidate('one', { clock, api })
    await clock.advance(3 * limits.lease.retryMs)
    const { name, uid } = account
    expect(api.lease()?.metadata.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'ServiceAccount', name, uid }])
  })

  it.each([
    ['the service account is of another namespace', { account: { ...account, namespace: 'elsewhere' } }],
    ['the process is no pod', {}],
  ])('belongs to nobody where %s', async (_, world) => {
    const { clock, api } = createLeaseWorld(world)
    candidate('one', { clock, api })
    await clock.advance(limits.lease.retryMs)
    expect(api.lease()?.metadata).toMatchObject({ name: 'leader' })
    expect(api.lease()?.metadata).not.toHaveProperty('ownerReferences')
  })
})

it('a lease that somebody else made keeps its owner', async () => {
  const { clock, api } = createLeaseWorld({ account })
  api.put({ ...foreign(), holderIdentity: '' })
  const one = candidate('one', { clock, api })
  await clock.advance(limits.lease.retryMs)
  expect(one.isHeld()).toBe(true)
  expect(api.lease()?.metadata).not.toHaveProperty('ownerReferences')
})

describe('the service account of a request', () => {
  const bearer = (payload: string) => `Bearer header.${Buffer.from(payload).toString('base64url')}.signature`

  it('is read from the token', () => {
    const { namespace, name, uid } = account
    const claims = { 'kubernetes.io': { namespace, serviceaccount: { name, uid } } }
    expect(serviceAccountOf(bearer(JSON.stringify(claims)))).toEqual(account)
  })

  it.each([
    ['nothing', undefined],
    ['a password', 'Basic YTpi'],
    ['an opaque token', 'Bearer abcdef.0123456789abcdef'],
    ['a token of another issuer', bearer('{"sub":"somebody"}')],
    ['a token without a uid', bearer('{"kubernetes.io":{"namespace":"a","serviceaccount":{"name":"b"}}}')],
    ['a token whose claims are null', bearer('{"kubernetes.io":null}')],
    ['a token that holds no object', bearer('null')],
    ['a token that holds no JSON', bearer('{')],
  ])('is unknown where the header holds %s', (_, header) => {
    expect(serviceAccountOf(header)).toBeUndefined()
  })
})
