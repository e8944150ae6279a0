import { readFile } from "node:fs/promises";
import { CodedError } from "../errors.ts";
import type { CommandIo } from "./command.ts";

/** The text of a file named on the command line; `-` is standard input. Throws ManifestUnreadable. */
export async function readText(file: string, io: CommandIo): Promise<string> {
  if (file === "-") return io.stdin();
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new CodedError("ManifestUnreadable", `${file}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? "unknown"})`, { cause });
  }
}
