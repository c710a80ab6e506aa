/** `reconcile`: asks the operator to look now. */
import { type Command, Option } from 'commander'
import { statusOf, type StoredModelService } from '../../api/modelservice.ts'
import { reconcileRequestedAt } from '../../api/names.ts'
import { conditionOf } from '../../decide/conditions.ts'
import type { CommandContext } from '../context.ts'
import { parseDuration } from '../duration.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import {
  addKubernetesOptions,
  getModelService,
  keyOf,
  listModelServices,
  openKubernetes,
  patchModelService,
  type KubernetesAccess,
  type KubernetesOptions,
} from '../kubernetes-access.ts'
import { onEach } from '../on-each.ts'
import { plural } from '../plan/text.ts'
import { printable, withProgress } from '../terminal.ts'

type Options = KubernetesOptions & { readonly all?: boolean; readonly wait?: boolean; readonly timeout: number }

const defaultTimeoutMs = 120_000
const lookEveryMs = 500

export function addReconcile(program: Command, context: CommandContext, exit: (code: number) => void): void {
  const command = program
    .command('reconcile')
    .argument('[name...]', 'objects, each as NAME or NAMESPACE/NAME')
    .summary('have the operator look now')
    .description(
      `Sets the annotation ${reconcileRequestedAt}: the operator reads the service anew, sends write-only fields again, and tries what it had given up. Git and Argo CD do not mind the annotation, as long as no manifest declares it.`,
    )
    .option('--all', 'every object that the options below select')
    .option('--wait', 'until the operator has dealt with it; then 1 where an object is not Ready')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait').argParser(parseDuration).default(defaultTimeoutMs, '2m'),
    )
  addKubernetesOptions(command)
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 an error, or an object that is not Ready after --wait.

Examples:
  $ ${context.programName} reconcile chat --wait
  $ ${context.programName} reconcile --all -A`,
    )
    .action(async (names: readonly string[], options: Options) => exit(await runReconcile(names, options, context)))
}

async function runReconcile(names: readonly string[], options: Options, context: CommandContext): Promise<number> {
  if (names.length > 0 === (options.all === true))
    throw new CommandError('say which objects to look at: their names, or --all')
  const { out, clock, signal, stderr } = context
  const token = new Date(clock.now()).toISOString()
  const kubernetes = openKubernetes(options, context)
  try {
    const wanted = options.all ? (await listModelServices(kubernetes, options, signal)).map(keyOf) : names
    const asked: string[] = []
    const code = await onEach(wanted, context, async (name) => {
      const patch = { metadata: { annotations: { [reconcileRequestedAt]: token } } }
      asked.push(keyOf(await patchModelService(kubernetes, name, patch, signal)))
      if (options.wait !== true) out.print(printable(`${asked.at(-1) ?? name} requested`))
    })
    if (options.wait !== true) return code
    const waiting = new Set(asked)
    const tell = () => `waiting for the operator to deal with ${plural(waiting.size, 'object')}`
    const isReady = await withProgress(stderr, clock, tell, () =>
      waitFor(waiting, token, options.timeout, kubernetes, context),
    )
    return isReady ? code : exitCodes.error
  } finally {
    await kubernetes.close()
  }
}

/** Tells of each object once the operator has dealt with the request; whether all are Ready then. */
async function waitFor(
  waiting: Set<string>,
  token: string,
  timeoutMs: number,
  kubernetes: KubernetesAccess,
  { out, err, clock, signal }: CommandContext,
): Promise<boolean> {
  const until = clock.monotonic() + timeoutMs
  let isReady = true
  for (;;) {
    for (const key of waiting) {
      const object = await getModelService(kubernetes, key, signal)
      if (statusOf(object)?.lastHandledReconcileAt !== token) continue
      waiting.delete(key)
      const ready = readyOf(object)
      isReady &&= ready.isReady
      out.print(printable(`${key} ${ready.words}`))
    }
    if (waiting.size === 0) return isReady
    if (clock.monotonic() >= until) {
      err.print(
        printable(
          `${err.paint('red', 'error:')} nobody has dealt with the request for ${[...waiting].join(', ')}; does an operator run that watches ${waiting.size === 1 ? 'it' : 'them'}?`,
        ),
      )
      return false
    }
    await clock.sleep(lookEveryMs, signal)
    signal.throwIfAborted()
  }
}

function readyOf(object: StoredModelService): { readonly isReady: boolean; readonly words: string } {
  const ready = conditionOf(statusOf(object), 'Ready')
  const isReady = ready?.status === 'True'
  return {
    isReady,
    words: isReady ? `Ready (${ready.reason})` : `${ready?.reason ?? 'Unknown'}: ${ready?.message ?? ''}`,
  }
}
