import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { commands } from "../../src/cli/commands.ts";
import { readConfig } from "../../src/config.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { makeRun } from "../support/made-runs.ts";
import { cloudEventsProvider, notification } from "../support/manifests.ts";
import { startCloudEventsSink } from "../support/receivers-cloudevents.ts";
import { controlPlaneTests, requireTool } from "../support/require.ts";

const root = join(import.meta.dirname, "../..");
const test = controlPlaneTests({ crds: [join(root, "crds")] });
const folder = mkdtempSync(join(tmpdir(), "cli-examples-"));
after(() => {
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a line in bash, from a checkout, with the program and kubectl to be found. */
function shell(plane: ControlPlane, line: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  // These decide about colours too, wherever the test runs.
  const { FORCE_COLOR: _force, NO_COLOR: _no, CI: _ci, GITHUB_ACTIONS: _actions, ...inherited } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["--norc", "-o", "pipefail", "-c", line], {
      cwd: root,
      env: { ...inherited, TERM: "xterm-256color", PATH: `${folder}:${process.env["PATH"] ?? ""}`, KUBECONFIG: plane.kubeconfig, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (err += chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? -1, out, err });
    });
  });
}

let installed = false;

function install(plane: ControlPlane): void {
  if (installed) return;
  installed = true;
  const program = join(folder, "tekton-integrations");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "src/main.ts")}" "$@"\n`);
  chmodSync(program, 0o755);
  symlinkSync(plane.kubectlPath, join(folder, "kubectl"));
}

const api = "integrations.tekton.ornew.io/v1alpha1";

test("every example of every command works as it is written", async (plane, t) => {
  install(plane);
  const sink = await startCloudEventsSink();
  t.after(() => sink.close());
  const apply = (...objects: readonly object[]): Promise<unknown> => plane.kubectl(["apply", "-f", "-"], { input: objects.map((object) => JSON.stringify(object)).join("\n---\n") });
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "ci" } }, cloudEventsProvider("ci", "events", sink.url), notification("ci", "pipeline-runs", "events"));
  const run = await makeRun(plane.client, "ci", "shop-x7k2");
  await run.become("False", "Failed");
  const { metadata } = JSON.parse((await plane.kubectl(["get", "notification", "pipeline-runs", "-n", "ci", "-o", "json"])).stdout) as { metadata: { uid: string } };
  const spec = { notificationRef: { name: "pipeline-runs", uid: metadata.uid }, runRef: { apiVersion: "tekton.dev/v1", kind: "PipelineRun", namespace: "ci", name: "shop-x7k2", uid: run.uid } };
  await apply({ apiVersion: api, kind: "Delivery", metadata: { name: "pipeline-runs-1", namespace: "ci" }, spec });
  await plane.kubectl(["patch", "delivery", "pipeline-runs-1", "-n", "ci", "--subresource=status", "--type=merge", "-p", JSON.stringify({ status: { state: "DeadLetter" } })]);

  const examples = commands.filter(({ name }) => name !== "serve").flatMap((command) => command.examples);
  assert.ok(examples.length >= 18);
  for (const example of examples) {
    const { code, out, err } = await shell(plane, example, { TEKTON_INTEGRATIONS_DEVELOPMENT: "true" });
    assert.equal(code, 0, `${example}\n${out}${err}`);
    assert.doesNotMatch(`${out}${err}`, /\u001b\[/, "no colours where there is no terminal");
  }
  assert.deepEqual(sink.events().map(({ subject }) => subject), ["shop-x7k2"], "the one example that sends");
  for (const example of commands.find(({ name }) => name === "serve")?.examples ?? []) {
    assert.ok(readConfig(example.split(" ").slice(2), {}).controller);
  }
});

test("lint takes what kubectl makes of a kustomization, and passes over what is of other kinds", async (plane) => {
  install(plane);
  const all = await shell(plane, "kubectl kustomize deploy/ | tekton-integrations lint -f -");
  assert.equal(all.code, 0);
  assert.match(all.out, /^0 objects checked, [1-9][0-9]* of other kinds passed over: 0 errors, 0 warnings\n$/);
  const base = join(folder, "overlay");
  mkdirSync(base);
  cpSync(join(root, "examples/cloudevents.yaml"), join(base, "cloudevents.yaml"));
  const patch = JSON.stringify([{ op: "add", path: "/spec/filter", value: { expression: "statuss" } }]);
  writeFileSync(join(base, "kustomization.yaml"), JSON.stringify({ namespace: "other", resources: ["cloudevents.yaml"], patches: [{ target: { kind: "Notification", name: "pipeline-runs" }, patch }] }));
  const { code, out, err } = await shell(plane, `kubectl kustomize "${base}" | tekton-integrations lint -f - -o json`);
  assert.deepEqual([code, err], [1, ""]);
  const { errors } = JSON.parse(out) as { errors: { namespace: string; name: string; code: string }[] };
  assert.deepEqual(errors.map((error) => [error.namespace, error.name, error.code]), [["other", "pipeline-runs", "FilterUnknownVariable"]]);
});

test("colours are for terminals, and not for those where NO_COLOR is set", async (plane, t) => {
  install(plane);
  if (!requireTool(t, "script")) return;
  const line = "script -qec 'tekton-integrations lint -f examples/bad-filter.yaml' /dev/null < /dev/null";
  assert.match((await shell(plane, line)).out, /\u001b\[31merror\u001b\[39m/);
  const plain = await shell(plane, line, { NO_COLOR: "1" });
  assert.match(plain.out, /: error: spec\.filter\.expression: /);
  assert.doesNotMatch(plain.out, /\u001b/);
});
