import type { Environment } from './binaries.ts'
import { InstallError } from './go-command.ts'

type Install = (args: readonly string[], env: Environment, signal: AbortSignal) => Promise<number>

/** Runs an installer as this process: cut short by SIGINT and SIGTERM, a failure as one sentence and exit code 1. */
export async function runInstaller(install: Install): Promise<void> {
  const cut = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => cut.abort(new InstallError(`stopped by ${signal}; nothing half-built is left`)))
  }
  try {
    process.exitCode = await install(process.argv.slice(2), process.env, cut.signal)
  } catch (error) {
    if (!(error instanceof InstallError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
