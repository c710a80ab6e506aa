import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { missingIn } from './binaries.ts'
import { type GoCommand, go } from './go-command.ts'
import { type Program, goModFor, linkerFlags, programs, publishedModule } from './go-module.ts'
import type { Progress } from './progress.ts'
import { inWorkFolder } from './work-folder.ts'

export interface BuildOptions {
  /** Where the binaries shall be: all of them, or none if the build is cut. */
  readonly directory: string
  readonly env: GoCommand['env']
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** Builds both programs from their Go modules. Two builds at once do no harm: the first to end is kept. */
export async function buildBinaries({ directory, env, signal, progress }: BuildOptions): Promise<void> {
  await inWorkFolder(dirname(directory), async (work) => {
    const built = join(work, 'bin')
    await mkdir(built)
    for (const program of programs) {
      const folder = join(work, program.name)
      await mkdir(folder)
      await build(program, join(built, program.name), { cwd: folder, env, signal }, progress)
    }
    await publish(built, directory)
  })
}

const foundModule = z.object({ GoMod: z.string() })

async function build(program: Program, target: string, at: GoCommand, progress: Progress): Promise<void> {
  const title = `${program.name} ${program.version}`
  let modules = 0
  const fetching = (line: string) => {
    if (line.startsWith('go: downloading ')) progress.detail(`${(modules += 1)} modules`)
  }
  progress.step(`${title}: fetching sources`)
  const query = `${program.module}@${program.version}`
  const { GoMod } = foundModule.parse(JSON.parse(await go(['list', '-m', '-json', query], { ...at, onLine: fetching })))
  const published = publishedModule.parse(JSON.parse(await go(['mod', 'edit', '-json', GoMod], at)))
  await writeFile(join(at.cwd, 'go.mod'), goModFor(program, published))
  const listed = await go(['list', '-deps', program.package], { ...at, onLine: fetching })
  const total = listed.trim().split('\n').length

  progress.step(`${title}: compiling`)
  let packages = 0
  const compiling = (line: string) => {
    if (/^\S+$/.test(line)) progress.detail(`${(packages += 1)} of ${total} packages`)
  }
  const flags = ['-v', '-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(program), '-o', target]
  await go(['build', ...flags, program.package], { ...at, onLine: compiling })
}

async function publish(built: string, directory: string): Promise<void> {
  try {
    await rename(built, directory)
  } catch (error) {
    if ((await missingIn(directory)).length === 0) return
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error
    // Somebody took a binary out of the cache: the whole folder is replaced.
    await rm(directory, { recursive: true, force: true })
    await rename(built, directory)
  }
}
