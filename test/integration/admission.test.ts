import { beforeAll, describe, expect, it } from 'vitest'
import { crdFile } from '../../deploy/paths.ts'
import type { ApiServerAccess } from '../support/envtest/access.ts'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'

describe.skipIf(apiServerMissing())('the API server', () => {
  let server: ApiServerAccess
  let collection: string
  beforeAll(async () => {
    server = await sharedApiServer()
    await server.applyCrd(crdFile.pathname)
    collection = `/apis/ai.zstack.io/v1alpha1/namespaces/${await testNamespace(server)}/modelservices`
  })

  async function apply(spec: unknown, name = 'a') {
    const object = { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata: { name }, spec }
    const { status, body } = await server.request('POST', `${collection}?fieldValidation=Strict&dryRun=All`, object)
    return { status, message: (body as { message?: string }).message ?? '' }
  }

  const refused: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['no uuid', { uuid: undefined }, 'spec.uuid: Required value'],
    ['a uuid with dashes', { uuid: '6c1a5f61-6794-4aa1-8862-94842075279f' }, '32 lower-case hex digits without dashes'],
    ['an upper-case uuid', { uuid: uuid.toUpperCase() }, '32 lower-case hex digits without dashes'],
    ['a path for a uuid', { uuid: '../../accounts/sessions/aaaaaaaaa' }, '32 lower-case hex digits without dashes'],
    ['a negative CPU count', { requestCpu: -1 }, 'spec.requestCpu in body should be greater than or equal to 0'],
    ['half a CPU', { requestCpu: 0.5 }, 'must be of type integer'],
    ['a misspelt quantity', { requestMemory: '16Gx' }, 'a quantity that is one, such as 16Gi'],
    ['a part of a byte', { requestMemory: '100m' }, 'a quantity that is one, such as 16Gi'],
    ['negative memory', { requestMemory: -1 }, 'a quantity that is one, such as 16Gi'],
    ['a negative quantity', { requestMemory: '-16Gi' }, 'a quantity that is one, such as 16Gi'],
    [
      'a count of GiB without the unit',
      { requestMemory: 16 },
      '16 is 16 bytes, less than 1 MiB; write 16Gi for 16 GiB',
    ],
    [
      'the count of MiB of the published example',
      { requestMemory: '8192' },
      '8192 is 8192 bytes, less than 1 MiB; write 8192Mi for 8192 MiB',
    ],
    ['memory in too small a unit', { requestMemory: '16Ki' }, '16Ki is less than 1 MiB; write a larger unit, such as'],
    ['an unknown policy', { policy: 'Force' }, 'supported values: "Enforce", "ApplyChanges", "Observe"'],
    ['an unknown field', { requestCPU: 8 }, 'unknown field "spec.requestCPU"'],
    [
      'an image without architecture',
      { architectureImages: [{ dockerImage: 'x' }] },
      'cpuArchitecture: Required value',
    ],
    ['a type that no column of ZStack holds', { type: 'x'.repeat(33) }, 'spec.type: Too long'],
    ['a port beyond 65535', { servicePorts: [65536] }, 'should be less than or equal to 65535'],
    ['a number for a text', { startCommand: 5 }, 'must be of type string'],
  ]
  it.each(refused)('refuses %s and says what to write', async (_, change, message) => {
    const answer = await apply({ uuid, ...change })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.message).toContain(message)
  })

  it('refuses another uuid for an object that has one', async () => {
    const object = {
      apiVersion: 'ai.zstack.io/v1alpha1',
      kind: 'ModelService',
      metadata: { name: 'fixed' },
      spec: { uuid },
    }
    expect((await server.request('POST', collection, object)).status).toBe(201)
    const change = { spec: { uuid: 'f'.repeat(32) } }
    const { status, body } = await server.request(
      'PATCH',
      `${collection}/fixed`,
      change,
      'application/merge-patch+json',
    )
    expect(status).toBe(422)
    expect((body as { message: string }).message).toContain('spec.uuid: Invalid value')
    expect((body as { message: string }).message).toContain(
      'cannot be changed; delete this ModelService and create another',
    )
  })

  it.each([['16Gi'], ['1.5Gi'], ['2e9'], ['17179869184'], [17179869184], [0]])(
    'takes %s of memory',
    async (requestMemory) => {
      expect(await apply({ uuid, requestMemory })).toMatchObject({ status: 201 })
    },
  )

  /** Of the API page of UpdateModelService. Its memory is a count of MiB where the API takes bytes. */
  const published = {
    uuid,
    name: 'example',
    description: 'This is an example description.',
    yaml: 'example-yaml-configuration',
    requestCpu: 4,
    requestMemory: 8192,
    gpuComputeCapability: '7.5',
    startCommand: 'python start.py',
    pythonVersion: '3.8',
    type: 'Endpoint',
    framework: 'Transformers',
    source: 'HuggingFace',
    architectureImages: [
      {
        cpuArchitecture: 'X86_64',
        vmImageUuid: '1e463a11a89a38429f53f6bc34dbe4b3',
        dockerImage: 'registry.example.com/x86_64/myimage:latest',
      },
    ],
  }

  it('of the published example refuses the memory and nothing else', async () => {
    const { status, message } = await apply(published)
    expect(status).toBe(422)
    expect(message).toContain('8192 is 8192 bytes, less than 1 MiB; write 8192Mi for 8192 MiB')
    expect(await apply({ ...published, requestMemory: '8Gi' })).toMatchObject({ status: 201 })
  })

  it('takes several images of one architecture', async () => {
    const architectureImages = [
      { cpuArchitecture: 'x86_64', name: 'one', acceleratorType: 'NVIDIA' },
      { cpuArchitecture: 'x86_64', imageNamePattern: '.*npu.*' },
    ]
    expect(await apply({ uuid, architectureImages })).toMatchObject({ status: 201 })
  })

  it('adds nothing to a spec that Git lacks', async () => {
    const object = {
      apiVersion: 'ai.zstack.io/v1alpha1',
      kind: 'ModelService',
      metadata: { name: 'bare' },
      spec: { uuid },
    }
    const { body } = await server.request('POST', `${collection}?dryRun=All`, object)
    expect((body as { spec: unknown }).spec).toEqual({ uuid })
  })
})
