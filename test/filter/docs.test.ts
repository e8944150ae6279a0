import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errorCatalogue } from "../../src/errors.ts";
import { macroNames } from "../../src/filter/ast.ts";
import { functions } from "../../src/filter/functions.ts";
import { compile, compileTemplate, runEventEnvironment } from "../../src/filter/index.ts";
import { limits } from "../../src/filter/limits.ts";
import { examples } from "./docs-examples.ts";
import { sampleEvent } from "./sample-event.ts";

const read = (page: string): string => readFileSync(join(import.meta.dirname, "../../docs", page), "utf8");
const filters = read("filters.md");

const section = (title: string): string => {
  const start = filters.indexOf(`\n## ${title}\n`);
  assert.notEqual(start, -1, `docs/filters.md has no section ${title}`);
  const end = filters.indexOf("\n## ", start + 1);
  return filters.slice(start, end === -1 ? undefined : end);
};

test("every example in docs/filters.md is a filter that compiles without a warning and runs", () => {
  const examples = Array.from(filters.matchAll(/```cel\n([\s\S]*?)```/g), ([, example = ""]) => example.trim());
  assert.ok(examples.length >= 15);
  for (const example of examples) {
    const { program, errors, warnings } = compile(example, { environment: runEventEnvironment, result: "bool" });
    assert.deepEqual([errors, warnings], [[], []], example);
    assert.notEqual(program?.evaluate(sampleEvent()).kind, "error", example);
  }
});

const conditions = { environment: runEventEnvironment, result: "bool" } as const;

test("each of the twenty and more real filters matches one run and does not match another", () => {
  const written = Array.from(section("Examples").matchAll(/^### (.*)\n([\s\S]*?)```cel\n([\s\S]*?)```/gm), ([, title = "", , expression = ""]) => ({ title, expression: expression.trim() }));
  assert.ok(written.length >= 20);
  assert.deepEqual(written.map(({ title }) => title).sort(), Object.keys(examples).sort());
  for (const { title, expression } of written) {
    const { program, errors, warnings } = compile(expression, conditions);
    const { matches, other } = examples[title] ?? assert.fail(title);
    assert.deepEqual([errors, warnings], [[], []], title);
    assert.deepEqual(program?.evaluate(matches), { kind: "value", value: true }, title);
    const outcome = program.evaluate(other);
    assert.ok(outcome.kind === "absent" || (outcome.kind === "value" && outcome.value === false), `${title}: ${JSON.stringify(outcome)}`);
  }
});

test("mistakes in docs/filters.md are answered with what stands beside them", () => {
  const rows = Array.from(section("When it is refused").matchAll(/^\| `(.*?)` \| (.*) \|$/gm), ([, written = "", said]) => [written, said] as const);
  assert.ok(rows.length >= 10);
  for (const [written, said] of rows) {
    assert.deepEqual(compile(written, conditions).errors.map(({ message }) => message), [said], written);
  }
});

test("the templates in docs/filters.md say what stands beside them", () => {
  const rows = Array.from(section("Templates").matchAll(/^\| `(.*)` \| `(.*)` \|$/gm), ([, source = "", text]) => [source, text] as const);
  assert.ok(rows.length >= 5);
  for (const [source, text] of rows) {
    const { template, errors, warnings } = compileTemplate(source, { environment: runEventEnvironment });
    assert.deepEqual([errors, warnings], [[], []], source);
    assert.deepEqual(template?.render(sampleEvent(), { maxBytes: 1000 }), { text, faults: [] });
  }
});

test("the refusal shown in docs/filters.md is the real one", () => {
  const [error] = compile('statsu == "Failed"', { environment: runEventEnvironment }).errors;
  const caret = (error?.caret ?? "").split("\n").map((line) => `  ${line}`).join("\n");
  assert.ok(filters.includes(`${error?.line ?? 0}:${error?.column ?? 0}: ${error?.message ?? ""}\n${caret}`));
});

test("docs/filters.md lists every function and macro, and none that does not exist", () => {
  const named = [...Array.from(functions.values()).filter(({ style }) => style !== "operator").map(({ name }) => name.replace(/^.*\./, "")), ...macroNames, "has"];
  const code = Array.from(section("Functions").matchAll(/^\| (`.*?) \|/gm), ([, cell = ""]) => cell).join(" ");
  const documented = new Set(Array.from(code.matchAll(/([A-Za-z_]+)\(/g), ([, name = ""]) => name));
  assert.deepEqual([...documented].sort(), [...new Set(named)].sort());
});

test("what docs/filters.md names as not supported yet is refused so", () => {
  const [, form = ""] = /\(`(list\..*?)`\)/.exec(section("Not supported yet")) ?? [];
  const [error] = compile(form.replace("list", "tasks").replace("condition", "true"), { environment: runEventEnvironment }).errors;
  assert.equal(error?.code, "FilterNotSupportedYet");
});

/** The names and the type of each row of the table of variables, with the fields that the text beside names. */
const variableRows = (): readonly { readonly names: readonly string[]; readonly type: string; readonly fields: readonly string[] }[] =>
  Array.from(section("Variables").matchAll(/^\| (`.*?`) \| (.*?) \| (.*) \|$/gm), ([, names = "", type = "", text = ""]) => ({
    names: Array.from(names.matchAll(/`([a-zA-Z]+)`/g), ([, name = ""]) => name),
    type,
    fields: Array.from(text.matchAll(/`(?:\w+)?\.(\w+)`/g), ([, field = ""]) => field),
  }));

test("docs/filters.md names all variables with their types, and only those there are", () => {
  const rows = variableRows();
  assert.deepEqual(rows.flatMap(({ names }) => names).sort(), [...runEventEnvironment.variables.keys()].sort());
  for (const { names, type } of rows) {
    for (const name of names) {
      const declared = compile(name, { environment: runEventEnvironment }).program?.type ?? "missing";
      assert.ok(declared === type || (type === "object" && declared.startsWith("RunEvent.")) || (type === "list" && declared.startsWith("list(")), `${name} is ${declared}`);
    }
  }
});

test("docs/filters.md names all fields of parent, commit, tasks and previous, and only those there are", () => {
  for (const name of ["parent", "commit", "tasks", "previous"]) {
    const type = runEventEnvironment.variables.get(name)?.type;
    const object = type?.kind === "list" ? type.element : type;
    assert.ok(object?.kind === "object");
    const row = variableRows().find(({ names }) => names.includes(name));
    assert.deepEqual(row?.fields.toSorted(), [...object.fields.keys()].sort(), name);
  }
});

test("docs/filters.md states the limits as they are", () => {
  const said = section("Limits");
  for (const limit of [limits.sourceBytes, limits.nodes, limits.depth, limits.patternLength, limits.steps, limits.templateBytes, limits.templateParts]) {
    assert.ok(said.includes(limit.toLocaleString("en")), String(limit));
  }
});

test("docs/reference/filter-errors.md and the catalogue hold the same codes, meanings and remedies", () => {
  const rows = Array.from(read("reference/filter-errors.md").matchAll(/^\| `(\w+)` \| (.*) \| (.*) \|$/gm), ([, code, meaning, remedy]) => [code, meaning, remedy]);
  const escaped = (text: string): string => text.replaceAll("|", "\\|");
  const entries = Object.entries(errorCatalogue).filter(([, { area }]) => area === "filter");
  assert.deepEqual(rows.sort(), entries.map(([code, { meaning, remedy }]) => [code, escaped(meaning), escaped(remedy)]).sort());
});
