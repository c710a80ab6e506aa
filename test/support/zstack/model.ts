import { createHash, randomUUID } from 'node:crypto'

/** A model service as the wire shows it. Null fields are absent. */
export type ModelServiceInventory = Record<string, unknown> & { uuid: string; name: string }

/** The service of the published UpdateModelService example. */
export const EXAMPLE_UUID = '6c1a5f6167944aa1886294842075279f'

/** The other two services that the manifests in deploy/samples speak for. */
export const CHAT_UUID = '0b54cbe6a5f0484fa3ad9f6e0f7f1c02'
export const WATCHED_UUID = '7d1f3c8e2b9a4e6d8c5b0a9f1e2d3c4b'

const EXAMPLE_YAML = [
  'services:',
  ' - ports:',
  ' - 3000',
  ' name: qwen1.5-7b-chat:2b34xhrmqwhomjkd',
  ' livez: /livez',
  ' readyz: /readyz',
  ' serviceBootupTime: 30',
  'env:',
  ' - key:value',
  ' - key:value',
  'distro:',
  ' packages: vim,nfs-utils',
  'python:',
  ' requirements_txt: ./requirements.txt',
].join('\n')

/** The inventory fields that hold one value: what conditions, `sort` and `fields` may name. */
export const SCALAR_FIELDS: ReadonlySet<string> = new Set([
  'uuid',
  'name',
  'description',
  'readme',
  'yaml',
  'requestCpu',
  'requestMemory',
  'modelCenterUuid',
  'type',
  'framework',
  'source',
  'gpuComputeCapability',
  'system',
  'installPath',
  'startCommand',
  'pythonVersion',
  'condaVersion',
  'containerCommand',
  'containerArgs',
  'size',
  'supportDistributed',
  'hasNewVersion',
  'createDate',
  'lastOpDate',
])

/** 32 hex digits, no dashes. */
export function newUuid(): string {
  return randomUUID().replaceAll('-', '')
}

/** The same uuid for the same text, so that a demo keeps its names from run to run. */
export function namedUuid(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** `Nov 25, 2025 11:51:50 AM` in local time, the way Gson prints a Timestamp. */
export function wireDate(millis: number): string {
  const date = new Date(millis)
  const two = (part: number) => String(part).padStart(2, '0')
  const hour = date.getHours() % 12 || 12
  const day = `${MONTHS[date.getMonth()]!} ${date.getDate()}, ${date.getFullYear()}`
  return `${day} ${hour}:${two(date.getMinutes())}:${two(date.getSeconds())} ${date.getHours() < 12 ? 'AM' : 'PM'}`
}

/** A model service with every inventory field; what the test cares about goes into `change`. */
export function modelService(change: Partial<ModelServiceInventory> = {}): ModelServiceInventory {
  const uuid = change.uuid ?? newUuid()
  const now = wireDate(Date.now())
  const image = (cpuArchitecture: string) => ({
    uuid: newUuid(),
    modelServiceUuid: uuid,
    cpuArchitecture,
    vmImageUuid: newUuid(),
    dockerImage: `registry.example.com/${cpuArchitecture}/vllm:0.8.5`,
    createDate: now,
    lastOpDate: now,
  })
  return {
    name: `model-service-${uuid.slice(0, 8)}`,
    description: 'Serves a model',
    readme: '# Model service',
    yaml: 'services:\n  - name: main\n    ports:\n      - 3000\n    livez: /livez\n    readyz: /readyz\n',
    requestCpu: 4,
    requestMemory: 8 * 1024 ** 3,
    modelCenterUuid: namedUuid('model-center'),
    type: 'Endpoint',
    framework: 'HuggingFace',
    source: 'Local',
    gpuComputeCapability: '7.5',
    system: false,
    installPath: `/model-center/services/${uuid}`,
    startCommand: 'python start.py',
    pythonVersion: '3.10',
    condaVersion: '24.1.2',
    containerCommand: '/bin/sh',
    containerArgs: '-c "exec /start.sh"',
    size: 5_242_880,
    supportDistributed: false,
    hasNewVersion: false,
    cpuArchitectures: ['x86_64', 'aarch64'],
    modelServiceImages: [image('x86_64'), image('aarch64')],
    modelServiceRefs: [
      { id: 1, modelUuid: namedUuid('model'), modelServiceUuid: uuid, createDate: now, lastOpDate: now },
    ],
    vendorToSpecUuidsMap: { NVIDIA: [namedUuid('gpu-spec')] },
    createDate: now,
    lastOpDate: now,
    ...change,
    uuid,
  }
}

/** `count` services, the published example first, the same uuids at every start. */
export function seedServices(count: number): ModelServiceInventory[] {
  const example = { uuid: EXAMPLE_UUID, name: 'example', description: 'Example description for modelService' }
  return Array.from({ length: count }, (_, index) =>
    index === 0
      ? modelService({ ...example, yaml: EXAMPLE_YAML })
      : modelService({ uuid: namedUuid(`model-service-${index}`), name: `model-service-${index}` }),
  )
}

/** The services that deploy/samples speak for, before anybody applies those. */
export function sampleServices(): ModelServiceInventory[] {
  return [
    ...seedServices(1),
    modelService({ uuid: CHAT_UUID, name: 'chat', requestCpu: 8, requestMemory: 32 * 1024 ** 3 }),
    modelService({ uuid: WATCHED_UUID, name: 'watched', requestCpu: 8 }),
  ]
}
