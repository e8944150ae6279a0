import { tests as conformance } from "@bufbuild/cel-spec/testdata/conformance.js";
import { listOf, mapOf, types, type CelType } from "../../src/filter/types.ts";
import { Bytes, Double, Duration, Timestamp, TypeValue, Uint, ValueMap, keyOf, type Value } from "../../src/filter/values.ts";
import { parseDuration, parseTimestamp } from "../../src/filter/times.ts";

/** A value as the data writes it. */
type Json = Readonly<Record<string, unknown>>;

interface Recorded {
  readonly original: Json;
  readonly type?: string;
  readonly error?: string;
}

interface Suite {
  readonly name: string;
  readonly suites?: readonly Suite[];
  readonly tests?: readonly Recorded[];
}

/** What a test expects. */
export type Expectation = { readonly value: Value } | "error" | "checked only";

/** A test of the official data in our terms. */
export interface ConformanceTest {
  /** `suite/section/test`; unique. */
  readonly name: string;
  readonly expression: string;
  readonly variables: ReadonlyMap<string, CelType>;
  readonly bindings: Readonly<Record<string, unknown>>;
  /** Whether the expression is to run without being checked. */
  readonly unchecked: boolean;
  readonly expectation: Expectation;
  /** The type that cel-go's checker gives it. */
  readonly type: string | undefined;
  /** Whether cel-go's checker refuses it. */
  readonly refused: boolean;
}

/** What is left out, with how many tests each reason leaves out. */
export interface Selection {
  readonly tests: readonly ConformanceTest[];
  readonly leftOut: Readonly<Record<string, number>>;
}

/** Raised where a test needs something that is not part of the language: its message is the reason. */
class LeftOut extends Error {}

const extensions = new Set(["bindings_ext", "block_ext", "encoders_ext", "macros2", "math_ext", "optionals", "proto2_ext", "string_ext"]);

