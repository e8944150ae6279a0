import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { eventually } from "../wait.ts";
import { binaryNames } from "./pinned.ts";

/** Stands in for Go: writes down each call and "builds" each binary slowly enough to be interrupted. */
const fakeGo = `#!/bin/sh
echo "$1" >> "$FAKE_GO_LOG"
case "$1" in
list) echo one; echo two ;;
build)
  while [ "$1" != "-o" ]; do shift; done
  out="$2"; shift 2
  for package in "$@"; do
    name=\${package##*/}; [ "$name" = v3 ] && name=server
    printf half > "$out$name"; sleep "$FAKE_GO_SECONDS"
    echo "$package" >&2
    printf '#!/bin/sh\\n# whole\\n' > "$out$name"; chmod +x "$out$name"
  done ;;
esac
`;

interface Machine {
  readonly cache: string;
  readonly env: NodeJS.ProcessEnv;
  /** The Go commands that were run. */
  calls(): string[];
}

/** A machine with an empty cache and a PATH of its own, which holds the fake Go unless told otherwise. */
function machine(t: TestContext, options: { go?: string | undefined; seconds?: string } = {}): Machine {
  const root = mkdtempSync(join(tmpdir(), "binaries-test-"));
  t.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const bin = join(root, "bin");
  mkdirSync(bin);
  for (const tool of ["sh", "sleep", "chmod"]) {
    const found = ["/bin", "/usr/bin"].map((folder) => join(folder, tool)).find((path) => existsSync(path));
    symlinkSync(found ?? tool, join(bin, tool));
  }
  const script = "go" in options ? options.go : fakeGo;
  if (script !== undefined) {
    writeFileSync(join(bin, "go"), script);
    chmodSync(join(bin, "go"), 0o755);
  }
  const log = join(root, "calls");
  writeFileSync(log, "");
  const env = { PATH: bin, HOME: root, XDG_CACHE_HOME: join(root, "cache"), FAKE_GO_LOG: log, FAKE_GO_SECONDS: options.seconds ?? "0" };
  return { cache: join(root, "cache", "tekton-integrations"), env, calls: () => readFileSync(log, "utf8").split("\n").filter((line) => line !== "") };
}

interface Found {
  readonly source?: string;
  readonly paths?: Record<string, string>;
  readonly unavailable?: string;
}

