/** `npm run e2e:cluster`: image, manifests and chart on a real cluster, step by step. Ends 0 only if all of it came true. */
import process from 'node:process'
import { findTool, toolMissing } from '../../support/tools/tools.ts'
import { byHelm } from './chart.ts'
import { diagnostics } from './diagnostics.ts'
import { type Flags, parseFlags, usage } from './flags.ts'
import { buildImage, loadImage } from './image.ts'
import { credentials, firstPassword } from './installation.ts'
import { byKubectl } from './kustomize.ts'
import { modelsNamespace, operatorNamespace, secretName } from './names.ts'
import { createReport, type Report } from './report.ts'
import { testEdits } from './steps/edits.ts'
import { testInstallation } from './steps/installation.ts'
import { testMove } from './steps/move.ts'
import { testNamespacedRights, testRights } from './steps/rights.ts'
import { testTakeover } from './steps/takeover.ts'
import { testRemoval } from './steps/removal.ts'
import { testRollover } from './steps/rollover.ts'
import { testRotation } from './steps/rotation.ts'
import { inSeconds } from './wait.ts'
import { clean, prepareEnvironment, type Environment } from './environment.ts'

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

async function testKubectl(environment: Environment, report: Report, image: string, flags: Flags): Promise<void> {
  report.title('By kubectl')
  const installation = byKubectl(environment, image)
  await environment.kubernetes.apply(namespace(modelsNamespace))
  await testInstallation(environment, report, installation)
  await testRights(environment, report)
  await testEdits(environment, report, 8)
  await testTakeover(environment, report)
  await testRollover(environment, report, installation, 'kubectl rollout restart')
  const helm = await findTool('helm')
  if (helm === undefined) report.line(`the way to Helm and back is left out: ${toolMissing('helm')}`)
  else await testMove(environment, report, installation, byHelm(helm, environment, image, flags.kubeconfig))
  await testRotation(environment, report)
  await testRemoval(environment, report, installation)
}

async function testNamespaced(environment: Environment, report: Report, image: string): Promise<void> {
  report.title('By kubectl, for one namespace')
  await clean(environment.kubernetes)
  const installation = byKubectl(environment, image, modelsNamespace)
  await environment.kubernetes.apply(namespace(modelsNamespace))
  await testInstallation(environment, report, installation)
  await testNamespacedRights(environment, report)
  await testEdits(environment, report, 16)
  await testRemoval(environment, report, installation)
}

async function testHelm(environment: Environment, report: Report, image: string, flags: Flags): Promise<void> {
  report.title('By Helm')
  const helm = await findTool('helm')
  if (helm === undefined) {
    report.line(`left out: ${toolMissing('helm')}`)
    return
  }
  const { kubernetes } = environment
  await clean(kubernetes)
  const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const metadata = { name: secretName, namespace: operatorNamespace }
  await kubernetes.apply(namespace(modelsNamespace), namespace(operatorNamespace, restricted), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    stringData: credentials(firstPassword),
  })
  const installation = byHelm(helm, environment, image, flags.kubeconfig)
  await testInstallation(environment, report, installation)
  await report.step('helm test checks the connection', () => installation.test())
  await testEdits(environment, report, 24)
  await testRollover(environment, report, installation, 'helm upgrade')
  await testRemoval(environment, report, installation)
}

async function runSteps(flags: Flags, report: Report): Promise<void> {
  const started = performance.now()
  const image = await provideImage(flags, report)
  const environment = await prepareEnvironment(flags)
  try {
    report.line(`${environment.about}; pods reach ZStack at ${environment.endpoint}`)
    environment.zstack.setAccount('admin', firstPassword)
    await testKubectl(environment, report, image, flags)
    environment.zstack.setAccount('admin', firstPassword)
    await testNamespaced(environment, report, image)
    await testHelm(environment, report, image, flags)
    report.title(`All ${report.passed} things came true in ${inSeconds(performance.now() - started)}.`)
  } catch (error) {
    report.line(await diagnostics(environment))
    throw error
  } finally {
    if (flags.keep) await waitForSignal(report)
    else await clean(environment.kubernetes)
    environment.kubernetes.close()
    await environment.zstack.close()
  }
}

async function waitForSignal(report: Report): Promise<void> {
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
    await runSteps(flags, report)
    return 0
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

process.exit(await main(process.argv.slice(2)))
