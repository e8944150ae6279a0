import { text } from "node:stream/consumers";
import { styleText } from "node:util";
import { CodedError } from "../errors.ts";
import { helpOf, type CommandIo } from "./command.ts";
import { commands } from "./commands.ts";

const processIo: CommandIo = {
  out: (content) => {
    process.stdout.write(content);
  },
  err: (content) => {
    process.stderr.write(content);
  },
  stdin: () => text(process.stdin),
  // By the stream: a terminal, NO_COLOR, FORCE_COLOR and TERM decide.
  paint: (stream, style, content) => styleText(style, content, { stream: stream === "out" ? process.stdout : process.stderr }),
};

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "tekton-integrations: tells external services how Tekton runs went.",
    "",
    "Usage: tekton-integrations COMMAND [OPTIONS]",
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "tekton-integrations COMMAND --help says more.",
    "",
  ].join("\n");
}

/** Runs one command line. Resolves with the exit code: 0 done, 1 the answer is no, 2 not understood or not readable. */
export async function main(args: readonly string[], signal: AbortSignal, io: CommandIo = processIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    (name === undefined ? io.err : io.out)(overview());
    return name === undefined ? 2 : 0;
  }
  const command = commands.find((known) => known.name === name);
  if (command === undefined) {
    io.err(`tekton-integrations: there is no command ${JSON.stringify(name)}\n\n${overview()}`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    io.out(helpOf(command));
    return 0;
  }
  try {
    return await command.run(rest, io, signal);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    io.err(`tekton-integrations ${name}: ${error.message}\n`);
    return error.class === "input" ? 2 : 1;
  }
}
