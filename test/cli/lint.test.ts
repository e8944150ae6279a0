import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { main } from "../../src/cli/main.ts";

const api = "integrations.tekton.ornew.io/v1alpha1";
const goodProvider = `apiVersion: ${api}\nkind: Provider\nmetadata:\n  name: github-app\nspec:\n  githubApp:\n    appId: 1\n    privateKey:\n      secretRef:\n        name: github-app\n`;
const notification = (spec: string): string => `apiVersion: ${api}\nkind: Notification\nmetadata:\n  name: to-github\n  namespace: ci\nspec:\n  providerRef:\n    name: github-app\n${spec}`;
const secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: github-app\n";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function lint(args: readonly string[], stdin = ""): Promise<Ended> {
  let out = "";
  let err = "";
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text), stdin: () => Promise.resolve(stdin) };
  const code = await main(["lint", ...args], new AbortController().signal, io);
  return { code, out, err };
}

async function folder(test: TestContext, files: Record<string, string>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "lint-test-"));
  test.after(() => rm(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

interface Diagnostic {
  readonly file: string;
  readonly document: number;
  readonly field: string;
  readonly code: string;
}
interface Report {
  readonly valid: boolean;
  readonly documents: number;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}
const reportOf = ({ out }: Ended): Report => JSON.parse(out) as Report;

describe("lint", () => {
  it("says that all is well with exit code 0, defaults filled in first, other kinds passed over", async () => {
    const ended = await lint(["-f", "-"], `${goodProvider}---\n${secret}---\n# nothing\n---\n${notification("")}`);
    assert.deepEqual(ended, { code: 0, out: "2 objects checked, 1 of other kinds passed over: 0 errors, 0 warnings\n", err: "" });
  });

  it("prints the stable JSON of an invalid file, with exit code 1", async (test) => {
    const path = await folder(test, { "a.yaml": `${goodProvider}---\n${notification('  filter:\n    expression: |\n      status == "Suceeded" &&\n        naemspace == "x"\n    kinds: [Job]\n')}` });
    const ended = await lint(["-f", join(path, "a.yaml"), "-o", "json"]);
    assert.equal(ended.code, 1);
    assert.equal(ended.err, "");
    const place = { file: join(path, "a.yaml"), document: 2, kind: "Notification", namespace: "ci", name: "to-github" };
    const { errors, warnings, ...rest } = reportOf(ended);
    assert.deepEqual(rest, { valid: false, documents: 2 });
    assert.deepEqual(errors, [
      { ...place, field: "spec.filter.kinds[0]", code: "FieldNotSupported", message: 'Unsupported value: "Job": supported values: "PipelineRun", "TaskRun", "CustomRun"' },
      { ...place, field: "spec.filter.expression", line: 2, column: 3, code: "FilterUnknownVariable", message: "there is no variable `naemspace` (did you mean `namespace`?)" },
    ]);
    assert.deepEqual(warnings.map(({ field, code }) => [field, code]), [["spec.filter.expression", "FilterNeverTrue"]]);
  });

  it("prints the same for people, with carets, to standard error", async () => {
    const { code, out, err } = await lint(["-f", "-"], notification('  filter:\n    expression: naemspace == "x"\n'));
    assert.deepEqual([code, out], [1, "1 object checked: 1 error, 0 warnings\n"]);
    assert.equal(
      err,
      '-#1: Notification ci/to-github: error: spec.filter.expression: 1:1: there is no variable `naemspace` (did you mean `namespace`?) [FilterUnknownVariable]\n    naemspace == "x"\n    ^\n',
    );
  });

  it("is valid with warnings alone", async () => {
    const ended = await lint(["-f", "-", "-o", "json"], notification("  filter:\n    expression: status == 'Suceeded'\n"));
    assert.deepEqual([ended.code, reportOf(ended).valid, reportOf(ended).warnings.length], [0, true, 1]);
  });

  it("reads folders with all below them, in order, and only manifests", async (test) => {
    const broken = goodProvider.replace("appId: 1", "appId: 0");
    const path = await folder(test, { "b.yml": broken, "a/c.json": JSON.stringify({ apiVersion: api, kind: "Provider", metadata: { name: "x" }, spec: {} }), "notes.txt": "{{{", "z.yaml": goodProvider });
    const { errors, documents } = reportOf(await lint(["-f", path, "-o", "json"]));
    assert.equal(documents, 3);
    assert.deepEqual([...new Set(errors.map(({ file }) => file))], [join(path, "a/c.json"), join(path, "b.yml")]);
  });

  it("checks the members of a List, and every file given", async () => {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: [{ apiVersion: api, kind: "Provider", metadata: { name: "x" }, spec: {} }, { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } }] });
    const { errors, documents } = reportOf(await lint(["-f", "-", "-o", "json"], `${list}\n---\n${notification("  filter: {kinds: [Job]}\n")}`));
    assert.equal(documents, 2);
    assert.deepEqual(errors.map(({ document, field }) => [document, field]), [[1, "spec.type"], [1, "spec"], [2, "spec.filter.kinds[0]"]]);
  });

  it("refuses what the API server would: no kind, no name, another version, a name that is none", async () => {
    const heads = ["a: 1", "hello", `apiVersion: ${api}\nkind: Provider\nspec: {}`, `apiVersion: ${api}\nkind: Pigeon\nmetadata: {name: x}`, goodProvider.replace("v1alpha1", "v1"), goodProvider.replace("github-app", "n"), goodProvider.replace("github-app", "Bad_Name")];
    const { errors } = reportOf(await lint(["-f", "-", "-o", "json"], heads.join("\n---\n")));
    assert.deepEqual(
      errors.map(({ document, field, code }) => `${document} ${field} ${code}`),
      [
        "1 apiVersion FieldRequired",
        "1 kind FieldRequired",
        "2  FieldTypeInvalid",
        "3 metadata.name FieldRequired",
        "3 spec.type FieldRequired",
        "3 spec RuleBroken",
        "4 kind KindNotSupported",
        "5 apiVersion KindNotSupported",
        "6 metadata.name FieldTypeInvalid",
        "7 metadata.name FieldInvalid",
      ],
    );
  });

  it("takes the namespace of objects that name none from -n", async () => {
    const text = JSON.stringify({ apiVersion: "integrations.tekton.ornew.io/v1alpha1", kind: "Provider", metadata: { name: "p" }, spec: { cloudEvents: { url: "https://events.prod.svc/" } } });
    const warned = async (namespace: string): Promise<boolean> => (await lint(["-f", "-", "-n", namespace], text)).err.includes("outside the Provider's namespace");
    assert.deepEqual([await warned("prod"), await warned("ci")], [false, true]);
  });

  it("reads YAML as kubectl does: `yes` is true, dates are text", async () => {
    assert.equal((await lint(["-f", "-"], notification("  suspend: yes\n"))).code, 0);
    assert.equal((await lint(["-f", "-"], notification("  filter: {results: [{name: day, value: 2026-01-01}]}\n"))).code, 0);
    assert.equal((await lint(["-f", "-"], notification("  filter: {results: [{name: day, value: 20260101}]}\n"))).code, 1);
  });

  it("ends with 2 and one sentence for what it cannot read or understand", async (test) => {
    const path = await folder(test, { "broken.yaml": "a: [1,\nb: {", "empty/notes.txt": "x" });
    const table: readonly [args: readonly string[], expected: RegExp][] = [
      [["-f", join(path, "none.yaml")], /none\.yaml: no such file or folder\n$/],
      [["-f", join(path, "broken.yaml")], /broken\.yaml: line \d+, column \d+: /],
      [["-f", join(path, "empty")], /empty: no \.yaml, \.yml or \.json file in this folder\n$/],
      [[], /name what to check with -f FILE/],
      [["-f", "-", "-o", "xml"], /-o, --output: "xml" is not one of json, yaml, github/],
      [["--nope"], /--nope/],
    ];
    for (const [args, expected] of table) {
      const { code, out, err } = await lint(args);
      assert.deepEqual([code, out], [2, ""], args.join(" "));
      assert.match(err, expected);
    }
  });

  it("gives JSON to whoever asked for it, unreadable input included", async () => {
    const ended = await lint(["-f", "-", "-o", "json"], "a: [");
    assert.deepEqual([ended.code, reportOf(ended).valid, reportOf(ended).errors[0]?.code], [2, false, "ManifestUnreadable"]);
  });

  it("survives aliases without end", async () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]", ..."bcdefghi".split("").map((name, index) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${"abcdefghi".charAt(index)}`).join(",")}]`)].join("\n");
    const { code, err } = await lint(["-f", "-"], bomb);
    assert.deepEqual([code, err], [2, "tekton-integrations lint: -: uses more aliases than are allowed\n"]);
  });
});
