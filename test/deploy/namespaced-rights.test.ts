import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { startScenario } from '../support/scenario.ts'
import { modelService } from '../support/zstack/simulator.ts'
import { type Manifest, ofKind } from './manifest.ts'
import { helmMissing, minimalValues, renderChart } from './render.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'

describe.skipIf(apiServerMissing() ?? helmMissing)('with the Roles the chart makes for named namespaces', () => {
  it('the operator does its whole job there, without a right on the cluster', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    const { server, namespace } = scenario
    const manifests = await renderChart({ ...minimalValues, watchNamespaces: [namespace] }, namespace)
    const rights: Manifest[] = [...ofKind(manifests, 'Role'), ...ofKind(manifests, 'RoleBinding')]
    for (const right of rights) {
      const path = `/apis/${right.apiVersion}/namespaces/${namespace}/${right.kind.toLowerCase()}s`
      expect(await server.request('POST', path, right)).toMatchObject({ status: 201 })
    }
    await scenario.restart({
      KUBECONFIG: await server.serviceAccountKubeconfig(namespace, 'modelservice-operator'),
      LEADER_ELECTION: 'true',
      LEADER_ELECTION_NAMESPACE: namespace,
    })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    await scenario.untilReady('a', 'True', 'InSync')
    await expect.poll(async () => (await scenario.events('a')).map(({ reason }) => reason)).toContain('Updated')
    const { body } = await server.request(
      'GET',
      `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/modelservice-operator`,
    )
    expect(body).toMatchObject({
      metadata: { ownerReferences: [{ kind: 'ServiceAccount', name: 'modelservice-operator' }] },
    })
    expect(await scenario.operator.stop()).toBe(0)
    expect(scenario.operator.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
  })
})
