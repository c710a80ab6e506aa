import { createHash } from 'node:crypto'
import { access, constants, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Environment } from '../envtest/binaries.ts'

/** Programs of others that tests judge deployments with, each built from a Go module by `npm run tools`. */
export const toolNames = ['helm', 'promtool', 'lua'] as const
export type ToolName = (typeof toolNames)[number]

/** Go modules by version; `lua` is a program of this repository, so its source decides. */
export const toolModules = {
  helm: { module: 'helm.sh/helm/v4', version: 'v4.3.1', package: 'helm.sh/helm/v4/cmd/helm', tags: [] },
  promtool: {
    module: 'github.com/prometheus/prometheus',
    version: 'v0.313.5',
    package: 'github.com/prometheus/prometheus/cmd/promtool',
    // Without it every cloud's client library is built in, for a discovery that tests of rules never do.
    tags: ['-tags', 'remove_all_sd'],
  },
} as const

/** Where the source of `lua` is. */
export const luaFolder = join(import.meta.dirname, 'lua')
export const luaSources = ['go.mod', 'go.sum', 'main.go'] as const

/** The variable that names a tool of one's own. */
export const variables: Readonly<Record<ToolName, string>> = { helm: 'HELM', promtool: 'PROMTOOL', lua: 'LUA_RUNNER' }

/**
 * The path of a tool, or undefined: the one its variable names (`HELM`, `PROMTOOL`, `LUA_RUNNER`), else the one that
 * `npm run tools` built, else, of helm and promtool, the one on PATH. A variable that names nothing executable is not
 * replaced by another place: nobody shall test with another program than the one asked for.
 */
export async function findTool(name: ToolName, env: Environment = process.env): Promise<string | undefined> {
  const asked = env[variables[name]] ?? ''
  if (asked !== '') return (await isExecutable(asked)) ? asked : undefined
  const cached = await cachedTool(name, env)
  if (await isExecutable(cached)) return cached
  if (name === 'lua') return undefined
  for (const folder of (env.PATH ?? '').split(delimiter).filter((part) => part !== '')) {
    if (await isExecutable(join(folder, name))) return join(folder, name)
  }
  return undefined
}

/** Why tests that need the tool are skipped, and the cure. */
export function toolMissing(name: ToolName): string {
  return `no ${name} found: run "npm run tools" once, or set ${variables[name]}`
}

/** Where the build of this version of the tool is kept, outside the repository. */
export async function cachedTool(name: ToolName, env: Environment): Promise<string> {
  const base = env.XDG_CACHE_HOME ?? ''
  const caches = base === '' ? join(env.HOME ?? homedir(), '.cache') : base
  return join(caches, 'modelservice-operator', 'tools', `${name}-${await versionOf(name)}`, name)
}

/** The pinned version, or what identifies the source of a program of ours. */
export async function versionOf(name: ToolName): Promise<string> {
  if (name !== 'lua') return toolModules[name].version
  const hash = createHash('sha256')
  for (const file of luaSources) {
    hash.update(await readFile(join(luaFolder, file)).catch(() => ''))
  }
  return hash.digest('hex').slice(0, 12)
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
