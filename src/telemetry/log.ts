import { destination, pino, type Logger as PinoLogger } from "pino";
import { CodedError } from "../errors.ts";
import type { Redactor } from "./redact.ts";

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Fields of a log line. Values are redacted; errors become code, message and the names of their causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A text that is known when the program is compiled: one or more literals, and nothing put into them. */
type Constant<Text extends string> = Partial<Record<Text, unknown>> extends Record<Text, unknown> ? never : Text;

/** Writes one JSON line per call: a constant message, and fields for everything that varies. */
export interface Logger {
  debug<const Text extends string>(message: Constant<Text>, fields?: LogFields): void;
  info<const Text extends string>(message: Constant<Text>, fields?: LogFields): void;
  warn<const Text extends string>(message: Constant<Text>, fields?: LogFields): void;
  error<const Text extends string>(message: Constant<Text>, fields?: LogFields): void;
}

/** A logger whose level can be changed at any time. */
export interface LeveledLogger extends Logger {
  readonly level: () => LogLevel;
  readonly setLevel: (level: LogLevel) => void;
}

function describeError(error: Error, clean: (text: string) => string): Record<string, unknown> {
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    causes.push(typeof code === "string" ? `${cause.name} ${code}` : cause.name);
  }
  return {
    name: error.name,
    ...(error instanceof CodedError && { code: error.code, class: error.class }),
    message: clean(error.message),
    ...(causes.length > 0 && { causes }),
    // A coded error is expected and says all there is; of any other the place matters.
    ...(!(error instanceof CodedError) && error.stack !== undefined && { stack: clean(error.stack) }),
  };
}

/** How deep values are shown; what is below is left out, so that a cycle ends. */
const maxDepth = 6;

function cleanValue(value: unknown, clean: (text: string) => string, depth = 0): unknown {
  if (typeof value === "string") return clean(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return describeError(value, clean);
  if (depth >= maxDepth) return "...";
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, clean, depth + 1));
  return cleanFields(value, clean, depth + 1);
}

const cleanFields = (fields: object, clean: (text: string) => string, depth = 0): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [clean(key), cleanValue(value, clean, depth)]));

/** A logger to a file descriptor (1: standard output, 2: standard error). */
export function createLogger(level: LogLevel, redactor: Redactor, fd = 1): LeveledLogger {
  const base: PinoLogger = pino(
    { level, base: null, messageKey: "message", timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    destination({ dest: fd, sync: true }),
  );
  const write =
    (name: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (base.isLevelEnabled(name)) base[name](cleanFields(fields, redactor.clean), message);
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    level: () => logLevels.find((known) => known === base.level) ?? level,
    setLevel: (to) => {
      base.level = to;
    },
  };
}

/** A logger that writes nothing, for offline commands. */
export const silentLogger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
