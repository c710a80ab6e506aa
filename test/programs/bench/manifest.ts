/** A ModelService as people declare one: the usual fields, some that ZStack never shows, and a kilobyte of yaml. */
export function manifest(index: number, uuid: string, isWithYaml: boolean): object {
  const name = nameOf(index)
  const spec = {
    uuid,
    name: `chat-${index}`,
    description: `Chat completions of ${name}`,
    ...(isWithYaml && { yaml: yamlOf(index) }),
    requestCpu: 8,
    requestMemory: spellings[index % spellings.length],
    framework: 'HuggingFace',
    pythonVersion: '3.10',
    startCommand: `python -m vllm.entrypoints.openai.api_server --port ${8000 + index}`,
    environmentParameters: { HF_HUB_OFFLINE: '1', VLLM_LOGGING_LEVEL: 'INFO' },
    servicePorts: [8000],
  }
  return {
    apiVersion: 'ai.zstack.io/v1alpha1',
    kind: 'ModelService',
    metadata: { name, labels: labelsOf(index) },
    spec,
  }
}

/** A third of the fleet is of shard a, a third of shard b, and a third has no such label. */
const labelsOf = (index: number) => ({ ...(index % 3 < 2 && { shard: index % 3 === 0 ? 'a' : 'b' }) })

export const nameOf = (index: number) => `service-${index}`

/** One amount of memory as three people write it. */
const spellings = ['16Gi', 17_179_869_184, '16384Mi'] as const

/** A yaml unlike that of any other object. */
export function yamlOf(index: number): string {
  return `# The service that answers chat completions of team ${index}.
services:
  - name: ${nameOf(index)}
    ports: [${8000 + index}]
    livez: /health
    readyz: /ready
    serviceBootupTime: ${60 + (index % 120)}
    resources:
      requests: { cpu: 8, memory: 16Gi, gpu: 1 }
      limits: { cpu: 16, memory: 32Gi, gpu: 1 }
    volumes:
      - name: models
        mountPath: /models
        readOnly: true
      - name: cache
        mountPath: /var/cache/models
env:
  - name: HF_HOME
    value: /models/huggingface
  - name: HF_HUB_OFFLINE
    value: '1'
  - name: VLLM_WORKER_MULTIPROC_METHOD
    value: spawn
  - name: TEAM
    value: 'team-${index}'
engine:
  model: /models/team-${index}/Qwen2.5-7B-Instruct
  dtype: bfloat16
  maxModelLen: ${4096 * (1 + (index % 8))}
  tensorParallelSize: 1
  gpuMemoryUtilization: 0.9
  enablePrefixCaching: true
  servedModelName: [qwen2.5-7b-instruct, default]
distro:
  packages: [vim, nfs-utils, curl]
python:
  requirements_txt: ./requirements.txt
  index: https://pypi.example.com/simple
probes:
  startup: { path: /health, periodSeconds: 5, failureThreshold: 60 }
  liveness: { path: /health, periodSeconds: 10 }
`
}
