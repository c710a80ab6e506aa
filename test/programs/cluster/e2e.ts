/** `npm run e2e:cluster`: image, manifests and chart on a real cluster, step by step. Ends 0 only if all of it came true. */
import process from 'node:process'
import { findTool, toolMissing } from '../../support/tools/tools.ts'
import { byHelm } from './chart.ts'
import { evidence } from './evidence.ts'
import { type Flags, parseFlags, usage } from './flags.ts'
import { buildImage, loadImage } from './image.ts'
import { credentials, firstPassword } from './installation.ts'
import { byKubectl } from './kustomize.ts'
import { modelsNamespace, operatorNamespace, secretName } from './names.ts'
import { createReport, type Report } from './report.ts'
import { showFollowed } from './steps/followed.ts'
import { showInstalled } from './steps/installed.ts'
import { showTakeover } from './steps/leader.ts'
import { showRemoval } from './steps/removal.ts'
import { showRollover } from './steps/rollover.ts'
import { showRotation } from './steps/rotation.ts'
import { inSeconds } from './until.ts'
import { clean, openWorld, type World } from './world.ts'

async function provideImage({ image, loadImage: template }: Flags, report: Report): Promise<string> {
  let name = image ?? ''
  if (image === undefined)
    await report.step('the image builds from the Dockerfile as it is', async () => {
      const built = await buildImage()
      name = built.name
      return `${built.name} by ${built.builder}, ${Math.round(built.bytes / 1e6)} MB, user ${built.user}`
    })
  if (template !== undefined)
    await report.step('the cluster has the image', async () => {
      await loadImage(name, template)
      return undefined
    })
  return name
}

const namespace = (name: string, labels = {}) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })

async function showKubectl(world: World, report: Report, image: string): Promise<void> {
  report.title('By kubectl')
  const installation = byKubectl(world, image)
  await world.kubernetes.apply(namespace(modelsNamespace))
  await showInstalled(world, report, installation)
  await showFollowed(world, report, 8)
  await showTakeover(world, report)
  await showRollover(world, report, installation, 'kubectl rollout restart')
  await showRotation(world, report)
  await showRemoval(world, report, installation)
}

async function showHelm(world: World, report: Report, image: string, flags: Flags): Promise<void> {
  report.title('By Helm')
  const helm = await findTool('helm')
  if (helm === undefined) {
    report.line(`left out: ${toolMissing('helm')}`)
    return
  }
  const { kubernetes } = world
  await clean(kubernetes)
  const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const metadata = { name: secretName, namespace: operatorNamespace }
  await kubernetes.apply(namespace(modelsNamespace), namespace(operatorNamespace, restricted), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    stringData: credentials(firstPassword),
  })
  const installation = byHelm(helm, world, image, flags.kubeconfig)
  await showInstalled(world, report, installation)
  await showFollowed(world, report, 24)
  await showRollover(world, report, installation, 'helm upgrade')
  await showRemoval(world, report, installation)
}

async function show(flags: Flags, report: Report): Promise<void> {
  const started = performance.now()
  const image = await provideImage(flags, report)
  const world = await openWorld(flags)
  try {
    report.line(`${world.about}; pods reach ZStack at ${world.endpoint}`)
    world.zstack.setAccount('admin', firstPassword)
    await showKubectl(world, report, image)
    world.zstack.setAccount('admin', firstPassword)
    await showHelm(world, report, image, flags)
    report.title(`All ${report.shown} things came true in ${inSeconds(performance.now() - started)}.`)
  } catch (error) {
    report.line(await evidence(world))
    throw error
  } finally {
    if (flags.keep) await stayUp(report)
    else await clean(world.kubernetes)
    world.kubernetes.close()
    await world.zstack.close()
  }
}

async function stayUp(report: Report): Promise<void> {
  report.line('Kept as it is, the simulator too, until Ctrl-C. The next run cleans up what is left.')
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  const flags = parseFlags(args, process.env)
  if (typeof flags === 'string') {
    process.stderr.write(`${flags}\n\n${usage}`)
    return 2
  }
  const report = createReport(process.stdout)
  report.title('The ModelService operator on a real cluster')
  try {
    await show(flags, report)
    return 0
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

process.exit(await main(process.argv.slice(2)))
