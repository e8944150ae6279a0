import type { RunEvent } from "../api/run-event.ts";
import { createRunStore } from "../controller/run-store.ts";
import { CodedError } from "../errors.ts";
import { compile, runEventEnvironment, toJson, type Diagnostic, type Outcome } from "../filter/index.ts";
import { isObject } from "../webhook/json-value.ts";
import { readArguments, usage } from "./arguments.ts";
import type { Command, CommandIo } from "./command.ts";
import { formatted, outputOption } from "./output.ts";
import { readText } from "./read-text.ts";
import { readRunEvents } from "./simulate-runs.ts";

const options = {
  run: { type: "string", value: "FILE", description: "A run as YAML or JSON, or a list whose first run is taken (the others are its children); - for standard input." },
  event: { type: "string", value: "FILE", description: "A RunEvent as JSON; - for standard input." },
  filters: { type: "string", value: "FILE", description: '{"filters": [{"name", "expression"}]} in place of EXPRESSION.' },
  output: outputOption("One document"),
} as const;

interface NamedExpression {
  readonly name: string;
  readonly expression: string;
}

/** What `-o json` prints for each expression; stable. */
interface Evaluated extends NamedExpression {
  readonly type?: string;
  /** The most steps that an evaluation can take. */
  readonly cost?: number;
  readonly value?: unknown;
  readonly errors: readonly { readonly line: number; readonly column: number; readonly code: string; readonly message: string }[];
  readonly runtimeError?: { readonly line: number; readonly column: number; readonly code: string };
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CodedError("ManifestUnreadable", `${file}: not JSON`, { cause });
  }
}

function namedExpressions(file: string, text: string): NamedExpression[] {
  const document = parseJson(file, text);
  const filters = isObject(document) ? document["filters"] : undefined;
  if (!Array.isArray(filters)) throw usage(`${file}: {"filters": [...]} is expected`);
  return filters.map((filter: unknown, index) => {
    const { name, expression } = isObject(filter) ? filter : {};
    if (typeof name !== "string" || typeof expression !== "string") throw usage(`${file}: filters[${index}] needs the texts "name" and "expression"`);
    return { name, expression };
  });
}

function eventOfRuns(file: string, text: string): RunEvent {
  const changes = readRunEvents(text, file);
  const [first] = changes;
  if (first === undefined) throw usage(`${file}: there is no PipelineRun, TaskRun or CustomRun in it`);
  const runs = createRunStore(undefined);
  for (const { run } of changes) runs.upsert(run);
  const view = runs.view(first.run.uid);
  if (view === undefined) throw usage(`${file}: the run has no metadata.uid`);
  return view.event;
}

function eventOfJson(file: string, text: string): RunEvent {
  const event = parseJson(file, text);
  if (!isObject(event)) throw usage(`${file}: a RunEvent is a JSON object`);
  return event as unknown as RunEvent;
}

/** The caret is for people; the contract has the place alone. */
const plain = ({ line, column, code, message }: Diagnostic): Evaluated["errors"][number] => ({ line, column, code, message });

function resultOf(outcome: Outcome): Pick<Evaluated, "value" | "runtimeError"> {
  if (outcome.kind === "value") return { value: toJson(outcome.value) };
  const { line, column } = outcome;
  return { runtimeError: { line, column, code: outcome.kind === "absent" ? "FilterAbsent" : outcome.code } };
}

function evaluate({ name, expression }: NamedExpression, event: RunEvent | undefined): { readonly result: Evaluated; readonly text: string } {
  const { program, errors, warnings } = compile(expression, { environment: runEventEnvironment });
  const notes = [...errors, ...warnings].map(({ line, column, message, caret }) => `  ${line}:${column}: ${message}\n${caret.replace(/^/gm, "    ")}\n`).join("");
  if (program === undefined) return { result: { name, expression, errors: errors.map(plain) }, text: notes };
  const outcome = event === undefined ? undefined : program.evaluate(event);
  const result: Evaluated = { name, expression, type: program.type, cost: program.cost, errors: [], ...(outcome !== undefined && resultOf(outcome)) };
  const shown = outcome === undefined ? "" : outcome.kind === "value" ? `  value: ${JSON.stringify(result.value)}\n` : `  no value: ${outcome.kind === "absent" ? `${outcome.what} is absent` : outcome.code} (${outcome.line}:${outcome.column})\n`;
  return { result, text: `  type: ${program.type}\n  cost: at most ${program.cost} steps\n${shown}${notes}` };
}

function readEvalArguments(args: readonly string[]) {
  const { positionals, values } = readArguments(args, options, true);
  const { run, event, filters } = values;
  if (positionals.length !== (filters === undefined ? 1 : 0)) throw usage("either one EXPRESSION or --filters FILE is needed; see --help");
  if (run !== undefined && event !== undefined) throw usage("only one of --run and --event can be given");
  if ([run, event, filters].filter((file) => file === "-").length > 1) throw usage("only one file can be standard input");
  return { ...values, expression: positionals[0] };
}

async function runEval(args: readonly string[], io: CommandIo): Promise<number> {
  const { expression, run, event: eventFile, filters, output } = readEvalArguments(args);
  const expressions = filters === undefined ? [{ name: "expression", expression: expression ?? "" }] : namedExpressions(filters, await readText(filters, io));
  let event: RunEvent | undefined;
  if (run !== undefined) event = eventOfRuns(run, await readText(run, io));
  if (eventFile !== undefined) event = eventOfJson(eventFile, await readText(eventFile, io));
  const evaluated = expressions.map((named) => evaluate(named, event));
  if (output !== undefined) io.out(formatted(output, { results: evaluated.map(({ result }) => result) }));
  else for (const { result, text } of evaluated) io.out(`${result.expression}\n${text}`);
  return evaluated.every(({ result }) => result.errors.length === 0 && result.runtimeError === undefined) ? 0 : 1;
}

export const evalCommand: Command = {
  name: "eval",
  summary: "try a filter out on a run",
  usage: ["EXPRESSION [--run FILE | --event FILE] [-o FORMAT]", "--filters FILE [--run FILE | --event FILE] [-o FORMAT]"],
  description: ["Compiles CEL expressions and evaluates them on a run: the place to try a filter out. Without a run they are only compiled."],
  options,
  exits: { 0: "every expression compiled and gave a value", 1: "one did not", 2: "the command line or a file is not understood" },
  examples: [
    `tekton-integrations eval 'status == "Failed" && namespace.startsWith("team-")'`,
    "tekton-integrations eval 'duration > duration(\"1m\")' --run test/testdata/tekton-runs/failed-step.jsonl",
    "kubectl -n ci get pipelinerun shop-x7k2 -o yaml | tekton-integrations eval 'reason' --run - -o json",
  ],
  run: (args, io) => runEval(args, io),
};
