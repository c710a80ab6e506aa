import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Installation } from './installation.ts'
import { credentials, firstPassword } from './installation.ts'
import { deployment, operatorNamespace, e2eLabels, e2eSelector, secretName } from './names.ts'
import type { Environment } from './environment.ts'

const production = fileURLToPath(new URL('../../../deploy/overlays/production', import.meta.url))

/** `kubectl apply -k` of an overlay such as a user has: deploy/overlays/production with an image, ZStack and credentials. */
export function byKubectl({ kubernetes, endpoint, apiServerPort }: Environment, image: string): Installation {
  const rollout = ['-n', operatorNamespace, 'rollout']
  return {
    how: 'kubectl apply -k',
    async install() {
      const folder = await mkdtemp(join(await realpath(tmpdir()), 'modelservice-e2e-'))
      try {
        const overlay = join(folder, 'overlay')
        await mkdir(overlay)
        const text = JSON.stringify(kustomization(relative(overlay, production), { image, endpoint, apiServerPort }))
        await writeFile(join(overlay, 'kustomization.yaml'), text)
        await kubernetes.kubectl(['apply', '-k', overlay])
      } finally {
        await rm(folder, { recursive: true })
      }
      await kubernetes.kubectl([...rollout, 'status', `deployment/${deployment}`, '--timeout=120s'])
    },
    async rollOver() {
      await kubernetes.kubectl([...rollout, 'restart', `deployment/${deployment}`])
      await kubernetes.kubectl([...rollout, 'status', `deployment/${deployment}`, '--timeout=180s'])
    },
    async uninstall() {
      await kubernetes.kubectl(['delete', 'namespace', operatorNamespace, '--wait', '--timeout=120s'])
      await kubernetes.kubectl(['delete', 'clusterrole,clusterrolebinding', '-l', e2eSelector])
    },
  }
}

type Settings = { readonly image: string; readonly endpoint: string; readonly apiServerPort: number }

function kustomization(base: string, { image, endpoint, apiServerPort }: Settings) {
  const [, newName = image, newTag = 'latest'] = /^(.*):([^:/]+)$/.exec(image) ?? []
  const ports = [...new Set([Number(new URL(endpoint).port), apiServerPort])].map((port) => ({ port }))
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: operatorNamespace,
    resources: [base],
    labels: [{ pairs: e2eLabels }],
    images: [{ name: 'modelservice-operator', newName, newTag }],
    generatorOptions: { disableNameSuffixHash: true },
    configMapGenerator: [{ name: 'modelservice-operator-config', literals: [`ZSTACK_ENDPOINT=${endpoint}`] }],
    secretGenerator: [
      { name: secretName, literals: Object.entries(credentials(firstPassword)).map((pair) => pair.join('=')) },
    ],
    // Where policies are enforced, the ports of this ZStack and this API server need to be allowed.
    patches: [
      {
        target: { kind: 'NetworkPolicy' },
        patch: JSON.stringify([{ op: 'add', path: '/spec/egress/-', value: { ports } }]),
      },
    ],
  }
}
