import { describe, expect, it } from 'vitest'
import { ApiError, type ApiRequest, type Cluster } from '../../src/kube/cluster.ts'
import { createResource, type ResourceOptions } from '../../src/kube/resource.ts'
import { sample, type Sample } from '../support/sample-resource.ts'

const kind = { group: 'example.com', version: 'v1', plural: 'samples', kind: 'Sample' }
const signal = new AbortController().signal

/** A cluster that gives these answers in turn. */
function setUp(answers: readonly unknown[], options: Partial<ResourceOptions> = {}) {
  const sent: ApiRequest[] = []
  const streamed: string[] = []
  const cluster: Cluster = {
    server: 'memory',
    namespace: undefined,
    serviceAccount: () => undefined,
    send(request) {
      const answer = answers[sent.push(request) - 1]
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
    stream(path) {
      streamed.push(path)
      return Promise.resolve(new ReadableStream<Buffer>())
    },
    close: () => Promise.resolve(),
  }
  return { resource: createResource<Sample>(cluster, { ...kind, ...options }), sent, streamed }
}

const conflict = new ApiError(409, 'the object has been modified')
const base = '/apis/example.com/v1/namespaces/test/samples/a'
/** Needs no more rights than a watch has. */
const look = '/apis/example.com/v1/namespaces/test/samples?fieldSelector=metadata.name%3Da'
const bodyAt = (resourceVersion: string) => {
  const { name, namespace, uid } = sample('a').metadata
  const metadata = { name, namespace, uid, resourceVersion }
  return { apiVersion: 'example.com/v1', kind: 'Sample', metadata, status: { ready: true } }
}
const listing = (...items: readonly Sample[]) => ({ items, metadata: { resourceVersion: '9' } })

describe('the paths of a resource', () => {
  it.each<[string, Partial<ResourceOptions>, string]>([
    ['all namespaces', {}, '/apis/example.com/v1/samples?limit=5'],
    ['one namespace', { namespace: 'one' }, '/apis/example.com/v1/namespaces/one/samples?limit=5'],
    [
      'a selector',
      { labelSelector: 'a in (b, c)' },
      '/apis/example.com/v1/samples?labelSelector=a+in+%28b%2C+c%29&limit=5',
    ],
  ])('name %s', async (_, options, path) => {
    const { resource, sent } = setUp([{}], options)
    await resource.list({ limit: 5, more: undefined }, signal)
    expect(sent).toEqual([{ method: 'GET', path }])
  })

  it('ask for the page that comes next', async () => {
    const { resource, sent } = setUp([{ items: [sample('a')], metadata: { resourceVersion: '7', continue: 'x=/' } }])
    const list = await resource.list({ limit: 5, more: 'w&' }, signal)
    expect(sent[0]?.path).toBe('/apis/example.com/v1/samples?limit=5&continue=w%26')
    expect(list).toEqual({ items: [sample('a')], resourceVersion: '7', more: 'x=/' })
  })

  it('ask a watch for bookmarks and for an end', async () => {
    const { resource, streamed } = setUp([], { labelSelector: 'a=b' })
    await resource.watch('7', 120, signal)
    expect(streamed).toEqual([
      '/apis/example.com/v1/samples?labelSelector=a%3Db&watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=120',
    ])
  })
})

it.each([{ metadata: { resourceVersion: '7', continue: '' } }, { metadata: { resourceVersion: '7' }, items: null }])(
  'a list without items or another page is the last and empty: %j',
  async (answer) => {
    const { resource } = setUp([answer])
    const list = await resource.list({ limit: 5, more: undefined }, signal)
    expect(list).toEqual({ items: [], resourceVersion: '7', more: undefined })
  },
)

describe('a status', () => {
  it('goes to the object as it was read', async () => {
    const written = sample('a', { version: 8 })
    const { resource, sent } = setUp([written])
    expect(await resource.writeStatus(sample('a', { version: 7 }), { ready: true }, signal)).toEqual(written)
    expect(sent).toEqual([
      {
        method: 'PUT',
        path: `${base}/status`,
        body: bodyAt('7'),
      },
    ])
  })

  it('is sent again upon the version that there is when somebody else wrote meanwhile', async () => {
    const written = sample('a', { version: 10 })
    const { resource, sent } = setUp([conflict, listing(sample('a', { version: 9 })), written])
    expect(await resource.writeStatus(sample('a', { version: 7 }), { ready: true }, signal)).toEqual(written)
    expect(sent.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `PUT ${base}/status`,
      `GET ${look}`,
      `PUT ${base}/status`,
    ])
    expect(sent[2]?.body).toEqual(bodyAt('9'))
  })

  it.each<[string, readonly unknown[]]>([
    ['is gone', [new ApiError(404, 'not found')]],
    ['goes meanwhile', [conflict, listing()]],
    ['was replaced by another one of its name', [conflict, listing(sample('a', { uid: 'another' }))]],
  ])('gives nothing, and writes nothing more, when the object %s', async (_, answers) => {
    const { resource, sent } = setUp(answers)
    expect(await resource.writeStatus(sample('a'), {}, signal)).toBeUndefined()
    expect(sent).toHaveLength(answers.length)
  })

  it('fails when the conflicts do not end', async () => {
    const { resource, sent } = setUp(Array.from({ length: 20 }, (_, n) => (n % 2 ? listing(sample('a')) : conflict)))
    await expect(resource.writeStatus(sample('a'), {}, signal)).rejects.toThrow(conflict)
    expect(sent.filter(({ method }) => method === 'PUT')).toHaveLength(5)
  })

  it('fails with any other refusal', async () => {
    const { resource } = setUp([new ApiError(422, 'invalid')])
    await expect(resource.writeStatus(sample('a'), {}, signal)).rejects.toThrow('invalid')
  })
})
