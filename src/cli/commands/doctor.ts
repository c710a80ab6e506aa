/** `doctor`: what is wrong around the operator, and what to do. */
import type { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { checkKubernetes } from '../doctor/kubernetes-checks.ts'
import { problem, type Finding } from '../doctor/finding.ts'
import { checkZStack } from '../doctor/zstack-checks.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { addKubernetesOptions, openKubernetes, type KubernetesOptions } from '../kubernetes-access.ts'
import { plural } from '../plan/text.ts'
import { printable } from '../terminal.ts'
import { addZStackOptions, openZStack, type ZStackOptions } from '../zstack-access.ts'

type Options = KubernetesOptions &
  ZStackOptions & {
    readonly operatorNamespace: string
    readonly serviceAccount: string
    readonly watchNamespaces?: string
    readonly kubernetes: boolean
    readonly zstack: boolean
  }

/** The name of the lease, and of the service account unless the chart was told otherwise. */
const operatorName = 'modelservice-operator'

export function addDoctor(program: Command, context: CommandContext, exit: (code: number) => void): void {
  const command = program
    .command('doctor')
    .summary('find out what keeps the operator from its work')
    .description(
      'Checks the cluster, the CRD, the rights of the operator, who leads, ZStack, the credentials, the clocks and the sessions. Each line is ok, or says what to do. No service and no object is changed; with an account it logs in to ZStack, and out again.',
    )
    .option('--operator-namespace <name>', 'where the operator runs', 'modelservice-system')
    .option('--service-account <name>', 'what it runs as', operatorName)
    .option('--watch-namespaces <names>', 'the WATCH_NAMESPACES of the operator, comma-separated')
    .option('--no-kubernetes', 'check ZStack alone')
    .option('--no-zstack', 'check Kubernetes alone')
  addZStackOptions(command)
  addKubernetesOptions(command, { hasSelection: false })
    .addHelpText(
      'after',
      `
Exit codes: 0 all is well, 2 something is to be done, 1 an error.

Examples:
  $ ${context.programName} doctor
  $ ${context.programName} doctor --no-kubernetes --endpoint http://zstack.example.com:8080/zstack --credentials-dir creds/`,
    )
    .action(async (options: Options) => exit(await runDoctor(options, context)))
}

async function runDoctor(options: Options, context: CommandContext): Promise<number> {
  const { out } = context
  let problems = 0
  let unknowns = 0
  const tell = (finding: Finding) => {
    if (finding.state === 'problem') problems++
    if (finding.state === 'unknown') unknowns++
    const [mark, colour] = marks[finding.state]
    out.print(`${out.paint(colour, mark)} ${printable(finding.text)}`)
    if ('advice' in finding) out.print(`    ${printable(finding.advice)}`)
  }
  if (options.kubernetes) {
    out.print(out.paint('bold', 'Kubernetes'))
    for await (const finding of kubernetesFindings(options, context)) tell(finding)
  }
  if (options.zstack) {
    out.print(out.paint('bold', 'ZStack'))
    for await (const finding of zstackFindings(options, context)) tell(finding)
  }
  const result = problems === 0 ? 'nothing is to be done' : `${plural(problems, 'thing')} to be done`
  out.print(unknowns === 0 ? result : `${result}, as far as could be told: ${plural(unknowns, 'check')} left unknown`)
  return problems === 0 ? exitCodes.same : exitCodes.differs
}

const marks = {
  ok: ['ok     ', 'green'],
  problem: ['problem', 'red'],
  unknown: ['unknown', 'yellow'],
} as const

async function* kubernetesFindings(options: Options, context: CommandContext): AsyncGenerator<Finding> {
  const { operatorNamespace, serviceAccount } = options
  const { clock, env, signal } = context
  const watched = (options.watchNamespaces ?? env.WATCH_NAMESPACES ?? '').split(',').map((name) => name.trim())
  const watchNamespaces = watched.filter((name) => name !== '')
  let kubernetes
  try {
    kubernetes = openKubernetes(options, context)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    yield problem(error.message, 'Name a kubeconfig, or leave Kubernetes out with --no-kubernetes.')
    return
  }
  try {
    const checks = { kubernetes, operatorNamespace, serviceAccount, watchNamespaces, leaseName: operatorName }
    yield* checkKubernetes({ ...checks, now: clock.now(), signal })
  } finally {
    await kubernetes.close()
  }
}

async function* zstackFindings(options: Options, context: CommandContext): AsyncGenerator<Finding> {
  let zstack
  try {
    zstack = await openZStack(options, context)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    yield problem(error.message, 'Set the variables as the operator has them, or leave ZStack out with --no-zstack.')
    return
  }
  try {
    yield* checkZStack(zstack, context)
  } finally {
    await zstack.close()
  }
}
