import { serveFlags } from "../config.ts";
import type { Option, Options } from "./command.ts";

type ServeFlag = (typeof serveFlags)[number];

const optionOf = (flag: ServeFlag): Option => ({
  type: flag.type,
  description: flag.description,
  ...("value" in flag && { value: flag.value }),
  ...("values" in flag && { values: flag.values }),
  ...("repeatable" in flag && { multiple: true }),
});

/** Flags of `serve` as options of a command; all of them, or those that are asked for. */
export const serveOptions = (wanted: (name: string) => boolean = () => true): Options =>
  Object.fromEntries(serveFlags.filter(({ name }) => wanted(name)).map((flag) => [flag.name, optionOf(flag)]));

/** What was given for such options, as a command line of `serve`. */
export const serveArguments = (options: Options, values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>): string[] =>
  Object.keys(options).flatMap((name) => [values[name] ?? []].flat().map((value) => (value === true ? `--${name}` : `--${name}=${value}`)));
