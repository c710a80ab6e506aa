import { beforeAll, describe, expect, it } from 'vitest'
import { crdFile } from '../../deploy/paths.ts'
import { createAdmission } from '../../src/cli/validation/admission.ts'
import { runCommand } from '../support/cli.ts'
import type { ApiServerAccess } from '../support/envtest/access.ts'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'
const head = { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService' }
const image = { cpuArchitecture: 'x86_64' }

/** Changes of a valid spec. */
const specs: readonly (readonly [string, Record<string, unknown>])[] = [
  ['nothing but a uuid', {}],
  ['every sort of memory', { requestMemory: '1.5Gi' }],
  ['memory in bytes', { requestMemory: 17179869184 }],
  ['an exponent', { requestMemory: '2e9' }],
  ['null for a field', { name: null }],
  ['null for the uuid', { uuid: null }],
  ['no uuid', { uuid: undefined }],
  ['a uuid with dashes', { uuid: '6c1a5f61-6794-4aa1-8862-94842075279f' }],
  ['an upper-case uuid', { uuid: uuid.toUpperCase() }],
  ['a uuid that is too long', { uuid: 'a'.repeat(65) }],
  ['a number for a uuid', { uuid: 7 }],
  ['a negative CPU count', { requestCpu: -1 }],
  ['too many CPUs', { requestCpu: 2147483648 }],
  ['half a CPU', { requestCpu: 0.5 }],
  ['CPUs as a text', { requestCpu: '4' }],
  ['a misspelt quantity', { requestMemory: '16Gx' }],
  ['a part of a byte', { requestMemory: '100m' }],
  ['negative memory', { requestMemory: -1 }],
  ['a negative quantity', { requestMemory: '-16Gi' }],
  ['more memory than is exact', { requestMemory: '9007199254740992' }],
  ['memory as a flag', { requestMemory: true }],
  ['an unknown policy', { policy: 'Force' }],
  ['an empty policy', { policy: '' }],
  ['an unknown field', { requestCPU: 8 }],
  ['two unknown fields', { zebra: 8, alpha: { b: 1 } }],
  ['an unknown key of an image', { architectureImages: [{ ...image, dockerimage: 'x' }] }],
  ['an image without architecture', { architectureImages: [{ dockerImage: 'x' }] }],
  ['an image with a wrong uuid', { architectureImages: [image, { ...image, vmImageUuid: 'x' }] }],
  ['too many images', { architectureImages: Array.from({ length: 65 }, () => image) }],
  ['a text for images', { architectureImages: 'x86_64' }],
  ['a text for an image', { architectureImages: ['x86_64'] }],
  ['a type that no column holds', { type: 'x'.repeat(33) }],
  ['characters that are two units each', { type: '😀'.repeat(32) }],
  ['one of these too many', { type: '😀'.repeat(33) }],
  ['a port beyond 65535', { servicePorts: [80, 65536] }],
  ['port 0', { servicePorts: [0] }],
  ['a port as text', { servicePorts: ['80'] }],
  ['a number for a text', { startCommand: 5 }],
  ['a flag as text', { supportDistributed: 'yes' }],
  ['a number in a map of texts', { environmentParameters: { A: 1 } }],
  ['null in a map of texts', { environmentParameters: { A: null } }],
  ['a list for a map', { environmentParameters: ['A'] }],
  ['a vendor with a wrong uuid', { vendorToSpecUuidsMap: { NVIDIA: ['x'] } }],
  ['several mistakes', { requestCpu: -1, requestMemory: '16Gx', servicePorts: [0] }],
  ['several mistakes, one of a type', { requestCpu: 'x', requestMemory: '16Gx' }],
]

/** Whole objects. */
const objects: readonly (readonly [string, Record<string, unknown>])[] = [
  ['no spec', { ...head, metadata: { name: 'a' } }],
  ['a text for a spec', { ...head, metadata: { name: 'a' }, spec: 'x' }],
  ['no name', { ...head, metadata: {}, spec: { uuid } }],
  ['a name in capitals', { ...head, metadata: { name: 'Chat' }, spec: { uuid } }],
  ['a name that is too long', { ...head, metadata: { name: 'a'.repeat(254) }, spec: { uuid } }],
  ['a label that is none', { ...head, metadata: { name: 'a', labels: { 'a b': 'c d' } }, spec: { uuid } }],
  ['a number for a label', { ...head, metadata: { name: 'a', labels: { a: 1 } }, spec: { uuid } }],
  ['a flag for an annotation', { ...head, metadata: { name: 'a', annotations: { a: true } }, spec: { uuid } }],
  ['an unknown key of the metadata', { ...head, metadata: { name: 'a', label: {} }, spec: { uuid } }],
  ['an unknown key beside the spec', { ...head, metadata: { name: 'a' }, spec: { uuid }, data: {} }],
  ['a status', { ...head, metadata: { name: 'a' }, spec: { uuid }, status: { conditions: [] } }],
]

/** The findings of a message sorted: the API server goes through the fields of an object in no order. */
function inOrder(message: string): readonly string[] {
  const [head = '', list] = message.split(' is invalid: [')
  return [
    head,
    ...(list ?? '')
      .replace(/\]$/, '')
      .split(/, (?=spec\.|metadata\.|<nil>: )/)
      .sort(),
  ]
}

