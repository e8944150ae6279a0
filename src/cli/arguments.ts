import { parseArgs } from "node:util";
import { CodedError } from "../errors.ts";
import type { Options } from "./command.ts";

/** The values that options were given. */
export type Values<Declared extends Options> = {
  readonly [Name in keyof Declared]?: Declared[Name]["type"] extends "boolean" ? boolean : Declared[Name] extends { readonly multiple: true } ? readonly string[] : string;
};

export const usage = (message: string, cause?: unknown): CodedError => new CodedError("UsageInvalid", message, { cause });

/** Reads a command line by its options. Throws UsageInvalid for an unknown one, and for a value that is not among those it can have. */
export function readArguments<const Declared extends Options>(args: readonly string[], options: Declared, allowPositionals = false): { readonly values: Values<Declared>; readonly positionals: readonly string[] } {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: { ...options }, allowPositionals });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), cause);
  }
  for (const [name, given] of Object.entries(parsed.values)) {
    const { values, short } = options[name] ?? {};
    const wrong = values === undefined ? undefined : [given].flat().find((value) => !values.includes(String(value)));
    if (wrong !== undefined) throw usage(`${short === undefined ? "" : `-${short}, `}--${name}: ${JSON.stringify(wrong)} is not one of ${values?.join(", ") ?? ""}`);
  }
  return { values: parsed.values, positionals: parsed.positionals };
}
