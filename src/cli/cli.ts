/** The commands of the program. Loaded only when one is asked for, so that the operator pays nothing for them. */
import { Command, CommanderError } from 'commander'
import { systemClock } from '../clock.ts'
import type { Environment } from '../config.ts'
import { ApiError } from '../kube/cluster.ts'
import { apiErrorText } from './api-error-text.ts'
import { addCompletion } from './commands/completion.ts'
import { addDoctor } from './commands/doctor.ts'
import { addImport } from './commands/import.ts'
import { addPlan } from './commands/plan.ts'
import { addReconcile } from './commands/reconcile.ts'
import { addStatus } from './commands/status.ts'
import { addSuspend } from './commands/suspend.ts'
import { addValidate } from './commands/validate.ts'
import { complete } from './completion.ts'
import type { CommandContext } from './context.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { createTerminal, printable, type OutputStream } from './terminal.ts'

export type CliOptions = {
  readonly args: readonly string[]
  readonly env: Environment
  readonly stdin: AsyncIterable<Buffer | string>
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly version: string
  readonly signal: AbortSignal
}

/** Runs one command; resolves with the code to exit with. */
export async function runCli(options: CliOptions): Promise<number> {
  const { args, env, stdin, stdout, stderr, version, signal } = options
  const programName = env.KUBECTL_PLUGIN_NAME ?? 'modelservice-operator'
  const out = createTerminal(stdout, env)
  const err = createTerminal(stderr, env)
  const context: CommandContext = {
    ...{ env, stdin, stdout, stderr, out, err, version, signal, programName },
    clock: systemClock,
    random: Math.random,
  }
  let exitCode: number = exitCodes.same
  const program = createProgram(context, (code) => (exitCode = code))
  try {
    if (args[0] === '__complete') {
      await complete(program, args.slice(1), context)
      return exitCodes.same
    }
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.same : exitCodes.error
    if (signal.aborted) {
      err.print('interrupted')
      return exitCodes.error
    }
    if (!(error instanceof CommandError) && !(error instanceof ApiError)) throw error
    err.print(`${err.paint('red', 'error:')} ${printable(apiErrorText(error))}`)
    return error instanceof CommandError ? error.exitCode : exitCodes.error
  }
}

export function createProgram(context: CommandContext, exit: (code: number) => void): Command {
  const { stdout, stderr, env } = context
  const program = new Command(context.programName)
    .description('Keeps ZStack AI model services as their ModelService objects declare them.')
    .version(context.version, '--version', 'print the version')
    .helpOption('-h, --help', 'explain the command')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHasColors: () => stdout.isTTY === true && stdout.hasColors?.(env) === true,
      getErrHasColors: () => stderr.isTTY === true && stderr.hasColors?.(env) === true,
    })
  program
    .command('run')
    .summary('run the operator, as the program does without a command')
    .description(
      'Runs the operator, as the program does without a command. Its configuration comes from the environment.',
    )
  program
    .command('check')
    .summary('try the connection to ZStack that the environment describes')
    .description(
      'Tries the connection to ZStack that the environment describes, as the operator does at its start: prints one line, and ends in 0 (it works), 1 (it does not) or 2 (bad configuration).',
    )
  addImport(program, context, exit)
  addPlan(program, context, exit)
  addValidate(program, context, exit)
  addStatus(program, context, exit)
  addReconcile(program, context, exit)
  addSuspend(program, context, exit)
  addDoctor(program, context, exit)
  addCompletion(program, context)
  return program
}
