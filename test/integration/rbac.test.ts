import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { requestAs } from '../support/envtest/kubeconfig.ts'
import { startScenario, type Scenario } from '../support/scenario.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'
const system = 'modelservice-system'

/** The rules as they are deployed, and the kubeconfig of the service account that has them. */
async function deployRules({ server }: Scenario): Promise<string> {
  const group = '/apis/rbac.authorization.k8s.io/v1'
  await server.request('POST', '/api/v1/namespaces', { metadata: { name: system } })
  const text = await readFile(new URL('../../deploy/base/rbac.yaml', import.meta.url), 'utf8')
  for (const document of parseAllDocuments(text)) {
    const rule = document.toJS() as { kind: string; metadata: { namespace?: string } }
    const scope = rule.kind.startsWith('Cluster') ? '' : `/namespaces/${system}`
    const { status } = await server.request('POST', `${group}${scope}/${rule.kind.toLowerCase()}s`, rule)
    expect([201, 409]).toContain(status)
  }
  return server.serviceAccountKubeconfig(system, 'modelservice-operator')
}

describe.skipIf(apiServerMissing())('with the rules as deployed', () => {
  it('the operator does its whole job: leads, watches, reports, tells', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    const kubeconfig = await deployRules(scenario)
    await scenario.restart({
      KUBECONFIG: kubeconfig,
      LEADER_ELECTION: 'true',
      LEADER_ELECTION_NAMESPACE: system,
      // All namespaces, as deployed; the label keeps it away from what other tests have on this server.
      WATCH_NAMESPACES: '',
      WATCH_LABEL_SELECTOR: `test=${scenario.namespace}`,
    })
    await scenario.operator.logged(({ msg }) => msg === 'leading')
    await scenario.create({ name: 'a', labels: { test: scenario.namespace }, spec: { uuid, requestCpu: 8 } })
    await scenario.untilReady('a', 'True', 'InSync')
    await expect.poll(async () => (await scenario.events('a')).map(({ reason }) => reason)).toContain('Updated')
    expect(await scenario.operator.stop()).toBe(0)
    expect(scenario.operator.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
  })

  it('its token is refused what the operator should not do', async () => {
    const scenario = await startScenario()
    const { request, close } = await requestAs(await deployRules(scenario))
    const objects = `/apis/ai.zstack.io/v1alpha1/namespaces/${scenario.namespace}/modelservices`
    await scenario.create({ name: 'a', spec: { uuid } })
    const attempts = await Promise.all([
      request('PATCH', `${objects}/a`, { spec: { requestCpu: 1 } }, 'application/merge-patch+json'),
      request('DELETE', `${objects}/a`),
      request('POST', objects, { metadata: { name: 'b' }, spec: { uuid } }),
      request('GET', `/api/v1/namespaces/${system}/secrets`),
      request('GET', `/api/v1/namespaces/${scenario.namespace}/configmaps`),
      request('DELETE', `/apis/coordination.k8s.io/v1/namespaces/${system}/leases/modelservice-operator`),
    ])
    close()
    expect(attempts.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403])
  })
})
