import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../../src/filter/index.ts";
import { typeName, type CelType } from "../../src/filter/types.ts";

/** Expressions over an environment, most of them well typed, by a seed: the same seed gives the same expressions. */

type Random = () => number;

/** Numbers from 0 up to 1, by a seed (mulberry32). */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Literals by type. Kinds of text that a function reads have pools of their own. */
const pools: Readonly<Record<string, readonly string[]>> = readPools();

function readPools(): Record<string, readonly string[]> {
  const sections = readFileSync(join(import.meta.dirname, "cel-go-literals.txt"), "utf8").split(/^\[(\w+)\]$/m).slice(1);
  const names = sections.filter((_part, index) => index % 2 === 0);
  return Object.fromEntries(names.map((name, index) => [name, (sections[2 * index + 1] ?? "").split("\n").filter((line) => line !== "").map((line) => line.replaceAll("⏎", "\n"))]));
}

/** What gives a value of a type: `{x}` stands for an expression of type x, T for one type throughout. */
const productions: readonly (readonly [result: string, template: string])[] = [
  ...["&&", "||"].flatMap((operator) => [["bool", `{bool} ${operator} {bool}`], ["bool", `{bool} ${operator} {bool}`]] as const),
  ["bool", "!{bool}"], ["bool", "!(!({bool}))"], ["bool", "!(!({any}))"], ["int", "-(-({int}))"], ["double", "-(-{double})"],
  ["bool", "dyn({number}) in [{number}, {number}]"], ["bool", "dyn({number}) in [dyn({number}), {any}]"], ["bool", "dyn({number}) in {{int}: {any}, {uint}: {any}}"], ["bool", "dyn({number}) == {number}"], ["bool", "dyn({any}) == dyn({any})"],
  ["bool", "[dyn({number})] == [{number}]"], ["bool", "{\"a\": dyn({number})} == {\"a\": {number}}"], ["bool", "[{any}, {any}] == [{any}, {any}]"], ["bool", "{dyn} < {number}"], ["bool", "dyn({string}) >= {string}"], ["bool", "{T} == {T}"], ["bool", "{T} == {T}"], ["bool", "{T} != {T}"], ["bool", "{T} in {list(T)}"], ["bool", "{string} in {map(string, T)}"], ["bool", "{string} in {map(string, string)}"], ["bool", "{int} in {map(int, T)}"],
  ...["<", "<=", ">", ">="].flatMap((operator) => [["bool", `{ordered} ${operator} {ordered}`], ["bool", `{O} ${operator} {O}`]] as const),
  ["bool", "{has}"], ["bool", "{has}"], ["bool", "{list}"], ["bool", "{list}"], ["bool", "{list}"],
  ["bool", "{string}.startsWith({string})"], ["bool", "{string}.endsWith({string})"], ["bool", "{string}.contains({string})"], ["bool", "{string}.matches({regex})"], ["bool", "matches({string}, {regex})"], ["bool", "bool({boolText})"], ["bool", "bool({bool})"], ["bool", "bool({string})"],
  ...["int", "uint", "double"].flatMap((type) => ["+", "-", "*", "/"].map((operator) => [type, `{${type}} ${operator} {${type}}`] as const)),
  ["int", "{int} % {int}"], ["uint", "{uint} % {uint}"], ["int", "-{int}"], ["double", "-{double}"],
  ["int", "size({list(T)})"], ["int", "{list(T)}.size()"], ["int", "size({string})"], ["int", "{string}.size()"], ["int", "size({map(string, T)})"], ["int", "size({bytes})"], ["int", "{bytes}.size()"],
  ["int", "int({uint})"], ["int", "int({double})"], ["int", "int({numberText})"], ["int", "int({timestamp})"], ["int", "int({duration})"], ["int", "int({int})"],
  ["uint", "uint({int})"], ["uint", "uint({double})"], ["uint", "uint({numberText})"], ["double", "double({int})"], ["double", "double({uint})"], ["double", "double({numberText})"],
  ["int", "{string}.indexOf({string})"], ["int", "{string}.indexOf({string}, {index})"], ["int", "{string}.lastIndexOf({string})"], ["int", "{string}.lastIndexOf({string}, {index})"],
  ...["FullYear", "Month", "DayOfYear", "DayOfMonth", "Date", "DayOfWeek", "Hours", "Minutes", "Seconds", "Milliseconds"].flatMap((part) => [["int", `{timestamp}.get${part}()`], ["int", `{timestamp}.get${part}({zone})`]] as const),
  ...["Hours", "Minutes", "Seconds"].map((part) => ["int", `{duration}.get${part}()`] as const),
  ["string", "{string} + {string}"], ["string", "{string}.charAt({index})"], ["string", "{string}.lowerAscii()"], ["string", "{string}.upperAscii()"], ["string", "{string}.trim()"], ["string", "{string} . trim ( )"], ["string", "string({T})"], ["int", "int({any})"], ["uint", "uint({any})"], ["double", "double({any})"], ["string", "{string}.reverse()"], ["string", "{string}.replace({string}, {string})"], ["string", "{string}.replace({string}, {string}, {limit})"],
  ["string", "{string}.substring({index})"], ["string", "{string}.substring({index}, {index})"], ["string", "{list(string)}.join()"], ["string", "{list(string)}.join({string})"], ["string", "strings.quote({string})"], ["string", "{formatted}"], ["string", "{formatted}"],
  ...["int", "uint", "double", "bool", "bytes", "timestamp", "duration", "string"].map((type) => ["string", `string({${type}})`] as const),
  ["list(string)", "{string}.split({string})"], ["list(string)", "{string}.split({string}, {limit})"],
  ["bytes", "bytes({string})"], ["bytes", "{bytes} + {bytes}"],
  ["timestamp", "timestamp({timestampText})"], ["timestamp", "timestamp({int})"], ["timestamp", "{timestamp} + {duration}"], ["timestamp", "{duration} + {timestamp}"], ["timestamp", "{timestamp} - {duration}"],
  ["duration", "duration({durationText})"], ["duration", "{timestamp} - {timestamp}"], ["duration", "{duration} + {duration}"], ["duration", "{duration} - {duration}"],
  ["T", "{bool} ? {T} : {T}"], ["T", "{list(T)}[{index}]"], ["T", "{map(string, T)}[{string}]"], ["T", "({T})"], ["T", "{dyn}"],
  ["list(T)", "[{T}, {T}]"], ["list(T)", "[{T}]"], ["list(T)", "[] + {list(T)}"], ["list(T)", "{list(T)} + []"], ["bool", "{T} in []"], ["bool", "{list(T)} != []"], ["int", "size([])"], ["bool", "{} == {map(string, T)}"], ["list(T)", "[{T}, {T}, {T},]"], ["list(T)", "{list(T)} + {list(T)}"], ["list(T)", "{list}"], ["list(T)", "{list}"],
  ["map(string, T)", "{{string}: {T}, \"zz\": {T}}"], ["map(string, T)", "{\"a\": {T}}"], ["map(int, T)", "{{int}: {T}, 77: {T}}"],
  ["type", "type({any})"],
  ["dyn", "dyn({any})"], ["dyn", "[1, {string}, true][{index}]"], ["dyn", "[{any}, {any}][{index}]"], ["dyn", "{\"a\": {any}, \"b\": {any}}.{key}"], ["list(dyn)", "[{any}, {any}]"], ["list(T)", "{list(T)} + {dyn}"], ["list(T)", "{dyn} + {list(T)}"], ["dyn", "{dyn}.{name}"], ["dyn", "dyn({dyn}[{any}])"],
];

