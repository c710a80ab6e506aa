/** What is said of objects that no command of ours is for. */
import { printable, type Terminal } from './terminal.ts'

export function tellOthers(others: readonly string[], err: Terminal): void {
  const [first] = others
  if (first === undefined) return
  const more = others.length > 1 ? ` and ${others.length - 1} more` : ''
  err.print(printable(`passed over what is no ModelService: ${first}${more}`))
}
