/** The scripts for Argo CD, run by the engine that Argo CD runs them with. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { findTool, toolMissing } from '../../support/tools/tools.ts'

export const settings = new URL('../../../deploy/argocd/settings/', import.meta.url)

const runner = await findTool('lua')
/** Why tests of the scripts are skipped, if they are. */
export const engineMissing = runner === undefined ? toolMissing('lua') : undefined
if (engineMissing !== undefined) console.log(`tests of the scripts for Argo CD are skipped: ${engineMissing}`)

/** What a script of the settings folder returns for each object. Rejects with the script's own error. */
export async function runScript(script: string, objects: readonly unknown[]): Promise<readonly unknown[]> {
  if (runner === undefined) throw new Error(engineMissing)
  const child = spawn(runner, [new URL(script, settings).pathname], { stdio: ['pipe', 'pipe', 'pipe'] })
  // A script that fails leaves the rest of the objects unread; what it said tells why.
  child.stdin.on('error', () => undefined)
  child.stdin.end(objects.map((object) => JSON.stringify(object)).join('\n'))
  const [out, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (complaint !== '') throw new Error(`${script}: ${complaint.trim()}`)
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}
