import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { codeBlocks, pages } from "../docs/pages.ts";
import { installedTests } from "../support/installed-tests.ts";

const test = installedTests();

/** Blocks that are parts of a manifest or other YAML do not name a kind; kustomizations are for kubectl alone. */
const isManifest = (block: string): boolean => /^kind: (?!Kustomization)/m.test(block);

test("every manifest in the documentation is accepted by the API server with the webhook", async ({ plane, createNamespace }) => {
  for (const namespace of ["ci", "platform"]) await createNamespace(namespace);
  const manifests = pages().flatMap((page) => codeBlocks(page, "yaml").filter(isManifest).map((block) => [page.path, block] as const));
  assert.ok(manifests.length >= 5);
  for (const [path, block] of manifests) {
    const { code, stderr } = await plane.kubectl(["apply", "--dry-run=server", "-f", "-"], { input: block, allowFailure: true });
    assert.equal(code, 0, `${path}: ${stderr}`);
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
