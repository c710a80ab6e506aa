import { parseArgs } from 'node:util'

export type Flags = { readonly only: readonly string[]; readonly quick: boolean; readonly json: boolean }

/** What to print instead of measuring, and whether it was asked for. */
export type Answer = { readonly text: string; readonly isHelp: boolean }

/** Reads the command line. */
export function parseFlags(args: readonly string[], sections: readonly string[]): Flags | Answer {
  const help = `npm run bench -- [--only name,name] [--quick] [--json]

  --only    these sections alone: ${sections.join(', ')}
  --quick   without the sections whose time is waiting
  --json    figures as JSON
`
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
    const only = values.only?.split(',') ?? []
    const unknown = only.filter((name) => !sections.includes(name))
    if (values.help === true) return { text: help, isHelp: true }
    if (unknown.length > 0) {
      const text = `there is no section ${unknown.join(', ')}; there are ${sections.join(', ')}\n`
      return { text, isHelp: false }
    }
    return { only, quick: values.quick ?? false, json: values.json ?? false }
  } catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n\n${help}`, isHelp: false }
  }
}