/** Runs `findBinaries` in a process of its own. */
function find({ env }: Machine, more: NodeJS.ProcessEnv = {}): { child: ReturnType<typeof spawn>; found: Promise<Found> } {
  const program = `
    const { ControlPlaneUnavailable, findBinaries } = await import(${JSON.stringify(import.meta.resolve("./binaries.ts"))});
    const found = await findBinaries((line) => process.stderr.write(line + "\\n")).catch((error) => {
      if (!(error instanceof ControlPlaneUnavailable)) throw error;
      return { unavailable: error.message };
    });
    process.stdout.write(JSON.stringify(found));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.resume();
  const found = once(child, "close").then(() => (stdout === "" ? {} : (JSON.parse(stdout) as Found)));
  return { child, found };
}

const partials = (cache: string): string[] => readdirSync(cache).filter((name) => name.startsWith(".partial-"));

test("the first call builds, the next finds the cache", async (t) => {
  const here = machine(t);
  const first = await find(here).found;
  assert.equal(first.source, "build");
  for (const name of binaryNames) assert.match(readFileSync(first.paths?.[name] ?? "", "utf8"), /whole/);
  const second = await find(here).found;
  assert.equal(second.source, "cache");
  assert.deepEqual(here.calls(), ["list", "build"]);
  assert.deepEqual(readdirSync(here.cache).filter((name) => !name.startsWith("control-plane-")), []);
});

test("of two processes at once one builds and the other waits", async (t) => {
  const here = machine(t, { seconds: "0.2" });
  const sources = (await Promise.all([find(here).found, find(here).found])).map(({ source }) => source);
  assert.deepEqual(sources.sort(), ["build", "cache"]);
  assert.deepEqual(here.calls(), ["list", "build"]);
});

test("an interrupted build leaves no binary, and the next call builds", async (t) => {
  const here = machine(t, { seconds: "0.3" });
  const { child, found } = find(here);
  await eventually("a binary is half written", () => here.calls().includes("build") && partials(here.cache).length > 0);
  child.kill("SIGKILL");
  await found;
  assert.deepEqual(readdirSync(here.cache).filter((name) => name.startsWith("control-plane-v")), []);
  const next = await find(here).found;
  assert.equal(next.source, "build");
  for (const name of binaryNames) assert.match(readFileSync(next.paths?.[name] ?? "", "utf8"), /whole/);
  assert.deepEqual(partials(here.cache), []);
});

test("without Go and without binaries the reason is a sentence", async (t) => {
  const { unavailable } = await find(machine(t, { go: undefined })).found;
  assert.equal(unavailable, "the control plane cannot be built from source: Go is not installed (no `go` in PATH).");
});

test("a build that fails gives Go's own words", async (t) => {
  const here = machine(t, { go: "#!/bin/sh\necho 'dial tcp: lookup modules.example.com: no such host' >&2\nexit 1\n" });
  const { unavailable } = await find(here).found;
  assert.equal(unavailable, "the control plane cannot be built from source: `go list` ended with exit code 1: dial tcp: lookup modules.example.com: no such host.");
  assert.deepEqual(partials(here.cache), []);
});

function assetsFolder(here: Machine, names: readonly string[]): string {
  const folder = join(here.env["HOME"] ?? "", "assets");
  mkdirSync(folder);
  for (const name of names) writeFileSync(join(folder, name), "#!/bin/sh\n", { mode: 0o755 });
  return folder;
}

test("KUBEBUILDER_ASSETS comes first", async (t) => {
  const here = machine(t);
  const folder = assetsFolder(here, binaryNames);
  const { source, paths } = await find(here, { KUBEBUILDER_ASSETS: folder }).found;
  assert.equal(source, "KUBEBUILDER_ASSETS");
  assert.deepEqual(Object.values(paths ?? {}), binaryNames.map((name) => join(folder, name)));
  assert.deepEqual(here.calls(), []);
});

test("a kube-controller-manager that KUBEBUILDER_ASSETS lacks is built, and nothing else", async (t) => {
  const here = machine(t);
  const folder = assetsFolder(here, ["etcd", "kube-apiserver", "kubectl"]);
  const { source, paths } = await find(here, { KUBEBUILDER_ASSETS: folder }).found;
  assert.equal(source, "KUBEBUILDER_ASSETS");
  assert.equal(paths?.["kube-apiserver"], join(folder, "kube-apiserver"));
  assert.deepEqual(readdirSync(join(paths["kube-controller-manager"] ?? "", "..")), ["kube-controller-manager"]);
});

test("without Go the reason says what KUBEBUILDER_ASSETS lacks", async (t) => {
  const here = machine(t, { go: undefined });
  const folder = assetsFolder(here, ["etcd", "kube-apiserver", "kubectl"]);
  const { unavailable } = await find(here, { KUBEBUILDER_ASSETS: folder }).found;
  assert.match(unavailable ?? "", /^KUBEBUILDER_ASSETS lacks kube-controller-manager, and .*Go is not installed/);
});

test("a KUBEBUILDER_ASSETS folder without an API server is named", async (t) => {
  const here = machine(t);
  const folder = assetsFolder(here, ["etcd"]);
  const { unavailable } = await find(here, { KUBEBUILDER_ASSETS: folder }).found;
  assert.equal(unavailable, `KUBEBUILDER_ASSETS=${folder} lacks kube-apiserver, kubectl: complete that folder or unset the variable.`);
});
