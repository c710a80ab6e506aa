/** What this run calls its things, so that it can tell them from those of others. */
export const operatorNamespace = 'modelservice-e2e'
export const modelsNamespace = 'modelservice-e2e-models'

/** On everything that is not in these namespaces. */
export const e2eLabels = { 'ai.zstack.io/e2e': 'true' } as const
export const e2eSelector = Object.entries(e2eLabels)
  .map((pair) => pair.join('='))
  .join(',')

export const deployment = 'modelservice-operator'
export const secretName = 'modelservice-operator-zstack'
export const crdName = 'modelservices.ai.zstack.io'

export const paths = {
  crd: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crdName}`,
  models: `/apis/ai.zstack.io/v1alpha1/namespaces/${modelsNamespace}/modelservices`,
  everyModel: '/apis/ai.zstack.io/v1alpha1/modelservices',
  pods: `/api/v1/namespaces/${operatorNamespace}/pods`,
  lease: `/apis/coordination.k8s.io/v1/namespaces/${operatorNamespace}/leases/modelservice-operator`,
  namespace: `/api/v1/namespaces/${operatorNamespace}`,
} as const
