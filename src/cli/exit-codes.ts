/** What the commands exit with. Where several apply, an error outranks what is invalid, and that a difference. */
export const exitCodes = { same: 0, error: 1, differs: 2, invalid: 3 } as const

/** Ends a command: one sentence for the person who typed it, and the code to exit with. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.error) {
    super(message)
    this.exitCode = exitCode
  }
}
