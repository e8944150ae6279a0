/**
 * `npm run test:kubernetes -- 1.30`: tests of installing, admission and delivery on another version of Kubernetes than that of
 * all other tests. Its kube-apiserver, kube-controller-manager and kubectl are built from source the first time, which takes
 * about six minutes on two cores.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { binaryCacheDirectory, isExecutable } from "../support/control-plane/binaries.ts";
import { buildBinaries } from "../support/control-plane/build.ts";
import { withLock } from "../support/control-plane/cache.ts";
import { type BinaryName, clusterModule, kubernetesVersion } from "../support/control-plane/pinned.ts";

/** What a version could break: manifests, rights, policies, the webhook, watches, status writes, Leases. */
const tests = [
  "deploy/install.test.ts",
  "integration/examples.test.ts",
  "integration/admission-samples.test.ts",
  "integration/schemas.test.ts",
  "integration/delivery.test.ts",
  "integration/overlays.test.ts",
  "integration/rights.test.ts",
  "integration/take-up.test.ts",
];

/** Versions that have a Go module beside this file, such as `1.30`. */
const versions = readdirSync(import.meta.dirname).flatMap((name) => /^v(\d+\.\d+)$/.exec(name)?.[1] ?? []).sort();

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The folder with all binaries of the version. */
async function binaries(version: string): Promise<string> {
  const module = join(clusterModule, `v${version}`);
  const into = binaryCacheDirectory(module);
  const build = async (names: readonly BinaryName[], from: string): Promise<void> => {
    const missing = names.filter((name) => !isExecutable(join(into, name)));
    if (missing.length > 0) await buildBinaries({ names: missing, into, module: from, version: kubernetesVersion(from), progress: tell });
  };
  const waiting = (): void => {
    tell("another process is building a control plane; waiting for it");
  };
  await withLock("control-plane-build", waiting, async () => {
    await build(["kube-apiserver", "kube-controller-manager", "kubectl"], module);
    await build(["etcd"], clusterModule);
  });
  return into;
}

async function main([version = "", ...more]: readonly string[]): Promise<number> {
  if (!versions.includes(version) || more.length > 0) {
    tell(`Usage: npm run test:kubernetes -- VERSION\n\nVERSION is one of ${versions.join(", ")}.`);
    return 2;
  }
  const env = { ...process.env, KUBEBUILDER_ASSETS: await binaries(version), REQUIRE_ALL: "1" };
  const files = tests.map((file) => join(import.meta.dirname, "..", file));
  const child = spawn(process.execPath, ["--test", "--test-concurrency=2", ...files], { env, stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

process.exitCode = await main(process.argv.slice(2));
