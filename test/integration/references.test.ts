import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { kubectlMissing } from '../deploy/render.ts'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn, startScenario, type ModelServiceObject, type Scenario } from '../support/scenario.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'
const token = 'hf_correcthorsebatterystaple'
const rotated = 'hf_tobeornottobethatis'

async function writeSecret(
  { server, namespace }: Scenario,
  name: string,
  data: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
) {
  const secrets = `/api/v1/namespaces/${namespace}/secrets`
  const secret = { metadata: { name, annotations }, stringData: data }
  const created = await server.request('POST', secrets, secret)
  if (created.status === 201) return
  const patch = await server.request('PATCH', `${secrets}/${name}`, secret, 'application/merge-patch+json')
  expect(patch.status).toBe(200)
}

const removeSecret = ({ server, namespace }: Scenario, name: string) =>
  server.request('DELETE', `/api/v1/namespaces/${namespace}/secrets/${name}`)

const tokenFrom = (name: string) => ({
  uuid,
  environmentParametersFrom: [{ secretKeyRef: { name, key: 'token' }, as: 'HF_TOKEN' }],
})

const tokensSent = (scenario: Scenario) =>
  scenario.updates(uuid).map(({ environmentParameters }) => (environmentParameters as { HF_TOKEN: string }).HF_TOKEN)

const hashOf = ({ status }: ModelServiceObject) => status?.fieldHashes?.environmentParameters

/** All that the operator wrote for people: objects, events and log. */
async function written(scenario: Scenario): Promise<string> {
  return JSON.stringify([await scenario.get('a'), await scenario.events('a'), scenario.operator.log])
}

describe.skipIf(apiServerMissing())('an object that takes a value from a Secret', () => {
  it('gets it to ZStack, each rotation within seconds, and not again for the sake of an annotation', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })], env: { LOG_LEVEL: 'trace' } })
    await writeSecret(scenario, 'hub', { token })
    await scenario.create({ name: 'a', spec: tokenFrom('hub') })
    await scenario.untilReady('a', 'True', 'InSync')
    const before = hashOf(await scenario.get('a'))
    await writeSecret(scenario, 'hub', { token }, { note: 'the same data' })
    await scenario.until('a', (object) => hashOf(object) !== before)
    await writeSecret(scenario, 'hub', { token: rotated })
    await expect.poll(() => tokensSent(scenario), { timeout: 5_000 }).toEqual([token, rotated])
    await scenario.untilReady('a', 'True', 'InSync')
    expect(await written(scenario)).not.toMatch(/hf_correct|hf_tobe/)
  })

  it('says which Secret is missing, sends nothing, and goes on as soon as it is there', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'a', spec: { ...tokenFrom('hub'), requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', 'ReferenceNotFound')
    expect(conditionIn(object, 'Stalled')?.message).toBe(
      `environmentParametersFrom[0]: there is no Secret hub in namespace ${scenario.namespace}`,
    )
    expect(scenario.updates(uuid)).toEqual([])
    await writeSecret(scenario, 'hub', { token })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.updates(uuid)).toContainEqual({ requestCpu: 8, environmentParameters: { HF_TOKEN: token } })
    await removeSecret(scenario, 'hub')
    await scenario.untilReady('a', 'False', 'ReferenceNotFound')
    await scenario.edit('a', { requestCpu: 16 })
    await scenario.untilReady('a', 'False', 'ReferenceNotFound')
    await writeSecret(scenario, 'hub', { token: rotated })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.updates(uuid).at(-1)).toEqual({ requestCpu: 16, environmentParameters: { HF_TOKEN: rotated } })
  })
})

describe.skipIf(apiServerMissing())('the sample of deploy', () => {
  it('is taken as it stands, with every field known', async () => {
    const { server, namespace } = await startScenario()
    const sample = parse(
      await readFile(new URL('../../deploy/samples/token/model-service.yaml', import.meta.url), 'utf8'),
    ) as {
      readonly metadata: object
    }
    const path = `/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices?fieldValidation=Strict`
    const { status } = await server.request('POST', path, { ...sample, metadata: { ...sample.metadata, namespace } })
    expect(status).toBe(201)
  })
})

const run = promisify(execFile)

describe.skipIf(apiServerMissing() ?? kubectlMissing)('without the right to read the Secret, an object', () => {
  it('says so with the commands that grant it, and heals when somebody has pasted them', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    const { server, namespace } = scenario
    const kubeconfig = await serviceAccount(scenario, ['get', 'list', 'watch'])
    await scenario.restart({ KUBECONFIG: kubeconfig })
    await writeSecret(scenario, 'hub', { token })
    await scenario.create({ name: 'a', spec: tokenFrom('hub') })
    const object = await scenario.untilReady('a', 'False', 'ReferenceNotFound')
    const message = conditionIn(object, 'Ready')?.message ?? ''
    const commands = /grant it: (.*)$/.exec(message)?.[1] ?? ''
    expect(commands).toContain(`--serviceaccount=${namespace}:operator`)
    await run('sh', ['-c', commands], { env: { ...process.env, KUBECONFIG: server.adminKubeconfig } })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(tokensSent(scenario)).toEqual([token])
  })
})

describe.skipIf(apiServerMissing())('with the right to watch the Secret by its name alone, a rotation', () => {
  it('is at ZStack at once, long before the next refresh', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    const kubeconfig = await serviceAccount(scenario, ['get', 'list', 'watch'])
    await grant(scenario, 'secrets', { resources: ['secrets'], resourceNames: ['hub'], verbs: ['get', 'watch'] }, '')
    await scenario.restart({ KUBECONFIG: kubeconfig })
    await writeSecret(scenario, 'hub', { token })
    await scenario.create({ name: 'a', spec: tokenFrom('hub') })
    await scenario.untilReady('a', 'True', 'InSync')
    for (const value of [rotated, 'third']) {
      await writeSecret(scenario, 'hub', { token: value })
      await expect.poll(() => tokensSent(scenario).at(-1), { timeout: 5_000, interval: 20 }).toBe(value)
    }
    await removeSecret(scenario, 'hub')
    await scenario.untilReady('a', 'False', 'ReferenceNotFound')
  })
})

type Rule = {
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: string[]
}

async function grant({ server, namespace }: Scenario, name: string, rule: Rule, apiGroup: string) {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
  const subjects = [{ kind: 'ServiceAccount', name: 'operator', namespace }]
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
  const role = { metadata: { name }, rules: [{ apiGroups: [apiGroup], ...rule }] }
  expect(await server.request('POST', `${rbac}/roles`, role)).toMatchObject({ status: 201 })
  const binding = { metadata: { name }, subjects, roleRef }
  expect(await server.request('POST', `${rbac}/rolebindings`, binding)).toMatchObject({ status: 201 })
}

/** An account that may do what the operator does, and read no Secret. */
async function serviceAccount(scenario: Scenario, verbs: readonly string[]): Promise<string> {
  const { server, namespace } = scenario
  await grant(scenario, 'objects', { resources: ['modelservices'], verbs }, 'ai.zstack.io')
  await grant(scenario, 'status', { resources: ['modelservices/status'], verbs: ['update'] }, 'ai.zstack.io')
  await grant(scenario, 'events', { resources: ['events'], verbs: ['create', 'patch'] }, '')
  return server.serviceAccountKubeconfig(namespace, 'operator')
}
