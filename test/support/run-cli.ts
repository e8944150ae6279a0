import { main } from "../../src/cli/main.ts";

/** What a command line ended with. */
export interface CliEnded {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
export async function runCli(args: readonly string[], stdin = ""): Promise<CliEnded> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), stdin: () => Promise.resolve(stdin) };
  const code = await main(args, new AbortController().signal, io);
  return { code, out, err };
}