const optionals = /\boptional\.(?:of|none)\(/;

const messages = /google\.protobuf\.(?!Timestamp\b|Duration\b)|TestAllTypes|NestedEnum|GlobalEnum|type\.googleapis/;

const simple: Readonly<Record<string, CelType>> = {
  BOOL: types.bool, INT64: types.int, UINT64: types.uint, DOUBLE: types.double, STRING: types.string, BYTES: types.bytes, TIMESTAMP: types.timestamp, DURATION: types.duration,
};

function typeOf(type: Json): CelType {
  const known = simple[String(type["primitive"] ?? type["wellKnown"])];
  if (known !== undefined) {
    return known;
  }
  if (type["listType"] !== undefined) {
    return listOf(typeOf((type["listType"] as Json)["elemType"] as Json));
  }
  if (type["mapType"] !== undefined) {
    const { keyType, valueType } = type["mapType"] as { keyType: Json; valueType: Json };
    return mapOf(typeOf(keyType), typeOf(valueType));
  }
  if (type["dyn"] !== undefined) {
    return types.dyn;
  }
  throw new LeftOut("protobuf message, enum, wrapper or abstract type");
}

function intOf(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function mapValue(entries: readonly { readonly key: Json; readonly value: Json }[]): ValueMap {
  return new ValueMap(new Map(entries.map(({ key, value }) => [keyOf(valueOf(key)) ?? "", [valueOf(key), valueOf(value)]])));
}

function objectValue(object: Json): Value {
  const read = { "type.googleapis.com/google.protobuf.Timestamp": parseTimestamp, "type.googleapis.com/google.protobuf.Duration": parseDuration }[String(object["@type"])];
  const value = read?.(String(object["value"]));
  if (value instanceof Timestamp || value instanceof Duration) {
    return value;
  }
  throw new LeftOut("protobuf message, enum, wrapper or abstract type");
}

const readers: Readonly<Record<string, (value: unknown) => Value>> = {
  nullValue: () => null,
  boolValue: (value) => value as boolean,
  int64Value: (value) => intOf(String(value)),
  uint64Value: (value) => new Uint(BigInt(String(value))),
  doubleValue: (value) => new Double(Number(value)),
  stringValue: (value) => value as string,
  bytesValue: (value) => new Bytes(Buffer.from(value as string, "base64")),
  listValue: (value) => ((value as { values?: Json[] }).values ?? []).map(valueOf),
  mapValue: (value) => mapValue((value as { entries?: { key: Json; value: Json }[] }).entries ?? []),
  typeValue: (value) => new TypeValue(value as string),
  objectValue: (value) => objectValue(value as Json),
};

function valueOf(value: Json): Value {
  const [[kind, content] = ["", undefined]] = Object.entries(value);
  const read = readers[kind];
  if (read === undefined) {
    throw new LeftOut("protobuf message, enum, wrapper or abstract type");
  }
  return read(content);
}

/** A variable's value in the form in which events bring values of its type: JSON where JSON has one. */
function boundValue(value: Value, type: CelType | undefined, original: Json): unknown {
  if (type?.kind === "timestamp" || type?.kind === "duration") {
    return (original["objectValue"] as Json)["value"];
  }
  return type?.kind === "double" && value instanceof Double ? value.value : value;
}

function expectationOf(original: Json): Expectation {
  if (original["checkOnly"] === true) {
    return "checked only";
  }
  if (original["evalError"] !== undefined) {
    return "error";
  }
  const expected = original["typedResult"] === undefined ? original["value"] : (original["typedResult"] as Json)["result"];
  return { value: expected === undefined ? true : valueOf(expected as Json) };
}

/** What cel-go refuses for how it was set up, not for the expression. */
const limitsOfCelGo = /recursion limit|unsupported syntax/;

function read(name: string, test: Recorded, anyRefusal: boolean): ConformanceTest {
  const { original } = test;
  const expression = String(original["expr"]);
  const declarations = (original["typeEnv"] ?? []) as { name: string; ident?: { type: Json } }[];
  if (original["container"] !== undefined) {
    throw new LeftOut("a container");
  }
  if (optionals.test(expression)) {
    throw new LeftOut("optional types, an extension");
  }
  const expectation = expectationOf(original);
  if (messages.test(expression) && !(anyRefusal && expectation === "error")) {
    throw new LeftOut("protobuf message, enum, wrapper or abstract type");
  }
  const variables = new Map(declarations.map((declared): [string, CelType] => {
    if (declared.ident === undefined) {
      throw new LeftOut("a function that the test declares");
    }
    return [declared.name, typeOf(declared.ident.type)];
  }));
  const bindings = Object.entries((original["bindings"] ?? {}) as Record<string, { value: Json }>);
  return {
    name,
    expression,
    variables,
    bindings: Object.fromEntries(bindings.map(([key, { value }]) => [key, boundValue(valueOf(value), variables.get(key), value)])),
    unchecked: original["disableCheck"] === true,
    expectation,
    type: test.error === undefined ? test.type : undefined,
    refused: test.error !== undefined && !limitsOfCelGo.test(test.error),
  };
}

/** `anyRefusal`: whether a test with a message that expects an error is one, messages being refused. */
function select(suites: readonly Suite[], anyRefusal: boolean): Selection {
  const tests: ConformanceTest[] = [];
  const leftOut: Record<string, number> = {};
  const seen = new Map<string, number>();
  const visit = (suite: Suite, path: string): void => {
    for (const test of suite.tests ?? []) {
      const written = `${path}/${String(test.original["name"])}`;
      const count = (seen.get(written) ?? 0) + 1;
      seen.set(written, count);
      try {
        tests.push(read(count === 1 ? written : `${written}#${count}`, test, anyRefusal));
      } catch (error) {
        if (!(error instanceof LeftOut)) {
          throw error;
        }
        leftOut[error.message] = (leftOut[error.message] ?? 0) + 1;
      }
    }
    for (const inner of suite.suites ?? []) {
      visit(inner, `${path}/${inner.name}`);
    }
  };
  for (const suite of suites) {
    visit(suite, suite.name);
  }
  return { tests, leftOut };
}

const { suites = [] } = conformance as Suite;

/** The core suites, less what needs protobuf messages, enums, a container or a function of the test's own. */
export const core = select(suites.filter(({ name }) => !extensions.has(name)), false);

/** The suite of the strings extension. */
export const stringExtension = select(suites.filter(({ name }) => name === "string_ext"), true);
