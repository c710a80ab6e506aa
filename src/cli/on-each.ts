/** Does the same for several objects; one that fails is told, and the others go on. */
import { ApiError } from '../kube/cluster.ts'
import { apiErrorText } from './api-error-text.ts'
import type { CommandContext } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import { printable } from './terminal.ts'

export async function onEach(
  names: readonly string[],
  { err }: CommandContext,
  work: (name: string) => Promise<void>,
): Promise<number> {
  let code: number = exitCodes.same
  for (const name of names) {
    try {
      await work(name)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      err.print(`${err.paint('red', 'error:')} ${printable(apiErrorText(error))}`)
      code = exitCodes.error
    }
  }
  return code
}
