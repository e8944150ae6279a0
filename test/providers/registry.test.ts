import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { runStatuses } from "../../src/api/run-event.ts";
import { providerOfType, providers } from "../../src/providers/registry.ts";

const root = join(import.meta.dirname, "../..");

const folders = readdirSync(join(root, "src/providers"), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

/** The page of each type: it has the name of the provider's folder. */
const pages = new Map<string, string>();
for (const folder of folders) {
  const exported = Object.values((await import(`../../src/providers/${folder}/config.ts`)) as Readonly<Record<string, unknown>>);
  for (const { type } of providers.filter((provider) => exported.includes(provider))) pages.set(type, `${folder}.md`);
}

/** Packages that folders of providers import, and nothing else of `src/providers` does. */
function vendorPackages(): string[] {
  const importedBelow = (folder: string): string[] =>
    readdirSync(join(root, "src/providers", folder)).filter((file) => file.endsWith(".ts")).flatMap((file) =>
      [...readFileSync(join(root, "src/providers", folder, file), "utf8").matchAll(/ from "((?:@[^/"]+\/)?[^./:"][^/:"]*)["/]/g)].map(([, name]) => name ?? ""));
  const shared = new Set(importedBelow("."));
  return [...new Set(folders.flatMap(importedBelow))].filter((name) => !shared.has(name) && name !== "typebox");
}

/** The objects of all examples, with their files. */
function examples(): { readonly file: string; readonly kind: unknown; readonly spec: Readonly<Record<string, unknown>> }[] {
  const folder = join(root, "examples");
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => {
        const { kind, spec } = document.toJS() as { kind?: unknown; spec?: Readonly<Record<string, unknown>> };
        return { file, kind, spec: spec ?? {} };
      }),
    );
}

describe("the registry", () => {
  it("names every provider once", () => {
    for (const field of ["type", "section", "title"] as const) {
      const names = providers.map((provider) => provider[field]);
      assert.deepEqual(names, [...new Set(names)], field);
    }
    assert.deepEqual(providers.map(({ type }) => providerOfType(type)?.type), providers.map(({ type }) => type));
    assert.equal(providerOfType("constructor"), undefined);
  });

  it("holds what each folder defines", () => {
    assert.deepEqual([...pages.keys()].sort(), providers.map(({ type }) => type).sort());
    assert.deepEqual([...pages.values()].sort(), folders.map((folder) => `${folder}.md`).sort());
  });

  for (const { type, section, title, defaultStatuses } of providers) {
    it(`has a page, an example and statuses for ${type}`, () => {
      const name = pages.get(type) ?? assert.fail(`no folder exports ${type}`);
      const page = readFileSync(join(root, "docs/providers", name), "utf8");
      assert.ok(page.includes(title) && page.includes(`type: ${type}`), `docs/providers/${name} shows no Provider of type ${type}`);
      assert.ok(readFileSync(join(root, "docs/provider.md"), "utf8").includes(`\`spec.${section}\` | [${title}](providers/${name})`), `docs/provider.md does not lead to ${name}`);
      const shown = examples().filter(({ kind, spec }) => kind === "Provider" && spec["type"] === type && section in spec);
      assert.ok(shown.length > 0, `no example of a Provider of type ${type}`);
      assert.ok(defaultStatuses.length > 0 && defaultStatuses.every((status) => runStatuses.includes(status)));
    });
  }

  it("has no page of a provider that does not exist", () => {
    assert.deepEqual(readdirSync(join(root, "docs/providers")).sort(), [...pages.values()].sort());
  });

  it("loads no vendor's SDK before the first Provider of its type", async () => {
    const packages = vendorPackages();
    assert.ok(["@slack/web-api", "cloudevents"].every((name) => packages.includes(name)), packages.join(", "));
    const script = `
      const { registerHooks } = await import("node:module");
      const loaded = [];
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
      const { providers } = await import(${JSON.stringify(join(root, "src/providers/registry.ts"))});
      const before = loaded.length;
      const sdks = () => loaded.filter((url) => ${JSON.stringify(packages)}.some((name) => url.includes("/node_modules/" + name + "/"))).length;
      const early = sdks();
      for (const provider of providers) await provider.load();
      console.log(JSON.stringify({ before, early, late: sdks() }));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { timeout: 60_000 });
    const { before, early, late } = JSON.parse(stdout) as { before: number; early: number; late: number };
    assert.ok(before > 20 && late > 10, "the hook saw what was loaded");
    assert.equal(early, 0);
  });
});