const table = [
  ...specs.map(([what, change]) => [what, { ...head, metadata: { name: 'a' }, spec: { uuid, ...change } }] as const),
  ...objects,
]

describe.skipIf(apiServerMissing())('validate', () => {
  let server: ApiServerAccess
  let collection: string
  beforeAll(async () => {
    server = await sharedApiServer()
    await server.applyCrd(crdFile.pathname)
    collection = `/apis/ai.zstack.io/v1alpha1/namespaces/${await testNamespace(server)}/modelservices`
  })
  const admit = createAdmission()

  it.each(table)('says of %s what a real API server says', async (_, object) => {
    const { status, body } = await server.request('POST', `${collection}?fieldValidation=Strict&dryRun=All`, object)
    const said = status < 300 ? 'created' : (body as { message: string }).message
    const admission = admit(object)
    expect(inOrder(admission.ok ? 'created' : admission.message)).toEqual(inOrder(said))
  })
})

describe('the command validate', () => {
  const manifest = (spec: object) => JSON.stringify({ ...head, metadata: { name: 'chat' }, spec })

  it('ends in 0 where all are valid, and needs neither a cluster nor a ZStack', async () => {
    const { code, out } = await runCommand(['validate', '-f', 'deploy/samples'])
    expect({ code, out }).toEqual({ code: 0, out: '3 objects: 3 valid\n' })
  })

  it('ends in 3 where one is not, and names each finding on a line', async () => {
    const { code, out } = await runCommand(['validate', '-f', '-'], {
      stdin: manifest({ uuid, requestCpu: -1, requestMemory: '16Gx' }),
    })
    expect(code).toBe(3)
    expect(out).toMatch(
      /^× chat {2}standard input\n {4}spec\.requestCpu: [^\n]+\n {4}spec\.requestMemory: [^\n]+\n1 object: 0 valid, 1 invalid\n$/,
    )
  })

  it('ends in 3 where a text is no YAML, and says at which line', async () => {
    const { code, out } = await runCommand(['validate', '-f', '-'], { stdin: 'a: 1\nb: [\n' })
    expect(code).toBe(3)
    expect(out).toContain('× standard input:3 is no YAML')
  })

  it('ends in 1 where a file is not there, whatever else is invalid', async () => {
    const { code, out } = await runCommand(['validate', '-f', '-', '-f', 'no/such/file.yaml'], { stdin: manifest({}) })
    expect(code).toBe(1)
    expect(out).toContain('× no/such/file.yaml there is no such file or directory')
  })
})
