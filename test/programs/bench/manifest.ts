/** A ModelService as people declare one: about a kilobyte of yaml, the usual fields, and some that ZStack never shows. */
export function manifest(name: string, uuid: string): object {
  const spec = {
    uuid,
    description: `Chat completions of ${name}`,
    yaml: yamlOf(name),
    requestCpu: 8,
    requestMemory: '16Gi',
    framework: 'HuggingFace',
    pythonVersion: '3.10',
    startCommand: 'python -m vllm.entrypoints.openai.api_server --port 8000',
    environmentParameters: { HF_HUB_OFFLINE: '1', VLLM_LOGGING_LEVEL: 'INFO' },
    servicePorts: [8000],
  }
  return { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata: { name }, spec }
}

function yamlOf(name: string): string {
  return `# The service that answers chat completions.
services:
  - name: ${name}
    ports: [8000]
    livez: /health
    readyz: /ready
    serviceBootupTime: 120
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
  - name: NCCL_P2P_DISABLE
    value: '0'
engine:
  model: /models/Qwen2.5-7B-Instruct
  dtype: bfloat16
  maxModelLen: 32768
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
