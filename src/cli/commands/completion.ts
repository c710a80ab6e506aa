/** `completion`: what a shell sources to complete the commands. */
import { Argument, type Command } from 'commander'
import type { CommandContext } from '../context.ts'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

const name = 'modelservice-operator'

/** Each asks the program itself. The last line of the answer says whether files are offered too. */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `_modelservice_operator() {
  local answer word
  answer=$(${name} __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    [[ $word == :* ]] || COMPREPLY+=("$word")
  done <<<"$answer"
  if [[ \${answer##*:} == 0 ]]; then compopt -o default; fi
}
complete -F _modelservice_operator ${name}
`,
  zsh: `#compdef ${name}
_modelservice_operator() {
  local -a lines words_offered
  lines=("\${(@f)$(${name} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  words_offered=("\${(@)\${(@)lines[1,-2]}/$'\\t'/:}")
  [[ \${lines[-1]} == :0 ]] && _files
  _describe command words_offered
}
compdef _modelservice_operator ${name}
`,
  fish: `complete -c ${name} -f -a '(${name} __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null | string match -v ":*")'
complete -c ${name} -s f -l filename -F
`,
}

export function addCompletion(program: Command, { out, programName }: CommandContext): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .summary('print what a shell sources to complete the commands')
    .description(
      'Prints a script for the shell, which then offers commands, options and names of objects. For kubectl zms, put deploy/kubectl/kubectl_complete-zms on the PATH instead.',
    )
    .addHelpText('after', `\nExample:\n  $ source <(${programName} completion bash)`)
    .action((shell: Shell) => out.print(scripts[shell].trimEnd()))
}
