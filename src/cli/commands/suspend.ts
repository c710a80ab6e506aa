/** `suspend` and `resume`: takes objects out of the operator's hands, and gives them back. */
import type { Command } from 'commander'
import { isMap } from '../../api/json.ts'
import type { StoredModelService } from '../../api/modelservice.ts'
import { suspendReason, suspendUntil } from '../../api/names.ts'
import { timestamp } from '../../api/time.ts'
import type { CommandContext } from '../context.ts'
import { parseDuration } from '../duration.ts'
import {
  addKubernetesOptions,
  keyOf,
  openKubernetes,
  patchModelService,
  type KubernetesOptions,
} from '../kubernetes-access.ts'
import { onEach } from '../on-each.ts'
import { printable } from '../terminal.ts'

type SuspendOptions = KubernetesOptions & { readonly for?: number; readonly reason?: string }

export function addSuspend(program: Command, context: CommandContext, exit: (code: number) => void): void {
  const suspend = program
    .command('suspend')
    .argument('<name...>', 'objects, each as NAME or NAMESPACE/NAME')
    .summary('let the operator write nothing for an object')
    .description(
      `Suspends objects: the operator reads and reports, and writes nothing. With --for it ends by itself: the annotation ${suspendUntil} is set. Without, spec.suspend is set, and holds until resume.`,
    )
    .option('--for <duration>', 'ends by itself after this time, such as 2h', parseDuration)
    .option('--reason <text>', 'shown in the condition Suspended')
  addKubernetesOptions(suspend, { hasSelection: false })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 an error.

Examples:
  $ ${context.programName} suspend chat --for 2h --reason "disk swap"
  $ ${context.programName} suspend ml/chat ml/embeddings`,
    )
    .action(async (names: readonly string[], options: SuspendOptions) =>
      exit(await runSuspend(names, options, context)),
    )
  const resume = program
    .command('resume')
    .argument('<name...>', 'objects, each as NAME or NAMESPACE/NAME')
    .summary('end the suspension of an object')
    .description('Ends suspensions of either sort: spec.suspend and the annotations are taken away.')
  addKubernetesOptions(resume, { hasSelection: false })
    .addHelpText('after', `\nExit codes: 0 done, 1 an error.\n\nExample:\n  $ ${context.programName} resume chat`)
    .action(async (names: readonly string[], options: KubernetesOptions) =>
      exit(await runResume(names, options, context)),
    )
}

/** What is set here is set in the cluster alone. */
const gitWords = (what: string) =>
  `Git does not know of it. Where a manifest declares ${what}, the next sync or apply puts that back; where it does not, Argo CD and kubectl apply leave what is set here.`

const isSuspendedBySpec = ({ spec }: StoredModelService) => isMap(spec) && spec.suspend === true

async function runSuspend(names: readonly string[], options: SuspendOptions, context: CommandContext): Promise<number> {
  const { out, clock, signal } = context
  const until = options.for === undefined ? undefined : timestamp(clock.now() + options.for)
  // A reason of a suspension that has ended would otherwise be shown as that of this one.
  const reason = { [suspendReason]: options.reason ?? null }
  const annotations = { ...(until !== undefined && { [suspendUntil]: until }), ...reason }
  const patch = { metadata: { annotations }, ...(until === undefined && { spec: { suspend: true } }) }
  const kubernetes = openKubernetes(options, context)
  try {
    const done: string[] = []
    const code = await onEach(names, context, async (name) => {
      const object = await patchModelService(kubernetes, name, patch, signal)
      done.push(keyOf(object))
      const goesOn =
        until !== undefined && isSuspendedBySpec(object)
          ? ', and after that, for spec.suspend is set: resume ends both'
          : ''
      out.print(printable(`${keyOf(object)} suspended${until === undefined ? '' : ` until ${until}${goesOn}`}`))
    })
    if (done.length > 0) out.print(gitWords(until === undefined ? 'suspend' : 'these annotations'))
    return code
  } finally {
    await kubernetes.close()
  }
}

async function runResume(
  names: readonly string[],
  options: KubernetesOptions,
  context: CommandContext,
): Promise<number> {
  const { out, signal } = context
  const patch = { metadata: { annotations: { [suspendUntil]: null, [suspendReason]: null } }, spec: { suspend: null } }
  const kubernetes = openKubernetes(options, context)
  try {
    const done: string[] = []
    const code = await onEach(names, context, async (name) => {
      const object = await patchModelService(kubernetes, name, patch, signal)
      done.push(keyOf(object))
      out.print(printable(`${keyOf(object)} resumed`))
    })
    if (done.length > 0) out.print(gitWords('suspend: true'))
    return code
  } finally {
    await kubernetes.close()
  }
}
