/** `plan`: what the operator would send. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readAll, type CommandContext } from '../context.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import {
  addKubernetesOptions,
  keyOf,
  listModelServices,
  openKubernetes,
  type KubernetesAccess,
  type KubernetesOptions,
} from '../kubernetes-access.ts'
import type { StoredModelService } from '../../api/modelservice.ts'
import type { ReadReferenced } from '../../decide/resolve.ts'
import { tellOthers } from '../manifest-reports.ts'
import { readManifests, type Manifests } from '../manifests.ts'
import { planDocumentOf } from '../plan/document.ts'
import { planMarkdown } from '../plan/markdown.ts'
import { planObjects, type PlanSubject } from '../plan/plan-objects.ts'
import { readReferences } from '../plan/references.ts'
import { exitCodeOf, type PlannedObject } from '../plan/planned.ts'
import { plural, printPlan, summaryOf } from '../plan/text.ts'
import { subjectsOf, type SubjectOptions } from '../subjects.ts'
import { printable, withProgress } from '../terminal.ts'
import { addZStackOptions, openZStack, type ZStackAccess, type ZStackOptions } from '../zstack-access.ts'

type Options = ZStackOptions &
  KubernetesOptions & {
    readonly filename?: readonly string[]
    readonly recursive?: boolean
    readonly againstCluster?: boolean
    readonly all?: boolean
    readonly output: 'text' | 'json' | 'markdown'
    readonly diffExitCode: number
    readonly verbose?: boolean
  }

export function addPlan(program: Command, context: CommandContext, exit: (code: number) => void): void {
  const command = program
    .command('plan')
    .summary('show what the operator would send to ZStack, and send nothing')
    .description(
      'Shows, object by object, what the operator would send to ZStack. The decision is the operator’s own; nothing is sent.\nFrom files it needs a ZStack and no cluster; with --all it reads the objects of a cluster, and their status.',
    )
    .option('-f, --filename <path...>', 'file, directory or - for standard input; may be given several times')
    .option('-R, --recursive', 'look in the folders of a directory too')
    .option(
      '--against-cluster',
      'plan the files as edits of what the cluster holds, whose status tells what was sent before',
    )
    .option('--all', 'every object of the cluster that the options below select')
    .addOption(
      new Option('-o, --output <format>', 'how the plan is written')
        .choices(['text', 'json', 'markdown'])
        .default('text'),
    )
    .option('--diff-exit-code <code>', 'exit code where something differs', exitCode, exitCodes.differs)
    .option('-v, --verbose', 'list objects that are the same too')
  addZStackOptions(command)
  addKubernetesOptions(command)
  command
    .addHelpText(
      'after',
      `
Exit codes: 0 nothing differs, 2 something differs (or the code of --diff-exit-code), 3 an object is invalid,
1 an error; an error outranks what is invalid, and that a difference.

Examples:
  $ ${context.programName} plan -f deploy/samples
  $ ${context.programName} plan -f services/ -R -o markdown --diff-exit-code 0
  $ kustomize build . | ${context.programName} plan -f -
  $ ${context.programName} plan -f services/ --against-cluster
  $ ${context.programName} plan --all -A`,
    )
    .action(async (options: Options) => exit(await runPlan(options, context)))
}

function exitCode(text: string): number {
  const code = Number(text)
  if (/^\d{1,3}$/.test(text) && code <= 255) return code
  throw new InvalidArgumentError('It must be a whole number from 0 to 255.')
}

async function runPlan(options: Options, context: CommandContext): Promise<number> {
  const { filename, all } = options
  if ((filename === undefined) === (all !== true))
    throw new CommandError('say what to plan: -f FILE, a directory or -, or --all for the objects of the cluster')
  const readers = [...(filename ?? []), options.passwordFile, options.accessKeySecretFile].filter(
    (file) => file === '-',
  )
  if (readers.length > 1) throw new CommandError('standard input can be one of these alone: manifests, or a secret')
  const kubernetes = all === true || options.againstCluster === true ? openKubernetes(options, context) : undefined
  try {
    const { subjects, others, problems } = filename
      ? await subjectsInFiles(filename, options, kubernetes, context)
      : { subjects: await subjectsInCluster(options, kubernetes, context), others: [], problems: [] }
    for (const { source, message } of problems) context.err.print(printable(`${source} ${message}`))
    const references = kubernetes && (await readReferences(subjects, kubernetes, context.signal))
    return await planAndPrint(subjects, problems, { others, ...(references && { references }) }, options, context)
  } finally {
    await kubernetes?.close()
  }
}

async function planAndPrint(
  subjects: readonly PlanSubject[],
  problems: Manifests['problems'],
  known: KnownOfCluster,
  options: Options,
  context: CommandContext,
): Promise<number> {
  const zstack = await openZStack(options, context)
  try {
    const planned = await planWithProgress(subjects, zstack, context, known)
    const code = worstOf(exitCodeOf(planned, options.diffExitCode), problems)
    printAs(options, planned, zstack.endpoint, code, context)
    return code
  } finally {
    await zstack.close()
  }
}

function worstOf(code: number, problems: Manifests['problems']): number {
  if (code === exitCodes.error || problems.some(({ isInvalid }) => !isInvalid)) return exitCodes.error
  return problems.length > 0 ? exitCodes.invalid : code
}

function printAs(
  { output, verbose }: Options,
  planned: readonly PlannedObject[],
  endpoint: string,
  code: number,
  { out }: CommandContext,
): void {
  switch (output) {
    case 'json':
      out.print(JSON.stringify(planDocumentOf(planned, endpoint, code), undefined, 2))
      return
    case 'markdown':
      out.print(printable(planMarkdown(planned, endpoint)))
      return
    case 'text':
      printPlan(planned, out, verbose === true)
      out.print(`${summaryOf(planned)} (${endpoint})`)
  }
}

/** What a cluster, if one was asked, tells beside the objects to plan for. */
type KnownOfCluster = { readonly references?: ReadReferenced; readonly others?: readonly StoredModelService[] }

