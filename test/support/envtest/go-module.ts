import { z } from 'zod'
import { etcdVersion, kubernetesVersion } from './versions.ts'

/** A program as a Go module has it. */
export interface Program {
  readonly name: 'kube-apiserver' | 'etcd'
  readonly module: string
  readonly version: string
  readonly package: string
  /** Version of those of its modules that live in the same repository and have no version of their own in go.mod. */
  readonly stagingVersion?: string
  /** Package variables to set at link time. */
  readonly variables: Readonly<Record<string, string>>
}

const [major = '', minor = ''] = kubernetesVersion.split('.')

export const programs: readonly Program[] = [
  {
    name: 'etcd',
    module: 'go.etcd.io/etcd/server/v3',
    version: `v${etcdVersion}`,
    package: 'go.etcd.io/etcd/server/v3',
    variables: {},
  },
  {
    name: 'kube-apiserver',
    module: 'k8s.io/kubernetes',
    version: `v${kubernetesVersion}`,
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    stagingVersion: kubernetesVersion.replace(/^1/, 'v0'),
    variables: {
      'k8s.io/component-base/version.gitVersion': `v${kubernetesVersion}`,
      'k8s.io/component-base/version.gitMajor': major,
      'k8s.io/component-base/version.gitMinor': minor,
    },
  },
]

/** What `go mod edit -json` says of the program's own go.mod, as far as it is needed. */
export const publishedModule = z.object({
  Go: z.string(),
  Require: z.array(z.object({ Path: z.string(), Version: z.string() })),
})
export type PublishedModule = z.infer<typeof publishedModule>

/**
 * The go.mod of a module that only builds the program. Kubernetes requires its staging modules at v0.0.0 and takes them
 * from folders beside it; those replacements hold in its own repository alone, so here each gets its published version.
 */
export function goModFor(program: Program, published: PublishedModule): string {
  const unversioned = published.Require.filter(({ Version }) => Version === 'v0.0.0')
  const replacements = unversioned.map(
    ({ Path }) => `\t${Path} => ${Path} ${program.stagingVersion ?? program.version}\n`,
  )
  return [
    `module envtest/${program.name}\n`,
    `go ${published.Go}\n`,
    `require ${program.module} ${program.version}\n`,
    ...(replacements.length > 0 ? [`replace (\n${replacements.join('')})\n`] : []),
  ].join('\n')
}

export function linkerFlags(program: Program): string {
  const variables = Object.entries(program.variables).map(([name, value]) => `-X ${name}=${value}`)
  return ['-s', '-w', ...variables].join(' ')
}
