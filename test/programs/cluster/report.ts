import { inSeconds } from './wait.ts'

/** Prints one line for each step, with the time that it took. */
export interface Report {
  title(text: string): void
  line(text: string): void
  /** Prints a line when the work is done, with what it answers. What it throws ends the run, after a line of its own. */
  step(claim: string, work: () => Promise<string | undefined>): Promise<void>
  readonly passed: number
}

export function createReport(out: NodeJS.WriteStream): Report {
  const paint = (colour: number, text: string) => (out.isTTY ? `\u001b[${colour}m${text}\u001b[0m` : text)
  const print = (text: string) => out.write(`${text}\n`)
  let passed = 0
  return {
    title: (text) => print(`\n${paint(1, text)}`),
    line: (text) => print(`  ${text}`),
    async step(claim, work) {
      const started = performance.now()
      const took = () => paint(2, `(${inSeconds(performance.now() - started)})`)
      try {
        const detail = await work()
        passed++
        print(`  ${paint(32, '✓')} ${claim}${detail === undefined ? '' : `: ${detail}`} ${took()}`)
      } catch (error) {
        print(`  ${paint(31, '✗ expected:')} ${claim} ${took()}`)
        print(`    ${error instanceof Error ? error.message.replaceAll('\n', '\n    ') : String(error)}`)
        throw error
      }
    },
    get passed() {
      return passed
    },
  }
}
