/** What a command may touch of the world around it. */
export interface CommandIo {
  /** Writes to standard output as it is. */
  readonly out: (text: string) => void;
  /** Writes to standard error as it is. */
  readonly err: (text: string) => void;
  readonly stdin: () => Promise<string>;
}

/** One command of `tekton-integrations`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole help text. */
  readonly help: string;
  /** Resolves with the exit code. Throws UsageInvalid for a command line that is not understood. */
  readonly run: (args: readonly string[], io: CommandIo, signal: AbortSignal) => Promise<number>;
}
