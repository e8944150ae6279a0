import { readArguments, usage } from "./arguments.ts";
import { helpOption, programNames, type Command, type Option } from "./command.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

const optionsOf = (command: Command): [string, Option][] => Object.entries({ ...command.options, help: helpOption });
const wordsOf = (name: string, { short }: Option): string[] => [...(short === undefined ? [] : [`-${short}`]), `--${name}`];
const takesFile = ({ value }: Option): boolean => value !== undefined && /FILE|PATH|DIR/.test(value);
const takesValue = ({ type }: Option): boolean => type === "string";

/** The cases of `<command> <option>` for which bash knows more than that anything may follow. */
function bashValues(commands: readonly Command[]): string[] {
  return commands.flatMap((command) =>
    optionsOf(command).filter(([, option]) => takesValue(option)).map(([name, option]) => {
      const patterns = wordsOf(name, option).map((word) => `"${command.name} ${word}"`).join("|");
      const found = option.values !== undefined ? `COMPREPLY=($(compgen -W "${option.values.join(" ")}" -- "$current"))` : takesFile(option) ? `IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$current"))` : "COMPREPLY=()";
      return `    ${patterns}) ${found}; return ;;`;
    }),
  );
}

function bash(commands: readonly Command[]): string {
  const words = (command: Command): string => [...optionsOf(command).flatMap(([name, option]) => wordsOf(name, option)), ...(command.positionals ?? [])].join(" ");
  return `# bash completion; to use it: source <(${programNames[0]} completion bash)
_tekton_integrations() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  local IFS=$' \\t\\n'
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...commands.map(({ name }) => name), "help", "--help"].join(" ")}" -- "$current"))
    return
  fi
  case "$command $previous" in
${bashValues(commands).join("\n")}
  esac
  case "$command" in
${commands.map((command) => `    ${command.name}) COMPREPLY=($(compgen -W "${words(command)}" -- "$current")) ;;`).join("\n")}
  esac
}
complete -o filenames -F _tekton_integrations ${programNames.join(" ")}
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** What zsh's _arguments takes for an option. */
function zshSpecs(name: string, option: Option): string[] {
  const action = option.values === undefined ? (takesFile(option) ? "_files" : " ") : `(${option.values.join(" ")})`;
  const told = option.description.replace(/[[\]\\:]/g, "\\$&");
  return wordsOf(name, option).map((word) => quoted(`${option.multiple === true ? "*" : ""}${word}[${told}]${takesValue(option) ? `:${(option.value ?? "value").replaceAll(":", "")}:${action}` : ""}`));
}

function zsh(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const more = command.positionals === undefined ? [] : [quoted(`1: :(${command.positionals.join(" ")})`)];
    const specs = [...optionsOf(command).flatMap(([name, option]) => zshSpecs(name, option)), ...more];
    return `    ${command.name}) _arguments ${specs.join(" ")} ;;`;
  });
  return `#compdef ${programNames.join(" ")}
# zsh completion; to use it: source <(${programNames[0]} completion zsh), or save it as _${programNames[0]} in a folder of $fpath
_tekton_integrations() {
  if (( CURRENT == 2 )); then
    local -a found=(${commands.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(" ")})
    _describe command found
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_${programNames[0]}" ]; then _tekton_integrations "$@"; else compdef _tekton_integrations ${programNames.join(" ")}; fi
`;
}

function fish(commands: readonly Command[]): string {
  const lines = programNames.flatMap((program) => [
    `complete -c ${program} -f`,
    ...commands.map(({ name, summary }) => `complete -c ${program} -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`),
    ...commands.flatMap((command) => {
      const when = `-n '__fish_seen_subcommand_from ${command.name}'`;
      const positionals = command.positionals === undefined ? [] : [`complete -c ${program} ${when} -a ${quoted(command.positionals.join(" "))}`];
      return [
        ...positionals,
        ...optionsOf(command).map(([name, option]) => {
          const value = option.values === undefined ? (takesFile(option) ? " -r -F" : takesValue(option) ? " -x" : "") : ` -x -a ${quoted(option.values.join(" "))}`;
          return `complete -c ${program} ${when} -l ${name}${option.short === undefined ? "" : ` -s ${option.short}`}${value} -d ${quoted(option.description)}`;
        }),
      ];
    }),
  ]);
  return `# fish completion; to use it: ${programNames[0]} completion fish | source\n${lines.join("\n")}\n`;
}

const scripts: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = { bash, zsh, fish };

/** The command that prints completion scripts of all commands, itself among them. */
export function completionCommand(others: readonly Command[]): Command {
  const command: Command = {
    name: "completion",
    summary: "print a script that lets a shell complete commands and options",
    usage: [shells.join("|")],
    description: [`Prints a script for the shell, for ${programNames.join(" and ")}.`],
    options: {},
    positionals: shells,
    exits: { 0: "printed", 1: "never", 2: "the command line is not understood" },
    examples: ["source <(tekton-integrations completion bash)"],
    run: (args, io) => {
      const { positionals } = readArguments(args, {}, true);
      const shell = shells.find((known) => known === positionals[0]);
      if (shell === undefined || positionals.length !== 1) throw usage(`one of ${shells.join(", ")} is needed`);
      io.out(scripts[shell]([...others, command]));
      return Promise.resolve(0);
    },
  };
  return command;
}
