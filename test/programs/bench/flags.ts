import { parseArgs } from 'node:util'

export type Flags = {
  readonly only: readonly string[]
  readonly quick: boolean
  readonly json: boolean
  readonly yaml: boolean
  readonly size?: number
  readonly soakMs?: number
  readonly plot?: string
}

/** What to print instead of measuring, and whether it was asked for. */
export type Answer = { readonly text: string; readonly isHelp: boolean }

const units = { s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Reads the command line. */
export function parseFlags(args: readonly string[], sections: readonly string[]): Flags | Answer {
  const help = `npm run bench -- [--only name,name] [--quick] [--size N] [--no-yaml] [--json]
npm run bench -- --soak 30m [--plot FILE]
npm run bench -- --plot FILE

Measures the built operator on a real API server and a simulated ZStack that answers after 5 ms, beside two others in the
same run: a plain controller-runtime operator in Go, and a bare loop of the least requests that do the work.

  --only     these sections alone: ${sections.join(', ')}
  --quick    without the sections whose time is waiting
  --size     start, edits during it, and rest of so many objects as well
  --no-yaml  objects without a yaml
  --soak     edits and drift for so long (90s, 30m, 2h) over 1,000 objects: does it grow?
  --plot     an SVG file; alone: cost over size, from 100 to 10,000 objects, or to --size
  --json     the JSON line alone
`
  try {
    const { values } = parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean' },
        size: { type: 'string' },
        yaml: { type: 'boolean' },
        soak: { type: 'string' },
        plot: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
    if (values.help === true) return { text: help, isHelp: true }
    const only = values.only?.split(',') ?? []
    const unknown = only.filter((name) => !sections.includes(name))
    if (unknown.length > 0) {
      const text = `there is no section ${unknown.join(', ')}; there are ${sections.join(', ')}\n`
      return { text, isHelp: false }
    }
    const { size, soak, plot } = values
    return {
      ...{ only, quick: values.quick ?? false, json: values.json ?? false, yaml: values.yaml ?? true },
      ...(size !== undefined && { size: wholeNumber(size) }),
      ...(soak !== undefined && { soakMs: duration(soak) }),
      ...(plot !== undefined && { plot }),
    }
  } catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n\n${help}`, isHelp: false }
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--size ${text}: a whole number of objects is needed, such as 10000`)
  return Number(text)
}

function duration(text: string): number {
  const [, count, unit] = /^([1-9]\d*)([smh])$/.exec(text) ?? []
  if (count === undefined) throw new Error(`--soak ${text}: a duration is needed, such as 90s, 30m or 2h`)
  return Number(count) * units[unit as keyof typeof units]
}
