import { parseArgs } from 'node:util'

export type Flags = { readonly only: readonly string[]; readonly quick: boolean; readonly json: boolean }

/** Reads the command line; a text is what to print instead of measuring. */
export function parseFlags(args: readonly string[], sections: readonly string[]): Flags | string {
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
    if (values.help === true) return help
    if (unknown.length > 0) return `there is no section ${unknown.join(', ')}; there are ${sections.join(', ')}\n`
    return { only, quick: values.quick ?? false, json: values.json ?? false }
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${help}`
  }
}