/** A production as it is for one type. */
interface Form {
  readonly template: string;
  /** What T stands for; undefined: for any type. */
  readonly bound: string | undefined;
  /** Whether types of parts are joined into the result's. */
  readonly joins: boolean;
}

const forms = new Map<string, readonly Form[]>();

function formsOf(type: string): readonly Form[] {
  const made = forms.get(type) ?? productions.flatMap(([result, template]) => {
    const match = new RegExp(`^${result.replace(/[()]/g, "\\$&").replace("T", "(?<T>.+)")}$`).exec(type);
    return match === null ? [] : [{ template, bound: match.groups?.["T"], joins: result.includes("T") }];
  });
  forms.set(type, made);
  return made;
}

const scalars = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "null_type", "type"];
const ordered = ["int", "uint", "double", "string", "bytes", "timestamp", "duration", "bool"];
const anyOf = [...scalars, "list(string)", "list(int)", "map(string, int)", "map(int, string)", "dyn", "list(dyn)", "list(list(int))"];
const numbers = ["int", "uint", "double"];

/** Names that the event has no field of, or not everywhere. */
const fieldNames = ["team", "digest", "count", "metadata", "generation", "spec", "missing", "constructor", "tags", "image", "url", "labels", "none", "ok"];

interface Scope {
  readonly depth: number;
  /** Whether the type must be the one wanted: where it is joined with others, cel-go drops dyn and src/filter keeps it. */
  readonly joined: boolean;
  readonly locals: readonly { readonly name: string; readonly type: CelType }[];
}

