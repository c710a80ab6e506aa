#!/usr/bin/env node
/** Environment in, exit code out. The only file that reads the environment and the arguments, handles signals, and exits. */
import process from 'node:process'
import packageJson from '../package.json' with { type: 'json' }
import { checkConnection } from './check.ts'
import { parseConfig, type Environment } from './config.ts'
import { loadKubeConfig } from './kube/cluster.ts'
import { component, runOperator } from './operator.ts'
import { createDependencies, createZStackDependencies } from './dependencies.ts'
import { createLog } from './telemetry/log.ts'
import { createUncaughtErrors } from './telemetry/uncaught.ts'

const { version } = packageJson
const userAgent = `${component}/${version}`

/** 0: stopped on request. 1: failed. 2: bad configuration. */
type ExitCode = 0 | 1 | 2

const usage = `modelservice-operator ${version}
Keeps ZStack AI model services as their ModelService objects declare them.

Usage: modelservice-operator [run | check]

  check                      only tries the connection to ZStack, and prints one line;
                             it needs no Kubernetes

Configuration comes from the environment; deploy/README.md lists every variable.
  ZSTACK_ENDPOINT            base URL, such as http://zstack.example.com:8080/zstack
  ZSTACK_ACCESS_KEY_ID, ZSTACK_ACCESS_KEY_SECRET
  ZSTACK_ACCOUNT_NAME, ZSTACK_ACCOUNT_PASSWORD
  ZSTACK_CREDENTIALS_DIR     a mounted Secret with either pair as files
  POLL_INTERVAL              how often all services are looked at (60s)
  WATCH_NAMESPACES           comma-separated; all namespaces when empty
  KUBECONFIG                 outside a cluster; the user's kubeconfig when empty

Exit codes: 0 stopped on request, or the check passed; 1 failed; 2 bad configuration.
`

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args
  if (command === 'check' && rest.length === 0) return check()
  if (command !== undefined && command !== 'run') return runCommand(args)
  if (rest.includes('--help') || rest.includes('-h')) return print(usage)
  if (rest.length > 0)
    return complain([`unknown argument ${rest.join(' ')}; configuration comes from the environment, see run --help`])
  return run()
}

/** The commands are a bundle of their own, which the operator never loads. */
async function runCommand(args: readonly string[]): Promise<number> {
  const { runCli } = await import('./cli/cli.ts')
  const { env, stdin, stdout, stderr } = process
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  // Whoever reads the output may have seen enough, as head has.
  stdout.on('error', () => process.exit(1))
  return runCli({ args, env, stdin, stdout, stderr, version, signal: interrupted.signal })
}

async function run(): Promise<ExitCode> {
  const parsed = parseConfig(process.env, process.stdout.isTTY)
  const kube = kubeConfigOf(process.env)
  if (!parsed.ok || !kube.ok)
    return complain([...(parsed.ok ? [] : parsed.problems), ...(kube.ok ? [] : [kube.problem]), ...parsed.warnings])
  const { config, warnings } = parsed
  const { kubeConfig } = kube
  const log = createLog({ level: config.logLevel, format: config.logFormat })
  for (const warning of warnings) log.warn(warning)
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      log.info({ signal }, 'stopping')
      stop.abort()
    })
  const uncaughtErrors = createUncaughtErrors(log)
  process.on('unhandledRejection', (reason) => uncaughtErrors.handleRejection(reason))
  process.on('uncaughtException', (error) => {
    try {
      uncaughtErrors.handleException(error)
    } finally {
      // Nothing is cleaned up: the session and the lease run out, or the pod's next container takes its lease back.
      process.exit(1)
    }
  })
  try {
    const dependencies = createDependencies(config, kubeConfig, userAgent)
    const ending = await runOperator({ config, dependencies, version, log, uncaughtErrors }, stop.signal)
    if (ending === 'stopped') {
      log.info('stopped')
      return 0
    }
    log.error('the lease is lost: another process may lead now, so this one ends')
    return 1
  } catch (error) {
    log.fatal({ err: error }, error instanceof Error ? error.message : String(error))
    return 1
  }
}

async function check(): Promise<ExitCode> {
  const parsed = parseConfig(process.env, process.stdout.isTTY)
  if (!parsed.ok) return complain([...parsed.problems, ...parsed.warnings])
  const { ok, line } = await checkConnection(parsed.config, createZStackDependencies(userAgent))
  process[ok ? 'stdout' : 'stderr'].write(`${line}\n`)
  return ok ? 0 : 1
}

function kubeConfigOf(env: Environment) {
  try {
    return { ok: true, kubeConfig: loadKubeConfig(env) } as const
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) } as const
  }
}

function print(text: string): ExitCode {
  process.stdout.write(text)
  return 0
}

function complain(problems: readonly string[]): ExitCode {
  process.stderr.write(
    `modelservice-operator: bad configuration\n${problems.map((problem) => `  - ${problem}\n`).join('')}`,
  )
  return 2
}

// Whatever the event loop still holds (idle sockets) does not keep the process.
void main(process.argv.slice(2)).then((code) => process.exit(code))
