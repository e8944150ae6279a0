import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { generatedFiles } from "../../src/generate/main.ts";
import { fencedBlocks } from "./pages.ts";

const root = join(import.meta.dirname, "../..");
const path = "docs/add-a-provider.md";
const blocks = fencedBlocks({ path, text: readFileSync(join(root, path), "utf8") });

/** Left out of the copy: what is installed or made, and the history. */
const notCopied = new Set(["node_modules", ".git", "dist", "coverage"]);

/** Every file below a folder, with its content. */
function filesBelow(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => !name.startsWith("node_modules") && statSync(join(folder, name)).isFile());
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}

/** A `diff` block: lines that are there, and lines that are added. Throws where the place is not found, or found twice. */
function changed(text: string, diff: string): string {
  const lines = diff.trimEnd().split("\n");
  assert.ok(lines.every((line) => /^[ +]/.test(line)) && lines.some((line) => line.startsWith(" ")), diff);
  const [before, now] = [lines.filter((line) => line.startsWith(" ")), lines].map((some) => some.map((line) => `${line.slice(1)}\n`).join("")) as [string, string];
  const place = `\n${before}`;
  assert.equal(`\n${text}`.split(place).length, 2, `this stands there once:\n${before}`);
  return `\n${text}`.replace(place, () => `\n${now}`).slice(1);
}

describe(path, () => {
  let copy: string;
  let untouched: Map<string, string>;
  const said = new Map<string, string>();

  before(() => {
    copy = mkdtempSync(join(tmpdir(), "add-a-provider-"));
    for (const name of readdirSync(root)) if (!notCopied.has(name)) cpSync(join(root, name), join(copy, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    untouched = filesBelow(copy);
  });
  after(() => {
    rmSync(copy, { recursive: true, force: true });
  });

  const run = (command: string): void => {
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const env = { ...environment, PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env["PATH"] ?? ""}` };
    const { status, stdout, stderr } = spawnSync(command, { cwd: copy, env, shell: true, encoding: "utf8", timeout: 300_000 });
    assert.equal(status, 0, `${command}\n${stdout}${stderr}`);
    said.set(command, stdout);
  };
  const write = (info: string, text: string): void => {
    const [language, name = ""] = info.split(" ");
    const file = join(copy, name);
    if (language === "diff") {
      writeFileSync(file, changed(readFileSync(file, "utf8"), text));
      return;
    }
    assert.ok(!existsSync(file), `${name} is there already`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };

  it("is followed, block by block: files are written, commands end well", () => {
    assert.ok(blocks.length > 10);
    for (const { info, text } of blocks) {
      if (info === "sh") for (const command of text.trimEnd().split("\n")) run(command);
      else write(info, text);
    }
    assert.ok(said.size >= 5);
  });

  it("made the section part of the CustomResourceDefinitions, the schemas and the reference", () => {
    for (const [kind, field] of [["provider", "topic"], ["notification", "tags"]] as const) {
      const schema = JSON.parse(readFileSync(join(copy, `schemas/${kind}.json`), "utf8")) as { properties: { spec: { properties: Record<string, { properties: object }> } } };
      assert.ok(field in (schema.properties.spec.properties["ntfy"]?.properties ?? {}), kind);
      const crd = parse(readFileSync(join(copy, `crds/${kind}s.yaml`), "utf8")) as { spec: { versions: { schema: { openAPIV3Schema: typeof schema } }[] } };
      assert.ok(field in (crd.spec.versions[0]?.schema.openAPIV3Schema.properties.spec.properties["ntfy"]?.properties ?? {}), kind);
    }
    assert.match(readFileSync(join(copy, "docs/reference/api.md"), "utf8"), /ntfy\.accessToken/);
  });

  it("held the provider to the whole suite", () => {
    const [, output = ""] = [...said].find(([command]) => command.includes("test/conformance/providers.test.ts")) ?? [];
    const [passed, failed, skipped] = ["pass", "fail", "skipped"].map((word) => Number(new RegExp(`^. ${word} (\\d+)$`, "m").exec(output)?.[1]));
    assert.ok(passed !== undefined && passed > 60, output.slice(-2000));
    assert.deepEqual([failed, skipped], [0, 0]);
  });

  it("named every file that had to change", () => {
    const named = blocks.map(({ info }) => info.split(" ")[1]).filter((name) => name !== undefined);
    const now = filesBelow(copy);
    const touched = [...new Set([...untouched.keys(), ...now.keys()])].filter((name) => untouched.get(name) !== now.get(name));
    const generated = touched.filter((name) => generatedFiles().has(name));
    assert.deepEqual(touched.filter((name) => !generated.includes(name)).sort(), [...new Set(named)].sort());
    assert.deepEqual(generated.sort(), ["crds/notifications.yaml", "crds/providers.yaml", "docs/reference/api.md", "schemas/notification.json", "schemas/provider.json"]);
  });
});
