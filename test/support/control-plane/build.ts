import { spawn } from "node:child_process";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { workingDirectory } from "./cache.ts";
import { type BinaryName, clusterModule } from "./pinned.ts";

/** The main package of each binary and the name that `go build -o` gives it. */
const packages: Record<BinaryName, { readonly path: string; readonly output: string }> = {
  etcd: { path: "go.etcd.io/etcd/server/v3", output: "server" },
  "kube-apiserver": { path: "k8s.io/kubernetes/cmd/kube-apiserver", output: "kube-apiserver" },
  "kube-controller-manager": { path: "k8s.io/kubernetes/cmd/kube-controller-manager", output: "kube-controller-manager" },
  kubectl: { path: "k8s.io/kubernetes/cmd/kubectl", output: "kubectl" },
};

const progressEvery = 10_000;

export interface GoOptions {
  /** The folder of the Go module to run in. */
  readonly in: string;
  /** Called with each line of the standard error. */
  readonly onLine?: (line: string) => void;
}

/** Runs the Go command and returns its standard output. Rejects with a sentence that ends in Go's own last lines. */
export function go(args: readonly string[], options: GoOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, CGO_ENABLED: "0", GOWORK: "off" };
    const child = spawn("go", args, { cwd: options.in, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let partial = "";
    const lines: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      const split = (partial + chunk).split("\n");
      partial = split.pop() ?? "";
      for (const line of split) {
        lines.push(line);
        options.onLine?.(line);
      }
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(new Error(error.code === "ENOENT" ? "Go is not installed (no `go` in PATH)" : error.message, { cause: error }));
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`\`go ${args[0] ?? ""}\` ended with ${signal ?? `exit code ${code ?? "?"}`}: ${[...lines, partial, stdout].filter((line) => line.trim() !== "").slice(-5).join(" | ")}`));
    });
  });
}

/** Link-time variables without which the server calls itself v0.0.0 and kubectl misjudges it. */
function linkerFlags(version: string): string {
  const [major, minor] = version.slice(1).split(".");
  const variables = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  return ["-s -w", ...Object.entries(variables).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)].join(" ");
}

export interface BuildOptions {
  readonly names: readonly BinaryName[];
  readonly into: string;
  readonly version: string;
  /** The folder of the Go module that pins the sources. Default: that of the control plane of tests. */
  readonly module?: string;
  readonly progress: (line: string) => void;
}

/** Builds the named binaries from the Go module. Each appears in `into` only when it is whole. Rejects with a sentence. */
export async function buildBinaries({ names, into, version, module = clusterModule, progress }: BuildOptions): Promise<void> {
  const partial = workingDirectory(dirname(into));
  const wanted = names.map((name) => packages[name].path);
  const started = Date.now();
  let compiled = 0;
  let report = "";
  const tell = (): void => {
    progress(`${report}, ${Math.round((Date.now() - started) / 1000)} s`);
  };
  progress(`building ${names.join(", ")} ${version} from source (only the first time; about 6 minutes on two cores)`);
  report = "downloading modules";
  const timer = setInterval(tell, progressEvery);
  try {
    const total = (await go(["list", "-mod=readonly", "-deps", ...wanted], { in: module })).trim().split("\n").length;
    report = "compiling and linking";
    const flags = ["-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(version)];
    await go(["build", ...flags, "-o", `${partial}/`, ...wanted], {
      in: module,
      onLine: (line) => {
        if (line.startsWith("go: ")) return;
        compiled += 1;
        report = `compiled ${compiled} of at most ${total} packages`;
      },
    });
    mkdirSync(into, { recursive: true });
    for (const name of names) renameSync(join(partial, packages[name].output), join(into, name));
    tell();
  } catch (error) {
    throw new Error(`the control plane cannot be built from source: ${(error as Error).message}.`, { cause: error });
  } finally {
    clearInterval(timer);
    rmSync(partial, { recursive: true, force: true });
  }
}
