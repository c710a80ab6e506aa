import { expect, it } from 'vitest'
import { loadKubeConfig } from '../src/kube/cluster.ts'
import { createDependencies } from '../src/dependencies.ts'
import { configOf } from './support/environment.ts'
import { writeKubeconfig } from './support/kubeconfig.ts'

/** Of a process with such an environment. */
async function identityWith(env: Readonly<Record<string, string>>): Promise<string> {
  const kubeConfig = loadKubeConfig({ KUBECONFIG: await writeKubeconfig({ server: 'http://127.0.0.1:1' }) })
  const { identity, cluster } = createDependencies(configOf(env), kubeConfig, 'test/1')
  await cluster.close()
  return identity
}

const pod = { POD_NAME: 'operator-0', POD_UID: '3f2504e0-4f89-11d3-9a0c-0305e82c3301' }

it('processes of one pod are the same to the lease', async () => {
  expect(await identityWith(pod)).toBe('operator-0_3f2504e0-4f89-11d3-9a0c-0305e82c3301')
})

it('a pod of the same name is another', async () => {
  expect(await identityWith({ ...pod, POD_UID: 'another' })).not.toBe(await identityWith(pod))
})

it.each([{}, { ...pod, POD_UID: '' }, { POD_UID: pod.POD_UID }])(
  'processes that know no pod are never the same, such as by %o',
  async (env) => {
    expect(await identityWith(env)).not.toBe(await identityWith(env))
  },
)
