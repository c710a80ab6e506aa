import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type GoCommand, go } from '../envtest/go-command.ts'
import type { Progress } from '../envtest/progress.ts'
import { goVersion } from '../envtest/versions.ts'
import { inWorkFolder } from '../envtest/work-folder.ts'
import { type ToolName, cachedTool, luaFolder, luaSources, toolModules, variables, versionOf } from './tools.ts'

export interface BuildOptions {
  readonly env: GoCommand['env']
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** Builds one tool into the cache: whole, or not at all if the build is cut. Two builds at once do no harm. */
export async function buildTool(name: ToolName, { env, signal, progress }: BuildOptions): Promise<void> {
  const target = dirname(await cachedTool(name, env))
  const title = `${name} ${await versionOf(name)}`
  await inWorkFolder(dirname(target), async (work) => {
    const source = join(work, 'source')
    const built = join(work, 'bin')
    await Promise.all([mkdir(source), mkdir(built)])
    const what = await prepare(name, source)
    const at: GoCommand = { cwd: source, env, signal, instead: `or set ${variables[name]} to the path of one` }

    progress.step(`${title}: fetching sources`)
    let modules = 0
    const fetching = (line: string) => {
      if (line.startsWith('go: downloading ')) progress.detail(`${(modules += 1)} modules`)
    }
    const listed = await go(['list', '-deps', ...what], { ...at, onLine: fetching })
    const total = listed.trim().split('\n').length

    progress.step(`${title}: compiling`)
    let packages = 0
    const compiling = (line: string) => {
      if (/^\S+$/.test(line)) progress.detail(`${(packages += 1)} of ${total} packages`)
    }
    const flags = ['-v', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', join(built, name)]
    await go(['build', ...flags, ...what], { ...at, onLine: compiling })
    // The name holds the version, so whatever is there is either the same or broken.
    await rm(target, { recursive: true, force: true })
    await rename(built, target)
  })
}

/** Fills the folder with a module that builds the tool; gives the arguments that name its package. */
async function prepare(name: ToolName, folder: string): Promise<string[]> {
  if (name === 'lua') {
    for (const file of luaSources) await cp(join(luaFolder, file), join(folder, file))
    return ['.']
  }
  const { module, version, package: path, tags } = toolModules[name]
  await writeFile(join(folder, 'go.mod'), `module tools/${name}\n\ngo ${goVersion}.0\n\nrequire ${module} ${version}\n`)
  return [...tags, path]
}
