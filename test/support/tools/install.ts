import { stat } from 'node:fs/promises'
import type { Environment } from '../envtest/binaries.ts'
import { InstallError } from '../envtest/go-command.ts'
import { runInstaller } from '../envtest/install-program.ts'
import { startProgress } from '../envtest/progress.ts'
import { goVersion } from '../envtest/versions.ts'
import { buildTool } from './build.ts'
import { type ToolName, findTool, toolModules, toolNames, variables } from './tools.ts'

const help = `npm run tools [-- NAME ...]

Provides the programs that tests judge deployments with: helm ${toolModules.helm.version}, promtool ${toolModules.promtool.version}
and lua, which runs the scripts for Argo CD. Without a name all three. The first of these is used:
  1. what HELM, PROMTOOL or LUA_RUNNER names
  2. the cache, \${XDG_CACHE_HOME:-~/.cache}/modelservice-operator/tools
  3. helm and promtool: the ones on PATH
  4. a build from Go modules into that cache: needs Go ${goVersion} or newer, a Go module proxy,
     5 to 10 minutes on two cores, and 3 GB for Go's own caches
Where there is none, the tests that need it are skipped; everything else runs without.
`

/** Makes the tools available and says where they are. Resolves with the exit code. */
async function install(args: readonly string[], env: Environment, signal: AbortSignal): Promise<number> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(help)
    return 0
  }
  const unknown = args.filter((arg) => !toolNames.some((name) => name === arg))
  if (unknown.length > 0) throw new InstallError(`unknown: ${unknown.join(' ')} (--help tells what it does)`)
  for (const name of toolNames.filter((each) => args.length === 0 || args.includes(each))) {
    await provide(name, env, signal)
  }
  return 0
}

async function provide(name: ToolName, env: Environment, signal: AbortSignal): Promise<void> {
  const found = await findTool(name, env)
  if (found !== undefined) {
    console.log(`ready: ${found}`)
    return
  }
  const asked = env[variables[name]] ?? ''
  if (asked !== '') throw new InstallError(`${variables[name]} names ${asked}, which is not there or not executable`)
  const started = performance.now()
  const progress = startProgress(process.stdout)
  try {
    await buildTool(name, { env, signal, progress })
    progress.end('done')
  } catch (error) {
    progress.end('failed')
    throw error
  }
  const built = await findTool(name, env)
  if (built === undefined) throw new InstallError(`the build of ${name} is gone again; run npm run tools once more`)
  const { size } = await stat(built)
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(`built in ${seconds} s: ${built} (${Math.round(size / 1e6)} MB)`)
}

await runInstaller(install)
