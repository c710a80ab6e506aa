/** What the demo prints, and whether all of it came true. */
import type { ZStackSimulator } from '../../support/zstack/simulator.ts'

const colours = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 } as const

export interface Output {
  title(text: string): void
  line(text: string): void
  table(text: string): void
  /** Prints whether it came true within ten seconds; whatever did not makes the demo fail. */
  expect(claim: string, isTrueNow: () => boolean | Promise<boolean>): Promise<void>
  readonly failures: number
  readonly checks: number
}

const timeoutMs = 10_000

export function createOutput(): Output {
  const paint = (colour: keyof typeof colours, text: string) =>
    process.stdout.isTTY ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text
  const print = (text: string) => process.stdout.write(`${text}\n`)
  let failures = 0
  let checks = 0
  return {
    title: (text) => print(`\n${paint('bold', text)}`),
    line: (text) => print(`  ${text}`),
    table: (text) =>
      print(
        text
          .split('\n')
          .map((line, index) => `  ${index === 0 ? paint('dim', line) : line}`)
          .join('\n'),
      ),
    async expect(claim, isTrueNow) {
      const until = performance.now() + timeoutMs
      let isTrue = await isTrueNow()
      while (!isTrue && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 25))
        isTrue = await isTrueNow()
      }
      checks++
      if (!isTrue) failures++
      print(`  ${isTrue ? paint('green', '✓') : paint('red', '✗ not seen:')} ${claim}`)
    },
    get failures() {
      return failures
    },
    get checks() {
      return checks
    },
  }
}

/** Prints every update that ZStack takes, each field with what ZStack showed before and what it was sent. */
export function printUpdates(zstack: ZStackSimulator, uuids: readonly string[], output: Output): void {
  const known = new Map(uuids.map((uuid) => [uuid, zstack.read(uuid)]))
  zstack.onRequest(({ operation, uuid, body, status }) => {
    if (operation === 'query') for (const each of uuids) known.set(each, zstack.read(each))
    if (operation !== 'update' || uuid === undefined) return
    const before = known.get(uuid)
    const fields = (body as { updateModelService?: Record<string, unknown> }).updateModelService ?? {}
    const changes = Object.entries(fields).map(([field, value]) =>
      before?.[field] === undefined ? `${field} ${brief(value)}` : `${field} ${brief(before[field])} → ${brief(value)}`,
    )
    output.line(`PUT ${before?.name ?? uuid} (${status})`)
    for (const change of changes) output.line(`    ${change}`)
    known.set(uuid, zstack.read(uuid))
  })
}

function brief(value: unknown): string {
  const text = typeof value === 'string' ? value.replaceAll('\n', '⏎') : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}
