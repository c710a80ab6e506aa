import type { Container, PodSpec } from './manifest.ts'

const volumeKinds = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

/** What a pod asks for that the Pod Security level `restricted` refuses, in the words of the standard's fields. */
export function restrictedViolations(pod: PodSpec): string[] {
  const hosts = ['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers'].filter((field) => pod[field] === true)
  const volumes = (pod.volumes ?? [])
    .flatMap((volume) => Object.keys(volume))
    .filter((kind) => kind !== 'name' && !volumeKinds.includes(kind))
    .map((kind) => `volumes[].${kind}`)
  const initial = (pod.initContainers ?? []) as Container[]
  return [...hosts, ...volumes, ...[...pod.containers, ...initial].flatMap((container) => violationsOf(container, pod))]
}

function violationsOf(container: Container, pod: PodSpec): string[] {
  const own = container.securityContext ?? {}
  // What a container does not say, its pod says.
  const of = (field: string) => own[field] ?? pod.securityContext?.[field]
  const { drop = [], add = [] } = (own.capabilities ?? {}) as { drop?: string[]; add?: string[] }
  const ports = (container.ports ?? []) as { hostPort?: number }[]
  const rules: [string, boolean][] = [
    ['privileged', own.privileged !== true],
    ['allowPrivilegeEscalation', own.allowPrivilegeEscalation === false],
    ['capabilities.drop', drop.includes('ALL')],
    ['capabilities.add', add.every((name) => name === 'NET_BIND_SERVICE')],
    ['runAsNonRoot', of('runAsNonRoot') === true],
    ['runAsUser', of('runAsUser') !== 0],
    [
      'seccompProfile',
      ['RuntimeDefault', 'Localhost'].includes((of('seccompProfile') as { type?: string } | undefined)?.type ?? ''),
    ],
    ['procMount', [undefined, 'Default'].includes(own.procMount as string | undefined)],
    ['seLinuxOptions', of('seLinuxOptions') === undefined],
    ['sysctls', of('sysctls') === undefined],
    ['hostPort', ports.every(({ hostPort = 0 }) => hostPort === 0)],
  ]
  return rules.filter(([, isKept]) => !isKept).map(([field]) => `${container.name}: ${field}`)
}
