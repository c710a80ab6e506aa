/** `validate`: whether the API server and the operator would take manifests, offline. */
import type { Command } from 'commander'
import { parse } from '../../api/modelservice.ts'
import { readAll, type CommandContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { readManifests } from '../manifests.ts'
import { tellOthers } from '../manifest-reports.ts'
import { plural } from '../plan/text.ts'
import type { PlanSubject } from '../plan/plan-objects.ts'
import { subjectsOf } from '../subjects.ts'
import { printable } from '../terminal.ts'

type Options = { readonly filename: readonly string[]; readonly recursive?: boolean; readonly verbose?: boolean }

export function addValidate(program: Command, context: CommandContext, exit: (code: number) => void): void {
  program
    .command('validate')
    .summary('check manifests as the API server would, without one')
    .description(
      'Checks manifests by the schema and the rules of the CRD, and says what the API server would say. It needs neither a cluster nor a ZStack.',
    )
    .requiredOption('-f, --filename <path...>', 'file, directory or - for standard input; may be given several times')
    .option('-R, --recursive', 'look in the folders of a directory too')
    .option('-v, --verbose', 'list the valid ones too')
    .addHelpText(
      'after',
      `
Exit codes: 0 all are valid, 3 one is not, 1 a file cannot be read. Whether a uuid was changed, and whether a namespace
exists, only a cluster knows: kubectl apply --dry-run=server asks it.

Examples:
  $ ${context.programName} validate -f deploy/samples
  $ helm template . | ${context.programName} validate -f -`,
    )
    .action(async (options: Options) => exit(await runValidate(options, context)))
}

async function runValidate(options: Options, context: CommandContext): Promise<number> {
  const { out, err } = context
  const manifests = await readManifests(options.filename, options.recursive === true, () => readAll(context.stdin))
  tellOthers(manifests.others, err)
  for (const { source, message } of manifests.problems)
    out.print(`${out.paint('red', '×')} ${printable(`${source} ${message}`)}`)
  const judged = subjectsOf(manifests.manifests).map((subject) => ({ subject, refusal: refusalOf(subject) }))
  for (const { subject, refusal } of judged) {
    const name = out.paint('bold', printable(subject.object.metadata.name))
    const source = out.paint('dim', printable(subject.source ?? ''))
    if (refusal !== undefined) {
      out.print(`${out.paint('red', '×')} ${name}  ${source}`)
      for (const finding of refusal) out.print(`    ${printable(finding)}`)
    } else if (options.verbose === true) out.print(`${out.paint('green', '✓')} ${name}  ${source}`)
  }
  const invalid = judged.filter(({ refusal }) => refusal !== undefined).length
  const unread = manifests.problems.length
  const parts = [
    `${judged.length - invalid} valid`,
    ...(invalid > 0 ? [`${invalid} invalid`] : []),
    ...(unread > 0 ? [`${plural(unread, 'file')} not understood`] : []),
  ]
  out.print(`${plural(judged.length, 'object')}: ${parts.join(', ')}`)
  if (manifests.problems.some(({ isInvalid }) => !isInvalid)) return exitCodes.error
  return invalid + unread > 0 ? exitCodes.invalid : exitCodes.same
}

/** The operator may know better than the schema. */
function refusalOf({ object, refusal }: PlanSubject): readonly string[] | undefined {
  if (refusal !== undefined) return refusal
  const parsed = parse(object)
  return parsed.ok ? undefined : parsed.issues
}