interface Path {
  readonly text: string;
  readonly type: string;
}

/** Paths that an expression can read from a value; objects only by their fields, since cel-go knows a whole one otherwise. */
function pathsFrom(text: string, type: CelType): readonly Path[] {
  const own = type.kind === "object" ? [] : [{ text, type: typeName(type) }];
  const inner = (path: string, of: CelType): readonly Path[] => pathsFrom(path, of);
  switch (type.kind) {
    case "object": return Array.from(type.fields).flatMap(([name, field]) => inner(`${text}.${name}`, field.type));
    case "list": return [...own, ...inner(`${text}[0]`, type.element), ...inner(`${text}[2]`, type.element)];
    case "map": return [...own, ...["team", "constructor", "digest", "count", "tags", "revision", "missing"].flatMap((key) => [{ text: `${text}.${key}`, type: typeName(type.value) }, { text: `${text}["${key}"]`, type: typeName(type.value) }])];
    case "dyn": return [...own, ...["metadata.generation", "metadata.labels.team", "spec.params", "missing"].map((path) => ({ text: `${text}.${path}`, type: "dyn" }))];
    default: return own;
  }
}

/** What a macro can go through. */
interface Range {
  readonly text: string;
  readonly element: CelType;
  readonly isMap: boolean;
}

function rangeOf(text: string, type: CelType): readonly Range[] {
  if (type.kind === "list") return [{ text, element: type.element, isMap: false }];
  return type.kind === "map" ? [{ text, element: type.key, isMap: true }] : [];
}

/** Makes expressions one after another. */
export class ExpressionGenerator {
  readonly #random: Random;
  readonly #variables: readonly Path[];
  readonly #ranges: readonly Range[];

  constructor(environment: Environment, seed: number) {
    this.#random = randomFrom(seed);
    const variables = Array.from(environment.variables);
    this.#variables = variables.flatMap(([name, field]) => pathsFrom(name, field.type));
    this.#ranges = variables.flatMap(([text, { type }]) => rangeOf(text, type));
  }

