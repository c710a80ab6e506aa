import { fileURLToPath } from 'node:url'
import { run } from './command.ts'
import type { Installation } from './installation.ts'
import { deployment, operatorNamespace, secretName } from './names.ts'
import type { Environment } from './environment.ts'

const chart = fileURLToPath(new URL('../../../deploy/charts/modelservice-operator', import.meta.url))

export type HelmInstallation = Installation & {
  /** `helm install` over what another way of installing has left. */
  takeOver(): Promise<void>
  /** `helm test`; gives what the pod of the test said. */
  test(): Promise<string>
}

/** `helm install` of the chart with a Secret that is there already; the pods are those of two replicas. */
export function byHelm(
  helm: string,
  { endpoint, apiServerPort }: Environment,
  image: string,
  kubeconfig?: string,
): HelmInstallation {
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
  const withValues = (verb: string, pollInterval: string, ...args: string[]) =>
    run(helm, release(verb, chart, '--values', '-', '--wait', '--timeout', '3m', ...args), {
      input: values(pollInterval),
      env,
    })
  return {
    how: 'helm install',
    async install() {
      await withValues('install', '60s')
    },
    // Another value of the configuration: the pods are replaced because the chart notices, not because somebody asks.
    async rollOver() {
      await withValues('upgrade', '45s')
    },
    async takeOver() {
      const help = await run(helm, ['install', '--help'])
      const ofHelm4 = help.includes('--force-conflicts') ? ['--force-conflicts'] : []
      await withValues('install', '60s', '--take-ownership', ...ofHelm4)
    },
    async test() {
      const said = await run(helm, release('test', '--logs', '--timeout', '3m'), { env })
      const [, words = ''] = /^POD LOGS: .*\n([^]*)$/m.exec(said) ?? []
      return words.trim()
    },
    async uninstall() {
      await run(helm, release('uninstall', '--wait'), { env })
    },
  }
}
