import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as plainTest, type TestContext } from "node:test";
import { parseAllDocuments } from "yaml";
import { completed, yamlBlocks, type YamlBlock } from "../docs/manifests.ts";
import { codeBlocks, pages } from "../docs/pages.ts";
import { helm } from "../support/helm.ts";
import { installedTests } from "../support/installed-tests.ts";
import { lacking } from "../support/require.ts";

// Pages show Providers that use the controller's own identity, and addresses of the cluster in plain http.
const flags = ["--ambient-credentials-namespaces", "ci", "--egress-allow-http"];
const test = installedTests({ flags: { webhook: flags, controller: flags } });

const blocks = yamlBlocks();
const ofKind = (kind: YamlBlock["kind"]): YamlBlock[] => blocks.filter((block) => block.kind === kind);

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "tekton-integrations-docs-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** The namespaces that the objects of a block are in. */
function namespacesOf({ text }: YamlBlock): string[] {
  return parseAllDocuments(text).flatMap((document) => {
    const { metadata } = document.toJS() as { metadata?: { namespace?: string } };
    return metadata?.namespace === undefined ? [] : [metadata.namespace];
  });
}

test("every manifest in the documentation is accepted by the API server with the webhook, or refused with the words that stand below it", async ({ plane, createNamespace }, t) => {
  const manifests = ofKind("manifests");
  assert.ok(manifests.length >= 20);
  for (const namespace of new Set(["ci", ...manifests.flatMap(namespacesOf)])) await createNamespace(namespace);
  const folder = folderFor(t);
  for (const { path, text, refused } of manifests) {
    const file = join(folder, refused?.file ?? "manifest.yaml");
    writeFileSync(file, text);
    const { code, stderr } = await plane.kubectl(["apply", "--dry-run=server", "-f", file], { allowFailure: true });
    assert.equal(code, refused === undefined ? 0 : 1, `${path}: ${stderr}\n${text}`);
    if (refused !== undefined) assert.equal(stderr.replaceAll(file, refused.file).trimEnd(), refused.words, path);
  }
});

test("every part of a Provider or a Notification in the documentation is accepted in a whole one", async ({ plane }) => {
  const parts = ofKind("part");
  assert.ok(parts.length >= 5);
  for (const part of parts) {
    const { status, ...object } = completed(part, "ci");
    const path = `/apis/integrations.tekton.ornew.io/v1alpha1/namespaces/ci/${object.kind.toLowerCase()}s`;
    if (status === undefined) {
      const { code, stderr } = await plane.kubectl(["apply", "--dry-run=server", "-f", "-"], { input: JSON.stringify(object), allowFailure: true });
      assert.equal(code, 0, `${part.path}: ${stderr}\n${part.text}`);
      continue;
    }
    await plane.kubectl(["create", "-f", "-"], { input: JSON.stringify(object) });
    const answer = await plane.client.send("PATCH", `${path}/of-the-documentation/status?dryRun=All&fieldValidation=Strict`, { body: { status }, contentType: "application/merge-patch+json" });
    await plane.kubectl(["delete", object.kind, "of-the-documentation", "--namespace", "ci"]);
    assert.equal(answer.status, 200, `${part.path}: ${JSON.stringify(answer.body)}\n${part.text}`);
  }
});

test("every kustomization in the documentation can be built beside a checkout, and is accepted", async ({ plane }, t) => {
  const kustomizations = ofKind("kustomization");
  assert.ok(kustomizations.length >= 1);
  for (const { path, text } of kustomizations) {
    const folder = folderFor(t);
    for (const name of ["deploy", "crds", "certs"]) cpSync(name, join(folder, name), { recursive: true });
    writeFileSync(join(folder, "kustomization.yaml"), text);
    const { code, stdout, stderr } = await plane.kubectl(["kustomize", folder], { allowFailure: true });
    assert.equal(code, 0, `${path}: ${stderr}\n${text}`);
    assert.match(stdout, /kind: Deployment/);
    // Those that are there lead to a process of the tests, and cannot be merged with those that lead to a Service.
    const others = stdout.split("\n---\n").filter((object) => !/^kind: \w+WebhookConfiguration$/m.test(object)).join("\n---\n");
    const applied = await plane.kubectl(["apply", "--dry-run=server", "-f", "-"], { input: others, allowFailure: true });
    assert.equal(applied.code, 0, `${path}: ${applied.stderr}\n${text}`);
  }
});

plainTest("all values of the chart in the documentation are taken by Helm", async (t) => {
  const file = join(folderFor(t), "values.yaml");
  for (const { path, text } of ofKind("values")) {
    writeFileSync(file, text);
    const answer = await helm(["template", "tekton-integrations", "deploy/chart", "--values", file]).catch((error: unknown) => String(error));
    if (typeof answer === "string") {
      lacking(t, answer);
      return;
    }
    assert.equal(answer.code, 0, `${path}: ${answer.stderr}\n${text}`);
  }
});

test("every example is accepted, and each bad one refused by the webhook", async ({ plane }) => {
  const files = readdirSync("examples").filter((file) => file.endsWith(".yaml"));
  const bad = files.filter((file) => file.startsWith("bad-"));
  assert.ok(bad.length >= 1 && files.length > bad.length);
  for (const file of files) {
    const { code, stderr } = await plane.kubectl(["apply", "--dry-run=server", "-f", join("examples", file)], { allowFailure: true });
    if (bad.includes(file)) {
      assert.equal(code, 1, `${file} was accepted`);
      assert.match(stderr, /is invalid|denied/, file);
    } else assert.equal(code, 0, `${file}: ${stderr}`);
  }
});

test("README shows what kubectl says about the bad filter, to the letter", async ({ plane }) => {
  const [shown] = pages().flatMap((page) => (page.path === "README.md" ? codeBlocks(page, "console") : []));
  const [command = "", ...output] = (shown ?? "").trimEnd().split("\n");
  assert.equal(command, "$ kubectl apply -f examples/bad-filter.yaml");
  const { code, stderr } = await plane.kubectl(["apply", "-f", "examples/bad-filter.yaml"], { allowFailure: true });
  assert.equal(code, 1);
  assert.equal(stderr.trimEnd(), output.join("\n"));
});
