/** What the operator needs to be allowed in Kubernetes; `deploy/base/rbac.yaml` grants it. */
export type Right = {
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly verbs: readonly string[]
  /** Needed in the operator's own namespace alone. */
  readonly isOwnNamespace?: true
  /** Needed for the object of this name alone. */
  readonly name?: string
}

export const operatorRights = (leaseName: string): readonly Right[] => [
  { group: 'ai.zstack.io', resource: 'modelservices', verbs: ['list', 'watch'] },
  { group: 'ai.zstack.io', resource: 'modelservices', subresource: 'status', verbs: ['update'] },
  { group: '', resource: 'events', verbs: ['create', 'patch'] },
  { group: 'coordination.k8s.io', resource: 'leases', verbs: ['create'], isOwnNamespace: true },
  { group: 'coordination.k8s.io', resource: 'leases', verbs: ['get', 'update'], isOwnNamespace: true, name: leaseName },
]
