import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, after, test, type TestContext } from "node:test";
import { ControlPlaneUnavailable } from "../support/control-plane.ts";
import { findBinaries } from "../support/control-plane/binaries.ts";
import { cacheDirectory } from "../support/control-plane/cache.ts";
import { binaryNames } from "../support/control-plane/pinned.ts";
import { processStart } from "../support/control-plane/process-identity.ts";
import { tektonCrds } from "../support/control-plane/tekton-crds.ts";
import { lacking } from "../support/require.ts";
import { eventually } from "../support/wait.ts";
import type { ClusterState } from "./state.ts";

/** A cache of its own, so that a control plane that a developer has running stays what it is. */
const root = mkdtempSync(join(tmpdir(), "cluster-test-"));
const assets = join(root, "assets");
const cache = join(root, "tekton-integrations");
const env = { ...process.env, XDG_CACHE_HOME: root, KUBEBUILDER_ASSETS: assets };
let unavailable: string | undefined;

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function cluster(...args: string[]): Promise<Result> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout, stderr };
}

function state(): ClusterState {
  return JSON.parse(readFileSync(join(cache, "cluster.json"), "utf8")) as ClusterState;
}

function clusterTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    if (unavailable === undefined) await body(t);
    else lacking(t, unavailable);
  });
}

before(async () => {
  mkdirSync(assets);
  mkdirSync(cache);
  try {
    const { paths } = await findBinaries((line) => process.stderr.write(`${line}\n`));
    for (const name of binaryNames) symlinkSync(paths[name], join(assets, name));
    await tektonCrds();
  } catch (error) {
    if (!(error instanceof ControlPlaneUnavailable)) throw error;
    unavailable = error.message;
    return;
  }
  for (const file of readdirSync(cacheDirectory()).filter((name) => name.startsWith("tekton-crds-"))) copyFileSync(join(cacheDirectory(), file), join(cache, file));
});

after(async () => {
  if (unavailable === undefined) await cluster("down");
  rmSync(root, { recursive: true, force: true });
});

clusterTest("up prints the kubeconfig last, up again finds the same one, down leaves nothing", async () => {
  const first = await cluster("up");
  assert.equal(first.code, 0, first.stderr);
  const { kubeconfig, server, directory, processes } = state();
  assert.equal(first.stdout, `KUBECONFIG=${kubeconfig}\n`);
  assert.equal(existsSync(kubeconfig), true);

  const second = await cluster("up");
  assert.equal(second.stdout, first.stdout);
  assert.match(second.stderr, /already running/);

  const status = await cluster("status", "-o", "json");
  assert.equal(status.code, 0);
  const { version, ...rest } = JSON.parse(status.stdout) as { version: string };
  assert.match(version, /^v1\.\d+\.\d+/);
  assert.deepEqual(rest, { running: true, kubeconfig, server, source: "KUBEBUILDER_ASSETS" });
  assert.match((await cluster("status")).stdout, /^running: Kubernetes v1\./);

  assert.deepEqual(processes.map(({ name }) => name).sort(), ["etcd", "kube-apiserver", "kube-controller-manager", "supervisor"]);
  const down = await cluster("down");
  assert.equal(down.code, 0);
  assert.deepEqual(processes.filter(({ pid }) => processStart(pid) !== undefined), []);
  assert.equal(existsSync(directory), false);
  assert.deepEqual(readdirSync(cache).filter((name) => !name.startsWith("tekton-crds-")), []);
});

clusterTest("what is left of a control plane that was killed is removed by the next up", async () => {
  await cluster("up");
  const old = state();
  const find = (name: string): number => old.processes.find((process) => process.name === name)?.pid ?? 0;
  process.kill(find("supervisor"), "SIGKILL");
  await eventually("the supervisor is gone", () => processStart(find("supervisor")) === undefined);
  assert.equal((JSON.parse((await cluster("status", "-o", "json")).stdout) as { running: boolean }).running, false);
  const { code, stdout } = await cluster("up");
  assert.equal(code, 0);
  assert.notEqual(stdout, `KUBECONFIG=${old.kubeconfig}\n`);
  assert.deepEqual(old.processes.filter(({ pid }) => processStart(pid) !== undefined), []);
  assert.equal(existsSync(old.directory), false);
  await cluster("down");
});

clusterTest("down without a control plane says so, and status is false", async () => {
  const { code, stderr } = await cluster("down");
  assert.equal(code, 0);
  assert.match(stderr, /no control plane is running/);
  const status = await cluster("status", "-o", "json");
  assert.deepEqual(JSON.parse(status.stdout), { running: false, kubeconfig: null, server: null, version: null, source: null });
  assert.equal((await cluster("status")).stdout, "not running\n");
});

const misuse: readonly (readonly [string[], RegExp])[] = [
  [[], /a command is missing/],
  [["start"], /unknown command "start"/],
  [["up", "twice"], /unexpected argument "twice"/],
  [["up", "-o", "json"], /"up" has no option -o/],
  [["status", "-o", "yaml"], /-o yaml: only json is known/],
  [["status", "--wide"], /Unknown option '--wide'/],
];
for (const [args, message] of misuse) {
  test(`cluster ${args.join(" ")}: is refused with exit code 2 and the usage`, async () => {
    const { code, stdout, stderr } = await cluster(...args);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.match(stderr, /Usage: npm run cluster/);
  });
}
