import { create } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { celEnv, celList, celMap, parse as parseBufbuild, plan as planBufbuild, type CelInput } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { Environment } from "@marcbachmann/cel-js";
import * as celJs from "cel-js";
import type { RunEvent } from "../../src/api/run-event.ts";
import { compile, runEventEnvironment, viewOf, type EventView, type Outcome, type Program } from "../../src/filter/index.ts";
import { parseDuration, parseTimestamp } from "../../src/filter/times.ts";
import type { CelType } from "../../src/filter/types.ts";
import { Problem } from "../../src/filter/values.ts";
import { renamed, renamedEvent } from "../conformance/cel-go-peer.ts";
import type { Pass, Result } from "./filter-timing.ts";

/** A CEL implementation in this process. */
export interface Engine<Prepared, Compiled> {
  readonly name: string;
  /** An event in the form that it is fastest with. */
  readonly prepare: (event: RunEvent) => Prepared;
  /** Undefined: it cannot. */
  readonly compile: (expression: string) => Compiled | undefined;
  readonly evaluate: (compiled: Compiled, event: Prepared) => Result;
  /** Evaluates each filter on each event in turn: a loop of the engine's own, so that none is timed with what others did to it. */
  readonly pass: (compiled: readonly Compiled[], events: readonly Prepared[]) => Pass;
}

/** Evaluates a filter on an event; may throw. */
type Evaluator<Prepared> = (event: Prepared) => unknown;

type Library<Prepared> = Engine<Prepared, Evaluator<Prepared>>;

const resultOf = (value: unknown): Result => (value === true ? "true" : value === false ? "false" : "error");

/** What an engine makes of text it does not take, or of an event that it cannot evaluate. */
function attempt<Value>(run: () => Value): Value | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** Ours. Each call compiles anew: an environment of its own is a cache of its own. */
export const ours: Engine<EventView, Program> = {
  name: "ours",
  prepare: viewOf,
  compile: (expression) => compile(expression, { environment: { ...runEventEnvironment } }).program,
  evaluate: (program, event) => {
    const outcome = program.evaluate(event);
    return outcome.kind === "value" ? resultOf(outcome.value) : "error";
  },
  pass: (programs, events) => {
    const [program] = programs;
    return program !== undefined && programs.length === 1 ? oneProgram(program, events) : manyPrograms(programs, events);
  },
};

const countTrue = (outcome: Outcome): number => (outcome.kind === "value" && outcome.value === true ? 1 : 0);

const oneProgram = (program: Program, events: readonly EventView[]): Pass => (times) => {
  let seen = 0;
  for (let round = 0; round < times; round += 1) {
    for (const event of events) {
      seen += countTrue(program.evaluate(event));
    }
  }
  return seen;
};

const manyPrograms = (programs: readonly Program[], events: readonly EventView[]): Pass => (times) => {
  let seen = 0;
  for (let round = 0; round < times; round += 1) {
    for (const event of events) {
      for (const program of programs) {
        seen += countTrue(program.evaluate(event));
      }
    }
  }
  return seen;
};

/** What libraries have in common: they throw what is wrong. */
const libraryEvaluate = <Prepared>(evaluate: Evaluator<Prepared>, event: Prepared): Result => resultOf(attempt(() => evaluate(event)));

const libraryPass = <Prepared>(evaluators: readonly Evaluator<Prepared>[], events: readonly Prepared[]): Pass => (times) => {
  let seen = 0;
  const all = Array.from({ length: times }, () => events).flat();
  for (const event of all) {
    for (const evaluate of evaluators) {
      try {
        seen += evaluate(event) === true ? 1 : 0;
      } catch {
        seen += 0;
      }
    }
  }
  return seen;
};

/** How a library wants its values. */
interface Forms<Value> {
  readonly int: (value: number) => Value;
  readonly timestamp: (seconds: number, nanos: number) => Value;
  readonly duration: (seconds: number, nanos: number) => Value;
  readonly list: (elements: readonly Value[]) => Value;
  readonly map: (entries: Readonly<Record<string, Value>>) => Value;
  readonly plain: (value: string | boolean | number | null) => Value;
}

