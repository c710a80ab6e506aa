/** `npm run simulate`, in a process of its own: nothing transforms its modules, which halves the time. */
import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../programs/simulate.ts', import.meta.url))
/** It takes the time that other tests spend waiting, and disturbs none of them. */
const niceness = 10

export async function simulate(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (child.pid !== undefined) setPriority(child.pid, niceness)
  const [output, code] = await Promise.all([
    text(child.stdout),
    new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)),
  ])
  return { output, code }
}
