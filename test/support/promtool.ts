import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { findTool, toolMissing } from './tools/tools.ts'

const promtool = await findTool('promtool')

/** Why promtool is missing here, or undefined. */
export const promtoolMissing = promtool === undefined ? toolMissing('promtool') : undefined

export type PromtoolResult = { readonly ok: boolean; readonly output: string }

/** Runs the real promtool. Files are given by name and content, and named in `args` by their name. */
export async function runPromtool(
  args: readonly string[],
  { files = {}, input = '' }: { files?: Readonly<Record<string, string>>; input?: string },
): Promise<PromtoolResult> {
  const cwd = await mkdtemp(join(tmpdir(), 'modelservice-promtool-'))
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(cwd, name), content)
    const child = spawn(promtool ?? 'promtool', args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
    const output = Promise.all([text(child.stdout), text(child.stderr)])
    const ended = once(child, 'close')
    child.stdin.end(input)
    const [code] = (await ended) as [number | null]
    return { ok: code === 0, output: (await output).join('') }
  } finally {
    await rm(cwd, { recursive: true })
  }
}