  /** The next expression. About one in eight is damaged somewhere in its text. */
  next(): string {
    const text = this.#expression(this.#chance(0.7) ? "bool" : this.#pick(anyOf), { depth: 1 + Math.floor(this.#random() * 4), joined: false, locals: [] });
    return this.#chance(0.12) ? this.#damage(text) : text;
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.#random() * from.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }

  #damage(text: string): string {
    const characters = Array.from(text);
    const at = Math.floor(this.#random() * (characters.length + 1));
    const inserted = ["(", ")", "]", ".", ",", "+", "-", "!", "=", "&", "?", ":", '"', "'", " ", "1", "u", "e", "x", "[0]", ".size()", "//", "_", "in ", "0x", ".a", "`", "{", "\\"];
    return [...characters.slice(0, at), ...(this.#chance(0.6) ? [this.#pick(inserted)] : []), ...characters.slice(this.#chance(0.5) ? at + 1 : at)].join("");
  }

  #expression(wanted: string, scope: Scope): string {
    const type = scope.joined ? wanted : this.#chance(0.025) ? this.#pick(anyOf) : this.#chance(0.03) ? "dyn" : wanted;
    const leaf = scope.depth <= 0 || this.#chance(0.12) ? this.#leaf(type, scope) : undefined;
    return leaf ?? this.#production(type, { ...scope, depth: scope.depth - 1 });
  }

  #leaf(type: string, scope: Scope): string | undefined {
    const locals = scope.locals.flatMap(({ name, type: declared }) => pathsFrom(name, declared));
    const readable = [...locals, ...locals, ...this.#variables].filter((path) => path.type === type);
    const pool = pools[type];
    if (readable.length > 0 && (pool === undefined || this.#chance(0.45))) {
      const near = locals.filter((path) => path.type === type);
      return this.#pick(near.length > 0 && this.#chance(0.6) ? near : readable).text;
    }
    return pool === undefined ? undefined : this.#pick(pool);
  }

  #production(type: string, scope: Scope): string {
    if (pools[type] !== undefined && !scalars.includes(type)) {
      return this.#fill(this.#pick(pools[type]), "", scope);
    }
    if (scope.depth < -2) return this.#smallest(type, scope);
    const fitting = formsOf(type).filter(({ template }) => template !== "{dyn}" || (!scope.joined && this.#chance(0.2)));
    const { template, bound, joins } = this.#pick(fitting);
    const text = this.#fill(template, bound ?? this.#pick(scalars), { ...scope, joined: joins && (scope.joined || template !== "({T})") });
    return / [^\w"]|^[-!]/.test(template) && this.#chance(0.85) ? `(${text})` : text;
  }

  /** An expression of the type without further ones in it, but for its elements. */
  #smallest(type: string, scope: Scope): string {
    const [, element] = /^list\((.+)\)$/.exec(type) ?? [];
    if (element !== undefined) return `[${this.#smallest(element, scope)}]`;
    const [, key, value] = /^map\((\w+), (.+)\)$/.exec(type) ?? [];
    if (key !== undefined && value !== undefined) return `{${this.#smallest(key, scope)}: ${this.#smallest(value, scope)}}`;
    return this.#leaf(type, scope) ?? "dyn(1)";
  }

  /** Writes expressions in place of the `{...}` of a template. */
  #fill(template: string, bound: string, scope: Scope): string {
    const alike = this.#pick(ordered);
    return template.replace(/\{([a-zA-Z]\w*(?:\([^{}]*\))?)\}/g, (_whole, hole: string) => this.#hole(hole.replace(/\bT\b/, bound), { scope, alike, bound }));
  }

  #hole(hole: string, { scope, alike, bound }: { readonly scope: Scope; readonly alike: string; readonly bound: string }): string {
    switch (hole) {
      case "O": return this.#expression(alike, scope);
      case "ordered": return this.#expression(this.#pick(numbers), scope);
      case "any": return this.#expression(this.#pick(anyOf), scope);
      case "name": return this.#pick(fieldNames);
      case "key": return this.#pick(["a", "b", "c"]);
      case "number": return this.#expression(this.#pick(numbers), scope);
      case "has": return `has(${this.#pick(this.#variables.filter(({ text }) => text.includes("."))).text})`;
      case "list": return this.#macro(bound, scope);
      default: return this.#expression(hole, scope);
    }
  }

  /** A macro; `type`: that of the elements for those that give a list. The order of a map's keys is nobody's promise. */
  #macro(type: string, scope: Scope): string {
    const name = this.#pick(["t", "x", "name", "v"]);
    const range = this.#chance(0.7) ? this.#pick(this.#ranges) : undefined;
    const literal = this.#pick(["int", "string"]);
    const text = range?.text ?? this.#expression(`list(${literal})`, { ...scope, joined: true, depth: Math.min(scope.depth, 1) });
    const inner: Scope = { joined: false, depth: Math.min(scope.depth, 2), locals: [...scope.locals, { name, type: range?.element ?? ({ kind: literal } as CelType) }] };
    const form = this.#pick(range?.isMap === true ? ["exists", "all", "exists_one"] : ["exists", "all", "exists_one", "map", "filter", "mapIf"]);
    const condition = this.#expression("bool", inner);
    switch (form) {
      case "map": return `${text}.map(${name}, ${this.#expression(type, { ...inner, joined: scope.joined })})`;
      case "mapIf": return `${text}.map(${name}, ${condition}, ${this.#expression(type, { ...inner, joined: scope.joined })})`;
      default: return `${text}.${form}(${name}, ${condition})`;
    }
  }
}
