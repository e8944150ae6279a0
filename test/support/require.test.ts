import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

/** Runs a test file of its own on a machine without Go and without binaries. */
function run(t: TestContext, body: string, env: NodeJS.ProcessEnv = {}): { code: number | null; output: string } {
  const root = mkdtempSync(join(tmpdir(), "require-test-"));
  t.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const file = join(root, "some.test.mjs");
  writeFileSync(file, `import * as support from ${JSON.stringify(import.meta.resolve("./require.ts"))};\nimport { test } from "node:test";\n${body}`);
  const bare = { PATH: join(root, "bin"), HOME: root, XDG_CACHE_HOME: join(root, "cache") };
  const { status, stdout } = spawnSync(process.execPath, ["--test", "--test-reporter=tap", file], { env: { ...bare, ...env }, encoding: "utf8" });
  return { code: status, output: stdout };
}

const shared = `
const controlPlaneTest = support.controlPlaneTests();
controlPlaneTest("needs a server", () => { throw new Error("must not run"); });
controlPlaneTest("needs it too", () => { throw new Error("must not run"); });
test("needs nothing", () => {});`;

test("tests that need a control plane are skipped by name with the reason, the others run", (t) => {
  const { code, output } = run(t, shared);
  assert.equal(code, 0, output);
  for (const name of ["needs a server", "needs it too"]) {
    assert.match(output, new RegExp(`ok \\d - ${name} # SKIP no control plane can be had: .*Go is not installed`));
  }
  assert.match(output, /^# pass 1$/m);
  assert.match(output, /^# skipped 2$/m);
});

test("with REQUIRE_ALL=1 they fail with the reason", (t) => {
  const { code, output } = run(t, shared, { REQUIRE_ALL: "1" });
  assert.equal(code, 1);
  assert.match(output, /REQUIRE_ALL is set, and no control plane can be had: .*Go is not installed/);
  assert.match(output, /^# fail 2$/m);
});

test("a test with a control plane of its own is skipped the same way", (t) => {
  const { code, output } = run(t, `test("own", async (t) => {
    if (await support.requireControlPlane(t) === undefined) return;
    throw new Error("must not run");
  });`);
  assert.equal(code, 0, output);
  assert.match(output, /ok 1 - own # SKIP no control plane can be had/);
});

test("a missing tool skips by its name, a present one does not", (t) => {
  const body = `test("tool", (t) => { if (!support.requireTool(t, "go", ["version"])) return; throw new Error("must not run"); });
    test("present", (t) => { if (!support.requireTool(t, process.execPath)) throw new Error("must be there"); });`;
  const { code, output } = run(t, body);
  assert.equal(code, 0, output);
  assert.match(output, /ok 1 - tool # SKIP `go version` does not work on this machine/);
  assert.match(output, /^ok 2 - present$/m);
  assert.match(run(t, body, { REQUIRE_ALL: "1" }).output, /REQUIRE_ALL is set, and `go version` does not work/);
});
