import type { styleText } from "node:util";

/** What a command may touch of the world around it. */
export interface CommandIo {
  /** Writes to standard output as it is. */
  readonly out: (text: string) => void;
  /** Writes to standard error as it is. */
  readonly err: (text: string) => void;
  readonly stdin: () => Promise<string>;
  /** Colours a text where the stream is a terminal that wants colours; left out: none. */
  readonly paint?: Paint;
}

/** Colours a text for one of the streams, or leaves it as it is. */
export type Paint = (stream: "out" | "err", style: Parameters<typeof styleText>[0], text: string) => string;

/** One option of a command, once: how it is parsed, told of and completed. */
export interface Option {
  readonly type: "boolean" | "string";
  /** One letter. */
  readonly short?: string;
  readonly multiple?: boolean;
  /** What a value looks like; of options of type string. `FILE` and the like are completed with files. */
  readonly value?: string;
  readonly description: string;
  /** All values that there are. */
  readonly values?: readonly string[];
}

export type Options = Readonly<Record<string, Option>>;

/** What exit codes mean for a command. */
type Exits = Readonly<Record<0 | 1 | 2, string>>;

/** One command of `tekton-integrations`: help, completion and docs/reference/cli.md all go by this. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name, a line for each way of use. */
  readonly usage: readonly string[];
  /** Lines that say what it does. */
  readonly description: readonly string[];
  readonly options: Options;
  /** What stands for itself, where there is a fixed list of it. */
  readonly positionals?: readonly string[];
  readonly exits: Exits;
  /** Command lines that work, in a shell, from a checkout and with the objects of `examples/`. Tests run them. */
  readonly examples: readonly string[];
  /** Resolves with the exit code. Throws UsageInvalid for a command line that is not understood. */
  readonly run: (args: readonly string[], io: CommandIo, signal: AbortSignal) => Promise<number>;
}

/** Names of the program: its own, and the one by which it is a plugin of `tkn`. */
export const programNames = ["tekton-integrations", "tkn-integrations"] as const;

/** What every command understands besides its own options. */
export const helpOption: Option = { type: "boolean", short: "h", description: "Say all this." };

function optionLines(options: Options): string[] {
  const heads = Object.entries(options).map(([name, { short, value }]) => `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...heads.map((head) => head.length));
  return Object.values(options).map(({ description }, index) => `  ${(heads[index] ?? "").padEnd(width)}  ${description}`);
}

/** The whole help text of a command. */
export function helpOf({ name, usage, description, options, exits, examples }: Command): string {
  const lines = usage.map((line, index) => `${index === 0 ? "Usage: " : "       "}${programNames[0]} ${name} ${line}`);
  const codes = Object.entries(exits).map(([code, meaning]) => `${code} ${meaning}`).join(", ");
  return [...lines, "", ...description, "", "Options:", ...optionLines({ ...options, help: helpOption }), "", "Examples:", ...examples.map((line) => `  ${line}`), "", `Exit code: ${codes}.`, ""].join("\n");
}