const partType = (type: CelType | undefined, key: string): CelType | undefined => (type?.kind === "object" ? type.fields.get(key)?.type : type?.kind === "map" ? type.value : undefined);

function converted<Value>(value: unknown, type: CelType | undefined, forms: Forms<Value>): Value {
  if (type?.kind === "timestamp" || type?.kind === "duration") {
    const time = type.kind === "timestamp" ? parseTimestamp(String(value)) : parseDuration(String(value));
    return time instanceof Problem ? forms.plain(null) : forms[type.kind](time.seconds, time.nanos);
  }
  if (Array.isArray(value)) {
    return forms.list(value.map((element) => converted(element, type?.kind === "list" ? type.element : undefined, forms)));
  }
  if (typeof value === "object" && value !== null) {
    return forms.map(Object.fromEntries(Object.entries(value).map(([key, part]) => [key, converted(part, partType(type, key), forms)])));
  }
  return typeof value === "number" && Number.isInteger(value) ? forms.int(value) : forms.plain(value as string | boolean | number | null);
}

/** The event's variables in a library's forms, under the names that libraries take. */
function variablesOf<Value>(event: RunEvent, forms: Forms<Value>): Record<string, Value> {
  const { variables } = runEventEnvironment;
  const made = Array.from(variables, ([name, { type }]): [string, Value] | undefined => {
    const value: unknown = (event as Readonly<Record<string, unknown>>)[name] ?? (type.kind === "object" ? {} : undefined);
    return value === undefined ? undefined : [renamed(name), converted(value, type, forms)];
  });
  return Object.fromEntries(made.filter((entry) => entry !== undefined));
}

const bufbuildForms: Forms<CelInput> = {
  int: BigInt,
  timestamp: (seconds, nanos) => create(TimestampSchema, { seconds: BigInt(seconds), nanos }),
  duration: (seconds, nanos) => create(DurationSchema, { seconds: BigInt(seconds), nanos }),
  list: celList,
  map: (entries) => celMap(new Map(Object.entries(entries))),
  plain: (value) => value,
};

const bufbuildEnvironment = celEnv({ funcs: strings });

export const bufbuild: Library<Record<string, CelInput>> = {
  name: "@bufbuild/cel",
  prepare: (event) => variablesOf(event, bufbuildForms),
  compile: (expression) => attempt(() => planBufbuild(bufbuildEnvironment, parseBufbuild(renamed(expression)))),
  evaluate: libraryEvaluate,
  pass: libraryPass,
};

const marcbachmannEnvironment = new Environment({ unlistedVariablesAreDyn: true });

const marcbachmannForms: Forms<unknown> = {
  int: BigInt,
  timestamp: (seconds, nanos) => new Date(seconds * 1000 + nanos / 1e6),
  duration: (seconds, nanos) => marcbachmannEnvironment.evaluate(`duration("${seconds + nanos / 1e9}s")`) as unknown,
  list: (elements) => elements,
  map: (entries) => entries,
  plain: (value) => value,
};

export const marcbachmann: Library<Record<string, unknown>> = {
  name: "@marcbachmann/cel-js",
  prepare: (event) => variablesOf(event, marcbachmannForms),
  compile: (expression) => attempt(() => marcbachmannEnvironment.parse(renamed(expression))),
  evaluate: libraryEvaluate,
  pass: libraryPass,
};

export const celJsEngine: Library<object> = {
  name: "cel-js",
  prepare: (event) => renamedEvent(event),
  compile: (expression) => {
    const parsed = attempt(() => celJs.parse(renamed(expression)));
    return parsed?.isSuccess === true ? (event) => celJs.evaluate(parsed.cst, event as Record<string, unknown>) : undefined;
  },
  evaluate: libraryEvaluate,
  pass: libraryPass,
};
