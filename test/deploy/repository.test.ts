import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";

const project = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(project, path), "utf8");
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
const lock = (JSON.parse(read("package-lock.json")) as { packages: Record<string, { version: string; license?: string; dev?: boolean; link?: boolean }> }).packages;
const shipped = Object.entries(lock).filter(([path, { dev = false }]) => path !== "" && !dev);

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string }[] }>>;
}

describe("workflows", () => {
  for (const file of readdirSync(join(project, ".github/workflows"))) {
    it(`${file} runs scripts and files that there are`, () => {
      const commands = Object.values((parse(read(`.github/workflows/${file}`)) as Workflow).jobs).flatMap(({ steps }) => steps.flatMap(({ run = "" }) => run.split("\n")));
      const called = commands.flatMap((command) => [...command.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = ""]) => name));
      assert.deepEqual(called.filter((name) => scripts[name] === undefined), []);
      const files = commands.flatMap((command) => [...command.matchAll(/(?<=^|\s)(\.ci\/\w+)/g)].map(([, path = ""]) => path));
      assert.deepEqual(files.filter((path) => !existsSync(join(project, path))), []);
      assert.ok(called.length + files.length > 0);
    });
  }
});

it("the versions of Kubernetes that have a Go module are those that the workflow and docs/operations.md name", () => {
  const modules = globSync("test/cluster/v*/go.mod", { cwd: project }).map((path) => basename(dirname(path)).slice(1)).sort();
  const { jobs } = parse(read(".github/workflows/versions.yaml")) as { jobs: { kubernetes: { strategy: { matrix: { version: string[] } } } } };
  assert.deepEqual(jobs.kubernetes.strategy.matrix.version, modules);
  const pinned = ["test/cluster", ...modules.map((version) => `test/cluster/v${version}`)].map((folder) => /k8s\.io\/kubernetes v(\S+)/.exec(read(`${folder}/go.mod`))?.[1] ?? "");
  const tekton = ["test/cluster/tekton", "test/cluster/tekton/v1.0"].map((folder) => /tektoncd\/pipeline v(\S+)/.exec(read(`${folder}/go.mod`))?.[1] ?? "");
  const documented = [...(/## Versions\n([^]*?)\n## /.exec(read("docs/operations.md"))?.[1] ?? "").matchAll(/\b\d+\.\d+\.\d+\b/g)].map(([version]) => version);
  assert.deepEqual([...new Set(documented)].sort(), [...pinned, ...tekton].sort());
});

describe("dependencies", () => {
  it("of all kinds are looked after", () => {
    const { updates } = parse(read(".github/dependabot.yml")) as { updates: { "package-ecosystem": string; directory?: string; directories?: string[] }[] };
    // Those that are named after a version are there for that version.
    const modules = globSync("test/**/go.mod", { cwd: project }).map((path) => `/${dirname(path)}`).filter((path) => !/\/v\d+\.\d+$/.test(path)).sort();
    assert.deepEqual(updates.find((update) => update["package-ecosystem"] === "gomod")?.directories?.sort(), modules);
    assert.deepEqual(updates.map((update) => update["package-ecosystem"]).sort(), ["docker", "github-actions", "gomod", "npm"]);
  });

  it("that are shipped have licences that go with ours", () => {
    const allowed = new Set(["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "Unlicense", "PSF-2.0"]);
    assert.deepEqual(shipped.filter(([, { license }]) => !allowed.has(license ?? "")).map(([path, { license }]) => `${path}: ${license ?? "none"}`), []);
    assert.ok(shipped.length > 100);
  });
});
