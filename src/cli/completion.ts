/** What a shell may offer for the word at the cursor, in the protocol that kubectl has of its plugins. */
import type { Command, Option } from 'commander'
import type { CommandContext } from './context.ts'
import { keyOf, listModelServices, openKubernetes, type KubernetesOptions } from './kubernetes-access.ts'

/** What the shell does beside: it offers files, or it does not. */
const directives = { files: 0, noFiles: 4 } as const

/** No shell waits longer for names of objects. */
const namesWithinMs = 2_000

type Offer = { readonly words: readonly string[]; readonly directive: number }

/** @param words after the name of the program, the one at the cursor last, as far as it is typed */
export async function complete(program: Command, words: readonly string[], context: CommandContext): Promise<void> {
  const { words: offered, directive } = await offerFor(program, words, context)
  for (const word of offered) context.out.print(word)
  context.out.print(`:${directive}`)
}

async function offerFor(program: Command, words: readonly string[], context: CommandContext): Promise<Offer> {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const command = program.commands.find((one) => one.name() === before[0])
  const begins = (word: string) => word.startsWith(typed)
  if (!command) {
    const commands = typed.startsWith('-') ? [] : visible(program)
    return { words: commands.filter(({ word }) => begins(word)).map(describe), directive: directives.noFiles }
  }
  const option = optionNamed(command, before.at(-1) ?? '')
  if (option && !option.isBoolean()) {
    const choices = option.argChoices ?? []
    return { words: choices.filter(begins), directive: choices.length > 0 ? directives.noFiles : directives.files }
  }
  if (typed.startsWith('-')) {
    const options = command.options.map(({ long, description }) => ({ word: long ?? '', description }))
    return { words: options.filter(({ word }) => begins(word)).map(describe), directive: directives.noFiles }
  }
  const choices = command.registeredArguments[0]?.argChoices
  if (choices) return { words: choices.filter(begins), directive: directives.noFiles }
  if (command.registeredArguments.length === 0) return { words: [], directive: directives.files }
  return { words: (await objectNames(command, before.slice(1), context)).filter(begins), directive: directives.noFiles }
}

function visible(program: Command) {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({ word: command.name(), description: command.summary() || command.description() }))
}

function describe({ word, description }: { readonly word: string; readonly description: string }): string {
  return `${word}\t${description}`
}

function optionNamed(command: Command, word: string): Option | undefined {
  return command.options.find(({ short, long }) => word === short || word === long)
}

/** Those of the cluster and namespace that the words before name; none where the cluster does not tell. */
async function objectNames(
  command: Command,
  before: readonly string[],
  context: CommandContext,
): Promise<readonly string[]> {
  try {
    command.parseOptions([...before])
    const options = command.opts<KubernetesOptions>()
    const kubernetes = openKubernetes(options, context)
    try {
      const objects = await listModelServices(kubernetes, options, AbortSignal.timeout(namesWithinMs))
      return objects.map((object) => keyOf(object).replace(`${kubernetes.namespace}/`, ''))
    } finally {
      await kubernetes.close()
    }
  } catch {
    return []
  }
}
