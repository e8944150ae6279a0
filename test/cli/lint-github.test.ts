import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { runCli, type CliEnded } from "../support/run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "lint-github-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const head = "apiVersion: integrations.tekton.ornew.io/v1alpha1\nkind: Notification\nmetadata:\n  name: to-github\n  namespace: ci\nspec:\n";
const reference = "  providerRef:\n    name: github-app\n";

interface Annotation {
  readonly severity: string;
  readonly file?: string;
  readonly title?: string;
  readonly message: string;
  /** What stands in the file at the annotation's line, from its column on. */
  readonly pointsAt: string;
}

/** Reads a workflow command back, by GitHub's own rules. */
function annotationOf(line: string, text: string): Annotation {
  const [, severity = "", properties = "", message = ""] = /^::(\w+) (.*?)::(.*)$/.exec(line) ?? [];
  const unescape = (value: string): string => value.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%25", "%");
  const found = Object.fromEntries(properties.split(",").map((property): [string, string] => [property.slice(0, property.indexOf("=")), unescape(property.slice(property.indexOf("=") + 1))]));
  const { file, title, line: row = "0", col = "0" } = found;
  const pointsAt = (text.split("\n")[Number(row) - 1] ?? "").slice(Number(col) - 1);
  return { severity, message: unescape(message), pointsAt, ...(file !== undefined && { file }), ...(title !== undefined && { title }) };
}

async function annotate(text: string, name = "a.yaml"): Promise<CliEnded & { readonly annotations: Annotation[] }> {
  const file = join(folder, name);
  writeFileSync(file, text);
  const ended = await runCli(["lint", "-f", file, "-o", "github"]);
  return { ...ended, annotations: ended.out.split("\n").filter((line) => line !== "").map((line) => annotationOf(line, text)) };
}

describe("lint -o github", () => {
  it("prints nothing for what is valid", async () => {
    const { code, out, err } = await annotate(`${head}${reference}`);
    assert.deepEqual([code, out, err], [0, "", ""]);
  });

  it("annotates the file with the code as title and the field in the message", async () => {
    const { code, annotations } = await annotate(`${head}${reference}  filter:\n    kinds: [Job]\n`);
    assert.equal(code, 1);
    assert.deepEqual(annotations, [{ severity: "error", file: join(folder, "a.yaml"), title: "FieldNotSupported", message: 'spec.filter.kinds[0]: Unsupported value: "Job": supported values: "PipelineRun", "TaskRun", "CustomRun"', pointsAt: "Job]" }]);
  });

  it("escapes what GitHub would take for its own, in the message and in the name of the file", async () => {
    const text = `${head}${reference}  filter:\n    kinds: ["100%,a:b"]\n`;
    const { out, annotations } = await annotate(text, "a,b%c.yaml");
    assert.match(out, /file=[^,]*a%2Cb%25c\.yaml,line=/);
    assert.match(out, /100%25,a:b/);
    assert.deepEqual(annotations.map(({ file, severity }) => [file, severity]), [[join(folder, "a,b%c.yaml"), "error"]]);
  });

  const wrong = "naemspace == \"x\"";
  for (const [what, expression, pointsAt] of [
    ["a plain text", `status == "Failed" && ${wrong}`, wrong],
    ["quotes", `'status == "Failed" && ${wrong}'`, `${wrong}'`],
    ["a block", `|\n      status == "Failed" &&\n        ${wrong}`, wrong],
    ["a block whose indentation is given", `|2-\n        status == "Failed" &&\n        ${wrong}`, wrong],
  ] as const) {
    it(`points into an expression that is written as ${what}`, async () => {
      const { annotations } = await annotate(`${head}${reference}  filter:\n    expression: ${expression}\n`);
      assert.deepEqual(annotations.map(({ title, pointsAt: at }) => [title, at]), [["FilterUnknownVariable", pointsAt]]);
    });
  }

  for (const [what, expression] of [
    ["with escapes", '"status == \\"Failed\\" && naemspace == \\"x\\""'],
    ["folded", '>-\n      status == "Failed" &&\n      naemspace == "x"'],
  ] as const) {
    it(`points at the field of an expression that is written ${what}`, async () => {
      const { annotations } = await annotate(`${head}${reference}  filter:\n    expression: ${expression}\n`);
      assert.equal(annotations.length, 1);
      assert.match(annotations[0]?.pointsAt ?? "", /^expression: /);
    });
  }

  it("points into the right document of a file, and the right member of a list", async () => {
    const bad = `${head}${reference}  filter:\n    kinds: [Job]\n`;
    const { annotations } = await annotate(`# one\n${head}${reference}---\n# two\n${bad}`);
    assert.deepEqual(annotations.map(({ pointsAt }) => pointsAt), ["Job]"]);
    const list = `apiVersion: v1\nkind: List\nitems:\n- ${bad.trimEnd().replaceAll("\n", "\n  ")}\n- ${bad.replace("Job", "Pod").trimEnd().replaceAll("\n", "\n  ")}\n`;
    assert.deepEqual((await annotate(list)).annotations.map(({ pointsAt }) => pointsAt), ["Job]", "Pod]"]);
  });

  it("points at what should hold a field that is missing, and at a field that there is not", async () => {
    const { annotations } = await annotate(`${head}  filterr: {}\n  providerRef:\n    namespace: x\n`);
    assert.deepEqual(annotations.map(({ title, pointsAt }) => [title, pointsAt]).toSorted(), [["FieldRequired", "providerRef:"], ["FieldUnknown", "filterr: {}"]]);
  });

  it("follows aliases, and keys with dots", async () => {
    const { annotations } = await annotate(`${head}${reference}  filter:\n    labelSelector:\n      matchLabels:\n        example.com/team: "not a label!"\n`);
    assert.deepEqual(annotations.map(({ pointsAt }) => pointsAt), ['example.com/team: "not a label!"']);
    const aliased = await annotate(`x: &bad [Job]\n${head}${reference}  filter:\n    kinds: *bad\n`);
    assert.ok(aliased.annotations.some(({ pointsAt }) => pointsAt === "Job]"));
  });

  it("names no file for standard input, and tells what cannot be read with exit code 2", async () => {
    const stdin = await runCli(["lint", "-f", "-", "-o", "github"], `${head}${reference}  suspend: 3\n`);
    assert.equal(stdin.code, 1);
    assert.match(stdin.out, /^::error title=FieldTypeInvalid::spec\.suspend: /);
    const unreadable = await annotate("a: [");
    assert.equal(unreadable.code, 2);
    assert.deepEqual(unreadable.annotations.map(({ severity, title }) => [severity, title]), [["error", "ManifestUnreadable"]]);
  });
});
