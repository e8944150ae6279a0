import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { commands } from "../../src/cli/commands.ts";
import { runCli } from "../support/run-cli.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/reference/cli.md"), "utf8");

/** The rows of the table with this head. */
function rowsBelow(head: string): string[][] {
  const lines = page.split("\n");
  const start = lines.indexOf(head);
  assert.ok(start >= 0, head);
  const rest = lines.slice(start + 2);
  return rest.slice(0, rest.findIndex((line) => !line.startsWith("|"))).map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll("\\|", "|")));
}

describe("docs/reference/cli.md", () => {
  it("lists every command with what it does, and no other", () => {
    assert.deepEqual(rowsBelow("| command | does |"), commands.map(({ name, summary }) => [`\`${name}\``, summary]));
  });

  it("says what each exit code of each command means", () => {
    assert.deepEqual(rowsBelow("| command | 0 | 1 | 2 |"), commands.map(({ name, exits }) => [`\`${name}\``, exits[0], exits[1], exits[2]]));
  });

  it("lists every option of every command but serve, whose are the flags, and no other", () => {
    const expected = commands.filter(({ name }) => name !== "serve").flatMap(({ name, options }) =>
      Object.entries(options).map(([option, { short, value, description }]) => [`\`${name}\``, `\`${short === undefined ? "" : `-${short}, `}--${option}${value === undefined ? "" : ` ${value}`}\``, description]));
    assert.deepEqual(rowsBelow("| command | option | meaning |"), expected);
  });

  it("names no option that does not exist", () => {
    const known = new Set(["help", ...commands.flatMap(({ options }) => Object.keys(options))]);
    const named = [...page.matchAll(/--([a-z][a-z-]*[a-z])(?![-*a-z])/g)].map(([, name = ""]) => name);
    assert.ok(named.length > 60);
    assert.deepEqual(named.filter((name) => !known.has(name)), []);
  });
});

describe("--help", () => {
  it("of every command says its usage, every option, examples that use it, and the exit codes", async () => {
    for (const { name, options, examples, exits, usage } of commands) {
      const { code, out, err } = await runCli([name, "--help"]);
      assert.deepEqual([code, err], [0, ""]);
      for (const line of usage) assert.ok(out.includes(`tekton-integrations ${name} ${line}\n`), name);
      for (const [option, { description }] of Object.entries(options)) assert.ok(new RegExp(`--${option}\\b.*`).test(out) && out.includes(description), `${name} --${option}`);
      assert.ok(examples.length > 0 && examples.every((example) => example.includes(`tekton-integrations ${name}`) && out.includes(`  ${example}\n`)), name);
      assert.ok(out.endsWith(`Exit code: 0 ${exits[0]}, 1 ${exits[1]}, 2 ${exits[2]}.\n`), name);
    }
  });

  it("is what the program says of itself without a command, with exit code 2", async () => {
    const [asked, none, wrong] = [await runCli(["--help"]), await runCli([]), await runCli(["sned"])];
    assert.deepEqual([asked.code, none.code, wrong.code], [0, 2, 2]);
    assert.equal(asked.out, none.err);
    for (const { name, summary } of commands) assert.match(asked.out, new RegExp(`^ {2}${name} +${summary}$`, "m"));
    assert.match(wrong.err, /^tekton-integrations: there is no command "sned"/);
  });
});
