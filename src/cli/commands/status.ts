/** `status`: how the objects of a cluster are, with what is wrong first. */
import type { Command } from 'commander'
import { statusOf, type StoredModelService } from '../../api/modelservice.ts'
import type { Condition, Status } from '../../api/status.ts'
import { conditionOf } from '../../decide/conditions.ts'
import type { CommandContext } from '../context.ts'
import { ageOf } from '../duration.ts'
import { exitCodes } from '../exit-codes.ts'
import {
  addKubernetesOptions,
  getModelService,
  keyOf,
  listModelServices,
  openKubernetes,
  type KubernetesOptions,
} from '../kubernetes-access.ts'
import { plural } from '../plan/text.ts'
import { layOut, printable, type Paint } from '../terminal.ts'

type Options = KubernetesOptions & { readonly watch?: boolean }

const watchEveryMs = 2_000
const shownOfUuid = 8

export function addStatus(program: Command, context: CommandContext, exit: (code: number) => void): void {
  const command = program
    .command('status')
    .argument('[name...]', 'objects, each as NAME or NAMESPACE/NAME; all when absent')
    .summary('show how objects are, with what is wrong first')
    .description(
      'Shows each object with its connection and service; of those that are not well also why, since when, which fields differ, and when the operator tries again.',
    )
    .option('-w, --watch', 'go on, and show what changes')
  addKubernetesOptions(command)
    .addHelpText(
      'after',
      `
Exit codes: 0 all are well, 2 something is wrong, 1 an error. What is suspended, or differs because its policy leaves
it, is listed, and is not wrong.

Examples:
  $ ${context.programName} status -A
  $ ${context.programName} status chat --watch`,
    )
    .action(async (names: readonly string[], options: Options) => exit(await runStatus(names, options, context)))
}

async function runStatus(names: readonly string[], options: Options, context: CommandContext): Promise<number> {
  const { out, signal, clock } = context
  const kubernetes = openKubernetes(options, context)
  const look = () =>
    names.length === 0
      ? listModelServices(kubernetes, options, signal)
      : Promise.all(names.map((name) => getModelService(kubernetes, name, signal)))
  const isShort = context.stdout.isTTY === true && names.length === 0
  try {
    let shown: string | undefined
    for (;;) {
      const reports = (await look()).map(reportOf).sort(bySeverity)
      const state = JSON.stringify(reports.map(({ object }) => [object.metadata, object.status]))
      if (state !== shown) {
        if (shown !== undefined) out.print('')
        for (const line of linesOf(reports, clock.now(), out.paint, isShort)) out.print(line)
        shown = state
      }
      if (options.watch !== true) return reports.some(isWrong) ? exitCodes.differs : exitCodes.same
      await clock.sleep(watchEveryMs, signal)
      if (signal.aborted) return reports.some(isWrong) ? exitCodes.differs : exitCodes.same
    }
  } finally {
    await kubernetes.close()
  }
}

/** Worst first. */
const severities = ['stalled', 'failing', 'unknown', 'unserved', 'suspended', 'differs', 'ready'] as const
type Severity = (typeof severities)[number]
const wrong: readonly Severity[] = ['stalled', 'failing', 'unknown', 'unserved']

type Report = {
  readonly object: StoredModelService
  readonly status: Status | undefined
  readonly ready: Condition | undefined
  readonly severity: Severity
}

function reportOf(object: StoredModelService): Report {
  const status = statusOf(object)
  const ready = conditionOf(status, 'Ready')
  return { object, status, ready, severity: severityOf(status, ready) }
}

function severityOf(status: Status | undefined, ready: Condition | undefined): Severity {
  if (!ready) return 'unserved'
  if (conditionOf(status, 'Stalled')) return 'stalled'
  if (ready.status === 'False') return 'failing'
  if (conditionOf(status, 'Suspended')) return 'suspended'
  if (ready.status === 'Unknown') return 'unknown'
  return ready.reason === 'InSync' ? 'ready' : 'differs'
}

const isWrong = ({ severity }: Report) => wrong.includes(severity)

function bySeverity(a: Report, b: Report): number {
  const order = severities.indexOf(a.severity) - severities.indexOf(b.severity)
  return order === 0 ? (keyOf(a.object) < keyOf(b.object) ? -1 : 1) : order
}

/** @param isShort whether a uuid is cut, for the sake of a terminal's width */
function linesOf(reports: readonly Report[], now: number, paint: Paint, isShort: boolean): readonly string[] {
  if (reports.length === 0) return ['no ModelServices here; -A looks in every namespace']
  const heading = ['OBJECT', 'READY', 'REASON', 'SINCE', 'POLICY', 'CONNECTION', 'SERVICE']
  const [first = '', ...rows] = layOut([heading, ...reports.map((report) => rowOf(report, now, paint, isShort))])
  const lines = [paint('bold', first)]
  for (const [index, report] of reports.entries()) {
    lines.push(rows[index] ?? '')
    for (const line of detailsOf(report, now)) lines.push(`  ${line}`)
  }
  const bad = reports.filter(isWrong).length
  lines.push(`${plural(reports.length, 'object')}: ${bad === 0 ? 'nothing is wrong' : `${bad} not well`}`)
  return lines
}

const colours = {
  stalled: 'red',
  failing: 'red',
  unknown: 'yellow',
  unserved: 'yellow',
  suspended: 'cyan',
  differs: 'cyan',
  ready: 'green',
} as const satisfies Readonly<Record<Severity, string>>

function rowOf(
  { object, status, ready, severity }: Report,
  now: number,
  paint: Paint,
  isShort: boolean,
): readonly string[] {
  const { uuid, policy } = (object.spec ?? {}) as { readonly uuid?: unknown; readonly policy?: unknown }
  const since = ready ? ageOf(now - Date.parse(ready.lastTransitionTime)) : '-'
  return [
    printable(keyOf(object)),
    paint(colours[severity], ready?.status ?? '-'),
    ready?.reason ?? 'no status yet',
    since,
    typeof policy === 'string' ? printable(policy) : 'Enforce',
    printable(status?.connection?.name ?? '-'),
    typeof uuid === 'string' ? printable(isShort ? `${uuid.slice(0, shownOfUuid)}…` : uuid) : '-',
  ]
}

function detailsOf({ object, status, ready, severity }: Report, now: number): readonly string[] {
  if (severity === 'ready') return []
  if (!ready) return ['no operator has looked at it: does one run that watches this namespace and these labels?']
  const lines = ready.reason === 'InSync' ? [] : [printable(ready.message)]
  const suspended = conditionOf(status, 'Suspended')
  if (suspended) lines.push(printable(suspended.message))
  const connected = conditionOf(status, 'Connected')
  if (connected?.status === 'False' && connected.message !== ready.message)
    lines.push(printable(`connection ${status?.connection?.name ?? ''}: ${connected.message}`))
  const drift = status?.drift ?? []
  // The message names the first.
  for (const { field, desired, live } of drift.slice(1)) lines.push(printable(`${field}: want ${desired}, is ${live}`))
  if (status?.observedGeneration !== object.metadata.generation)
    lines.push('the operator has not looked at the newest edit yet')
  const until = status?.hold ? Date.parse(status.hold.until) : Number.NaN
  if (status?.hold && until > now)
    lines.push(`next try in ${ageOf(until - now)}, after ${plural(status.hold.attempts, 'update')} without effect`)
  if (status?.job) lines.push(`ZStack has been at work on an update for ${ageOf(now - Date.parse(status.job.since))}`)
  return lines
}