/** Reads the services of the subjects, and decides. */
export async function planWithProgress(
  subjects: readonly PlanSubject[],
  { inventory, endpoint }: ZStackAccess,
  { clock, signal, stderr }: CommandContext,
  known: KnownOfCluster = {},
): Promise<readonly PlannedObject[]> {
  let count = 0
  return withProgress(
    stderr,
    clock,
    () => `${count} of ${plural(subjects.length, 'service')} read from ${endpoint}`,
    () =>
      planObjects(subjects, {
        inventory,
        endpoint,
        now: clock.now(),
        signal,
        onRead: (read) => (count = read),
        ...known,
      }),
  )
}

async function subjectsInFiles(
  paths: readonly string[],
  options: Options,
  kubernetes: KubernetesAccess | undefined,
  context: CommandContext,
) {
  const manifests = await readManifests(paths, options.recursive === true, () => readAll(context.stdin))
  tellOthers(manifests.others, context.err)
  const { namespace } = options
  const given: SubjectOptions = kubernetes
    ? await storedObjects(kubernetes, options, context)
    : { ...(namespace !== undefined && { namespace }) }
  const subjects = subjectsOf(manifests.manifests, given)
  const planned = new Set(subjects.map(({ object }) => keyOf(object)))
  const others = [...(given.stored?.values() ?? [])].filter((object) => !planned.has(keyOf(object)))
  return { subjects, others, problems: manifests.problems }
}

/** What the objects in the files would replace, and the namespace of those that name none. */
async function storedObjects(
  kubernetes: KubernetesAccess,
  options: Options,
  { signal }: CommandContext,
): Promise<SubjectOptions> {
  const objects = await listModelServices(kubernetes, options, signal)
  return { namespace: kubernetes.namespace, stored: new Map(objects.map((object) => [keyOf(object), object])) }
}

async function subjectsInCluster(
  options: Options,
  kubernetes: KubernetesAccess | undefined,
  { signal }: CommandContext,
): Promise<readonly PlanSubject[]> {
  if (!kubernetes) return []
  const objects = await listModelServices(kubernetes, options, signal)
  return objects
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((object) => ({ source: undefined, object }))
}
