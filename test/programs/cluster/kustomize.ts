import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Installation } from './installation.ts'
import { credentials, firstPassword } from './installation.ts'
import { deployment, operatorNamespace, e2eLabels, e2eSelector, secretName } from './names.ts'
import type { Environment } from './environment.ts'

const production = fileURLToPath(new URL('../../../deploy/overlays/production', import.meta.url))
const namespaced = fileURLToPath(new URL('../../../deploy/components/namespaced', import.meta.url))

export type KubectlInstallation = Installation & {
  /** Takes away what stands in the way of another way of installing, and nothing else. */
  leave(): Promise<void>
}

/**
 * `kubectl apply -k` of an overlay such as README.md has it: deploy/overlays/production with an image, ZStack and
 * credentials. With a namespace to watch the operator has its rights there alone.
 */
export function byKubectl(
  { kubernetes, endpoint, apiServerPort }: Environment,
  image: string,
  watched?: string,
): KubectlInstallation {
  const rollout = ['-n', operatorNamespace, 'rollout']
  return {
    how: watched === undefined ? 'kubectl apply -k' : 'kubectl apply -k, for one namespace',
    async install() {
      const folder = await mkdtemp(join(await realpath(tmpdir()), 'modelservice-e2e-'))
      try {
        const overlay = join(folder, 'overlay')
        await mkdir(overlay)
        const toOverlay = (path: string) => relative(overlay, path)
        const text = JSON.stringify(kustomization(toOverlay, { image, endpoint, apiServerPort, watched }))
        await writeFile(join(overlay, 'kustomization.yaml'), text)
        await kubernetes.kubectl(['apply', '-k', overlay])
      } finally {
        await rm(folder, { recursive: true })
      }
      if (watched !== undefined) {
        const account = `--serviceaccount=${operatorNamespace}:${deployment}`
        await kubernetes.kubectl([
          '-n',
          watched,
          'create',
          'rolebinding',
          deployment,
          `--clusterrole=${deployment}`,
          account,
        ])
      }
      await kubernetes.kubectl([...rollout, 'status', `deployment/${deployment}`, '--timeout=120s'])
    },
    async rollOver() {
      await kubernetes.kubectl([...rollout, 'restart', `deployment/${deployment}`])
      await kubernetes.kubectl([...rollout, 'status', `deployment/${deployment}`, '--timeout=180s'])
    },
    async leave() {
      await kubernetes.kubectl(['-n', operatorNamespace, 'delete', 'deployment', deployment])
      await kubernetes.kubectl(['delete', 'clusterrole,clusterrolebinding', '-l', e2eSelector])
    },
    async uninstall() {
      if (watched !== undefined) await kubernetes.kubectl(['-n', watched, 'delete', 'rolebinding', deployment])
      await kubernetes.kubectl(['delete', 'namespace', operatorNamespace, '--wait', '--timeout=120s'])
      await kubernetes.kubectl(['delete', 'clusterrole,clusterrolebinding', '-l', e2eSelector])
    },
  }
}

type Settings = {
  readonly image: string
  readonly endpoint: string
  readonly apiServerPort: number
  readonly watched: string | undefined
}

function kustomization(toOverlay: (path: string) => string, { image, endpoint, apiServerPort, watched }: Settings) {
  const watching = watched === undefined ? [] : [`WATCH_NAMESPACES=${watched}`]
  const [, newName = image, newTag = 'latest'] = /^(.*):([^:/]+)$/.exec(image) ?? []
  const ports = [...new Set([Number(new URL(endpoint).port), apiServerPort])].map((port) => ({ port }))
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: operatorNamespace,
    resources: [toOverlay(production)],
    components: watched === undefined ? [] : [toOverlay(namespaced)],
    labels: [{ pairs: e2eLabels }],
    images: [{ name: 'modelservice-operator', newName, newTag }],
    configMapGenerator: [
      { name: 'modelservice-operator-config', literals: [`ZSTACK_ENDPOINT=${endpoint}`, ...watching] },
    ],
    secretGenerator: [
      {
        name: secretName,
        literals: Object.entries(credentials(firstPassword)).map((pair) => pair.join('=')),
        options: { disableNameSuffixHash: true },
      },
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
