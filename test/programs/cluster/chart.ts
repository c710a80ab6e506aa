import { fileURLToPath } from 'node:url'
import { run } from './command.ts'
import type { Installation } from './installation.ts'
import { deployment, operatorNamespace, secretName } from './names.ts'
import type { Environment } from './environment.ts'

const chart = fileURLToPath(new URL('../../../deploy/charts/modelservice-operator', import.meta.url))

/** `helm install` of the chart with a Secret that is there already; the pods are those of two replicas. */
export function byHelm(
  helm: string,
  { endpoint, apiServerPort }: Environment,
  image: string,
  kubeconfig?: string,
): Installation {
  const [, repository = image, tag = 'latest'] = /^(.*):([^:/]+)$/.exec(image) ?? []
  const values = (pollInterval: string) =>
    JSON.stringify({
      zstack: { endpoint, credentials: { existingSecret: secretName } },
      image: { repository, tag },
      replicas: 2,
      pollInterval,
      networkPolicy: { apiServerPorts: [...new Set([443, 6443, apiServerPort])] },
    })
  const env = kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }
  const release = (verb: string, ...args: string[]) => [verb, deployment, ...args, '--namespace', operatorNamespace]
  const withValues = (verb: string, pollInterval: string) =>
    run(helm, release(verb, chart, '--values', '-', '--wait', '--timeout', '3m'), { input: values(pollInterval), env })
  return {
    how: 'helm install',
    async install() {
      await withValues('install', '60s')
    },
    // Another value of the configuration: the pods are replaced because the chart notices, not because somebody asks.
    async rollOver() {
      await withValues('upgrade', '45s')
    },
    async uninstall() {
      await run(helm, release('uninstall', '--wait'), { env })
    },
  }
}
