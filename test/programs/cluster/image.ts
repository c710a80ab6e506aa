/** The image of this checkout, from its Dockerfile as it is, built by what this machine has. */
import { fileURLToPath } from 'node:url'
import packageJson from '../../../package.json' with { type: 'json' }
import { run, succeeds } from './command.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const name = `modelservice-operator:${packageJson.version}-e2e`

export type BuiltImage = {
  readonly name: string
  readonly builder: string
  readonly user: string
  readonly bytes: number
}

type Inspected = { readonly User: string; readonly Size: number; readonly Labels: Readonly<Record<string, string>> }

/** Builds it. Throws where neither docker (with its daemon) nor buildah is there, or where the image is not as promised. */
export async function buildImage(): Promise<BuiltImage> {
  const builder = await findBuilder()
  const revision = await run('git', ['rev-parse', 'HEAD'], { cwd: root }).then(
    (hash) => hash.trim(),
    () => 'unknown',
  )
  const labels = [`VERSION=${packageJson.version}`, `REVISION=${revision}`, `CREATED=${new Date().toISOString()}`]
  const buildArgs = labels.flatMap((label) => ['--build-arg', label])
  await run(builder, [builder === 'docker' ? 'build' : 'bud', ...buildArgs, '-t', name, '.'], { cwd: root })
  const { User: user, Size: bytes, Labels } = await inspect(builder)
  if (!/^[1-9]\d*(?::[1-9]\d*)?$/.test(user)) throw new Error(`the image runs as ${user || 'root'}, not as a number`)
  const labelled = Labels['org.opencontainers.image.revision']
  if (labelled !== revision) throw new Error(`the image says revision ${labelled ?? 'nothing'}, not ${revision}`)
  return { name, builder, user, bytes }
}

/** Hands it to the cluster by the person's command. */
export async function loadImage(image: string, template: string): Promise<void> {
  await run(template.replaceAll('{image}', image), [], { shell: true })
}

async function findBuilder(): Promise<'docker' | 'buildah'> {
  if (await succeeds('docker', ['info'])) return 'docker'
  if (await succeeds('buildah', ['--version'])) return 'buildah'
  throw new Error('neither a running docker nor buildah is here: install one, or give --image')
}

async function inspect(builder: 'docker' | 'buildah'): Promise<Inspected> {
  if (builder === 'docker') {
    const [image] = JSON.parse(await run('docker', ['image', 'inspect', name])) as [
      { Config: Omit<Inspected, 'Size'>; Size: number },
    ]
    return { ...image.Config, Size: image.Size }
  }
  const { OCIv1 } = JSON.parse(await run('buildah', ['inspect', '--type', 'image', name])) as {
    OCIv1: { config: Omit<Inspected, 'Size'> }
  }
  const [{ size }] = JSON.parse(await run('buildah', ['images', '--json', name])) as [{ size: string }]
  return { ...OCIv1.config, Size: bytesOf(size) }
}

/** Of `173 MB`, as buildah tells sizes. */
function bytesOf(size: string): number {
  const [, number = '0', unit = 'B'] = /^([\d.]+)\s*([KMG]?B)/i.exec(size) ?? []
  return Number(number) * (({ B: 1, KB: 1e3, MB: 1e6, GB: 1e9 } as Record<string, number>)[unit.toUpperCase()] ?? 1)
}
