import { durationPart, durationParts, timestampPart, timestampParts } from "./calendar.ts";
import { walkSteps, zoneSteps } from "./charges.ts";
import * as convert from "./conversions.ts";
import { overload, texts, type FunctionDefinition, type Overload } from "./overload.ts";
import { parseDuration, parseTimestamp } from "./times.ts";
import { typeOf, types, type CelType } from "./types.ts";
import { type Bytes, Double, isJsonObject, TypeValue, ValueMap, type Duration, type Problem, type Timestamp, type Uint, type Value } from "./values.ts";

const { bool, int, uint, double, string, bytes, timestamp, duration, dyn } = types;

/** Texts of numbers and times are short; long ones are refused unread. */
const brief = (text: string): number => walkSteps(Math.min(64, text.length));

const from = (type: CelType, result: CelType, run: (value: Value) => Value | Problem): Overload => overload([type], result, (_meter, a) => run(a));
const same = (type: CelType): Overload => from(type, type, (value) => value);
const conversion = (name: string, ...overloads: Overload[]): FunctionDefinition => ({ name, style: "function", overloads });

/** The name of a value's type, as `type()` gives it. */
function runtimeType(value: Value): string {
  switch (typeof value) {
    case "string": return "string";
    case "boolean": return "bool";
    case "number":
    case "bigint": return "int";
    default: return value === null ? "null_type" : objectType(value);
  }
}

const boxedTypes: Readonly<Record<string, string>> = { timestamp: "google.protobuf.Timestamp", duration: "google.protobuf.Duration" };

function objectType(value: Exclude<Value, null | string | boolean | number | bigint>): string {
  if (value instanceof ValueMap || isJsonObject(value)) {
    return "map";
  }
  if (!("kind" in value)) {
    return "list";
  }
  return boxedTypes[value.kind as string] ?? (value.kind);
}

/** A part of a moment or span. */
function part(name: string): FunctionDefinition {
  const inUtc = timestampParts[name] ?? (() => 0);
  const spans = Object.hasOwn(durationParts, name) ? [overload([duration], int, (_meter, span) => durationPart(name, span as Duration))] : [];
  return {
    name,
    style: "method",
    overloads: [
      overload([timestamp], int, (_meter, moment) => inUtc((moment as Timestamp).seconds, (moment as Timestamp).nanos)),
      overload([timestamp, string], int, (meter, moment, zone) => {
        meter.steps -= zoneSteps;
        return timestampPart(name, moment as Timestamp, zone as string);
      }),
      ...spans,
    ],
  };
}

/** Functions that turn values of one type into another, and the parts of times. */
export const conversions: readonly FunctionDefinition[] = [
  conversion(
    "int",
    same(int),
    from(uint, int, (value) => convert.uintInt(value as Uint)),
    from(double, int, (value) => convert.doubleInt(value as Double)),
    texts(1, int, (text) => convert.textInt(text), brief),
    from(timestamp, int, (value) => (value as Timestamp).seconds),
    from(duration, int, (value) => convert.durationInt(value as Duration)),
  ),
  conversion(
    "uint",
    same(uint),
    from(int, uint, (value) => convert.intUint(value as number | bigint)),
    from(double, uint, (value) => convert.doubleUint(value as Double)),
    texts(1, uint, (text) => convert.textUint(text), brief),
  ),
  conversion(
    "double",
    same(double),
    from(int, double, (value) => new Double(Number(value))),
    from(uint, double, (value) => new Double(Number((value as Uint).value))),
    texts(1, double, (text) => convert.textDouble(text), brief),
  ),
  conversion(
    "string",
    same(string),
    from(bool, string, String),
    from(int, string, String),
    from(uint, string, (value) => (value as Uint).value.toString()),
    from(double, string, (value) => convert.doubleText(value as Double)),
    overload([bytes], string, (meter, value) => {
      meter.steps -= walkSteps((value as Bytes).value.length);
      return convert.bytesText(value as Bytes);
    }),
    from(timestamp, string, (value) => convert.zonedText(value as Timestamp)),
    from(duration, string, (value) => convert.durationText(value as Duration)),
  ),
  conversion("bytes", same(bytes), texts(1, bytes, (text) => convert.textBytes(text))),
  conversion("bool", same(bool), texts(1, bool, (text) => convert.textBool(text), brief)),
  conversion("duration", same(duration), texts(1, duration, (text) => parseDuration(text), brief)),
  conversion("timestamp", same(timestamp), texts(1, timestamp, (text) => parseTimestamp(text), brief), from(int, timestamp, (value) => convert.intTimestamp(value as number | bigint))),
  conversion("dyn", from(dyn, dyn, (value) => value)),
  conversion("type", overload([dyn], ([of]) => typeOf(of), (_meter, value) => new TypeValue(runtimeType(value)))),
  ...Object.keys(timestampParts).map(part),
];
