import { Argument, Command } from "commander"
import { completionsOf } from "./completions.ts"
import { print } from "./output.ts"

/** Each asks us for the words, so that there is one place that knows them; where there are none it offers files. */
const scripts = {
  bash: `_bantam() {
  local IFS=$'\\n'
  COMPREPLY=($(bantam complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _bantam bantam
`,
  zsh: `#compdef bantam
_bantam() {
  local -a found
  found=(\${(f)"$(bantam complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( $#found )); then compadd -a found; else _files; fi
}
# As a file of fpath it is itself the function; otherwise it has to be named to the shell.
if [ "$funcstack[1]" = _bantam ]; then _bantam; else compdef _bantam bantam; fi
`,
  fish: `function __bantam_words
  set -l found (bantam complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c bantam -f -a '(__bantam_words)'
`,
} as const

type Shell = keyof typeof scripts

/** bantam completion */
export function completionCommand(): Command {
  return new Command("completion")
    .description("print what makes a shell complete our words")
    .addArgument(new Argument("<shell>", "which one").choices(Object.keys(scripts)))
    .addHelpText(
      "after",
      `
Examples:
  source <(bantam completion bash)                          in ~/.bashrc
  source <(bantam completion zsh)                           in ~/.zshrc, behind compinit
  bantam completion fish > ~/.config/fish/completions/bantam.fish`,
    )
    .action((shell: Shell) => print(scripts[shell]))
}

/** bantam complete: what those scripts ask. */
export function completeCommand(): Command {
  return new Command("complete")
    .argument("[words...]", "behind the program's name; the last one is still being typed")
    .action(async (words: readonly string[], _: unknown, command: Command) => {
      const found = completionsOf(command.parent ?? command, words)
      await print(found.map((each) => `${each}\n`).join(""))
    })
}
