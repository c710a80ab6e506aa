import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'
import { startStandInApi } from '../support/kube-api/server.ts'
import { describeKubernetesClient } from './kubernetes.contract.ts'
import { sampleCrd, type KubernetesServer } from './kubernetes/fixture.ts'

describeKubernetesClient('the stand-in', async (): Promise<KubernetesServer> => {
  const api = await startStandInApi({ crds: [sampleCrd] })
  const directory = await mkdtemp(join(tmpdir(), 'contract-'))
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, api.kubeconfig)
  const request: KubernetesServer['request'] = async (method, path, body, contentType = 'application/json') => {
    const answer = await fetch(api.url + path, {
      method,
      headers: { 'content-type': contentType },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }
  return {
    kubeconfig,
    request,
    namespace: () => testNamespace({ request: async (...asked) => ({ status: 201, body: await request(...asked) }) }),
    expireHistory: () => api.faults.compact(),
    async close() {
      await api.close()
      await rm(directory, { recursive: true })
    },
  }
})

describe.skipIf(apiServerMissing())('with kube-apiserver', () => {
  describeKubernetesClient('kube-apiserver', async (): Promise<KubernetesServer> => {
    const api = await sharedApiServer()
    await api.applyCrd(sampleCrd)
    return {
      kubeconfig: api.adminKubeconfig,
      namespace: () => testNamespace(api),
      async request(...asked) {
        const { status, body } = await api.request(...asked)
        if (status >= 300) throw new Error(`${asked[0]} ${asked[1]}: ${status} ${JSON.stringify(body)}`)
        return body
      },
      // It keeps no events from before its start, and nothing was made at version 1.
      expireHistory: () => undefined,
      close: () => Promise.resolve(),
    }
  })
})
